"""Specs that share parts: `extends` and `--set` become one document that knows each value's origin.

Mappings are joined, and whatever the nearer file says wins; lists and plain values are replaced
whole. A mapping that stands for one choice, such as `trainable: {last: 20}`, is replaced too where
another choice is made. A written `null` takes out what the extended file says.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runner.errors import SpecError
from runner.spec.complete import resolve
from runner.spec.document import Document, Entry, Finding, ForeignText, Key, Keys, Node, Source
from runner.spec.load import load
from runner.spec.matrix import MATRIX_KEYS
from runner.spec.schema import Schema, branches, fields, spec_schema, sub_schema
from runner.spec.settings import apply_settings
from runner.spec.variables import unset

DEEPEST_EXTENSION = 8
_EXTENDS: Keys = ("extends",)
_SUFFIXES = (".yaml", ".yml")


def read_document(path: Path, settings: Sequence[str] = ()) -> Document:
    """Reads a spec with all that it extends, and puts the settings of the command line on top.

    Args:
        settings: texts such as `model.base.alpha=0.5`.

    Raises:
        SpecError: a file can't be read.
    """
    document = _joined(load(path), path, ())
    return apply_settings(document, settings) if settings else document


def _joined(document: Document, path: Path, below: tuple[Path, ...]) -> Document:
    """The document joined with all that it extends.

    Args:
        path: of its file.
        below: the files that led here.
    """
    node = document.find(_EXTENDS)
    if node is None or not isinstance(node.value, str) or not node.value:
        return document
    base_path = _path(document, node.value)
    chain = (*below, path.resolve())
    _check_chain(document, base_path, chain)
    base = _joined(_load(document, base_path), base_path, chain)
    source = Source(base.file, base.folder, base.content, base.lines)
    return replace(
        document,
        root=_join(_located(base.root, source), document.root, spec_schema(), ()),
        problems=(*document.problems, *base.problems),
        others=(*base.others, source),
    )


def _path(document: Document, text: str) -> Path:
    if unset(text):
        message = f"the environment variable {unset(text)[0]} is not set"
        raise _refusal(document, message, "set it, or write the path out")
    path = Path(resolve(text, document.folder))
    if path.suffix not in _SUFFIXES:
        raise _refusal(document, "only a .yaml or .yml file can be extended", "name a spec's file")
    return path


def _check_chain(document: Document, path: Path, chain: tuple[Path, ...]) -> None:
    if path.resolve() in chain:
        names = " -> ".join(one.name for one in (*chain, path))
        message = f"files extend each other in a circle: {names}"
        raise _refusal(document, message, "remove one of these extends")
    if len(chain) > DEEPEST_EXTENSION:
        message = f"more than {DEEPEST_EXTENSION} files extend one another"
        raise _refusal(document, message, "let one file hold what several share")


def _load(document: Document, path: Path) -> Document:
    """The extended file under the name that the user would write from where the spec is named."""
    shown = os.path.relpath(path, document.folder)
    folder = Path(document.file).parent
    try:
        return load(path, name=os.path.normpath(folder / shown))
    except SpecError as error:
        first = error.problems[0]
        if first.line:
            raise
        # It can't be read as a whole: the place to mend is the one that names it.
        message = f"{first.file}: {first.message}"
        raise _refusal(document, message, first.remedy) from None


def _refusal(document: Document, message: str, remedy: str) -> SpecError:
    return SpecError([document.problem(Finding(_EXTENDS, message, remedy))])


def _located(node: Node, source: Source) -> Node:
    """A copy whose values know the text that they come from, where they don't know one yet."""
    if node.place.source is not None:
        return node
    entries = {
        key: Entry(entry.key.within(source), _located(entry.node, source))
        for key, entry in node.entries.items()
    }
    value = node.value
    if isinstance(value, str):
        value = ForeignText.of(value, source.folder)
    elif isinstance(value, dict | list):
        value = _value(entries, is_list=isinstance(value, list))
    return replace(node, value=value, place=node.place.within(source), entries=entries)


def _join(base: Node, own: Node, schema: Schema | None, path: Keys) -> Node:
    if not isinstance(base.value, dict) or not isinstance(own.value, dict):
        return own
    if _is_choice(schema) and base.value.keys() != own.value.keys():
        return own
    entries = {key: entry for key, entry in base.entries.items() if (*path, key) != _EXTENDS}
    for key, entry in own.entries.items():
        below = entries.get(key)
        if below and entry.node.value is None and entry.node.text:
            # A written null takes out what the extended file says; a forgotten value doesn't.
            del entries[key]
            continue
        inner = _inner(schema, key, path)
        node = _join(below.node, entry.node, inner, (*path, key)) if below else entry.node
        entries[key] = Entry(entry.key, node)
    return replace(own, entries=entries, value=_value(entries, is_list=False))


def _value(entries: dict[Key, Entry], *, is_list: bool) -> dict[Key, object] | list[object]:
    if is_list:
        return [entry.node.value for entry in entries.values()]
    return {key: entry.node.value for key, entry in entries.items()}


def _is_choice(schema: Schema | None) -> bool:
    """Whether a mapping has one key, which says what is chosen."""
    return schema is not None and any(form.get("maxProperties") == 1 for form in branches(schema))


def _inner(schema: Schema | None, key: Key, path: Keys) -> Schema | None:
    if path[:1] == ("matrix",) and len(path) == len(("matrix", "axis")):
        # An alternative of an axis: a value of the field that the axis names.
        return None if path[1] in MATRIX_KEYS else sub_schema(tuple(str(path[1]).split(".")))
    return fields(schema).get(str(key)) if schema is not None else None
