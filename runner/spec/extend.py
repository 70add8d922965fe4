"""Specs that share parts: `extends` and `--set` become one document that knows each value's origin.

Mappings are joined, and whatever the nearer file says wins; lists and plain values are replaced
whole. A mapping that stands for one choice, such as `trainable: {last: 20}`, is replaced too where
another choice is made. A written `null` takes out what the extended file says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
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
# Files can be named by several others, each of which is read anew.
MOST_FILES = 64
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
    chain = (*below, path.resolve())
    bases = [_base(document, keys, chain) for keys in _named(document)]
    if not bases:
        return document
    others = tuple(one for base, source in bases for one in (*base.others, source))
    if len(others) > MOST_FILES:
        message = f"more than {MOST_FILES} files are extended"
        raise _refusal(document, _EXTENDS, message, "let one file hold what several share")
    # Of several files the later one wins, so they are joined before this one comes on top.
    root, *more = (_located(base.root, source) for base, source in bases)
    for one in (*more, document.root):
        root = _join(root, one, spec_schema(), ())
    return replace(
        document,
        root=root,
        problems=(*document.problems, *(one for base, _ in bases for one in base.problems)),
        others=others,
    )


def _named(document: Document) -> Iterator[Keys]:
    """Where the document names a file that it extends."""
    node = document.find(_EXTENDS)
    keys = [_EXTENDS]
    if node is not None and isinstance(node.value, list):
        keys = [(*_EXTENDS, index) for index in range(len(node.value))]
    for one in keys:
        found = document.find(one)
        if found is not None and isinstance(found.value, str) and found.value:
            yield one


def _base(document: Document, keys: Keys, chain: tuple[Path, ...]) -> tuple[Document, Source]:
    """A file that the document extends, joined with all that it extends itself; and its text."""
    path = _path(document, keys)
    _check_chain(document, keys, path, chain)
    base = _joined(_load(document, keys, path), path, chain)
    return base, Source(base.file, base.folder, base.content, base.lines)


def _path(document: Document, keys: Keys) -> Path:
    node = document.find(keys)
    text = str(node.value) if node else ""
    if unset(text):
        message = f"the environment variable {unset(text)[0]} is not set"
        raise _refusal(document, keys, message, "set it, or write the path out")
    path = Path(resolve(text, document.folder))
    if path.suffix not in _SUFFIXES:
        message = "only a .yaml or .yml file can be extended"
        raise _refusal(document, keys, message, "name a spec's file")
    return path


def _check_chain(document: Document, keys: Keys, path: Path, chain: tuple[Path, ...]) -> None:
    if path.resolve() in chain:
        names = " -> ".join(one.name for one in (*chain, path))
        message = f"files extend each other in a circle: {names}"
        raise _refusal(document, keys, message, "remove one of these extends")
    if len(chain) > DEEPEST_EXTENSION:
        message = f"more than {DEEPEST_EXTENSION} files extend one another"
        raise _refusal(document, keys, message, "let one file hold what several share")


def _load(document: Document, keys: Keys, path: Path) -> Document:
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
        raise _refusal(document, keys, message, first.remedy) from None


def _refusal(document: Document, keys: Keys, message: str, remedy: str) -> SpecError:
    return SpecError([document.problem(Finding(keys, message, remedy))])


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
        if entry.node.value is None and entry.node.text:
            # A written null takes out what the extended file says, if it says anything; a
            # forgotten value doesn't.
            entries.pop(key, None)
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
