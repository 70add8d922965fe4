"""`--set model.base.alpha=0.5`: values from the command line, on top of what the files say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runner.errors import SpecError
from runner.spec.document import (
    Document,
    Finding,
    ForeignText,
    Key,
    Keys,
    Node,
    Place,
    Source,
    problem_at,
    put,
    shorten,
    written_path,
)
from runner.spec.load import parse_value
from runner.spec.matrix import MATRIX_KEYS

OPTION = "--set"
_STEP = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|\[(?P<quoted>[^\]]+)\]")
_REMEDY = "write PATH=VALUE, for example model.base.alpha=0.5"


def apply_settings(document: Document, settings: Sequence[str]) -> Document:
    """The document with the settings put in, in their order.

    A setting that can't be understood, or leads into a value that is no mapping, becomes one of the
    document's problems, so that it is reported beside those of the file.
    """
    root = document.root
    problems, sources = [], []
    for text in settings:
        source = Source(OPTION, Path.cwd(), text.encode("utf-8", "surrogateescape"), [text])
        sources.append(source)
        try:
            root = _applied(root, text, source)
        except _SettingError as error:
            place = Place(1, error.column, source)
            problems.append(problem_at(OPTION, (), place, error.finding))
    return replace(
        document,
        root=root,
        problems=(*document.problems, *problems),
        others=(*document.others, *sources),
    )


class _SettingError(Exception):
    """A setting that can't be put in."""

    def __init__(self, column: int, finding: Finding) -> None:
        super().__init__(finding.message)
        self.column = column
        self.finding = finding


def _applied(root: Node, text: str, source: Source) -> Node:
    """The root with the setting in its place."""
    path, equals, written = text.partition("=")
    keys, column = _keys(path)
    if not equals or not keys:
        finding = Finding((), f"{shorten(text)} is no setting", _REMEDY)
        raise _SettingError(1, finding)
    if keys[0] == "extends":
        message = "can't be set here: the files are joined before"
        raise _SettingError(1, Finding(keys, message, "write it into the spec"))
    keys = _as_in(root, keys)
    _refuse_axis(root, keys)
    value = _value(written, len(path) + 1, source, keys)
    try:
        return put(root, keys, value, Place(1, column, source))
    except KeyError as error:
        above: Keys = error.args[0]
        message = f"can't be set inside {written_path(above)}, which is no mapping or list with it"
        remedy = f"set {written_path(above)} as a whole"
        raise _SettingError(column, Finding(keys, message, remedy)) from None


def _as_in(root: Node, keys: Keys) -> Keys:
    """The keys as the document has them: a number is a place in a list, and a text elsewhere."""
    node: Node | None = root
    known: list[Key] = []
    for key in keys:
        is_place = node is not None and isinstance(node.value, list)
        known.append(key if is_place or isinstance(key, str) else str(key))
        entry = node.entries.get(known[-1]) if node else None
        node = entry.node if entry else None
    return tuple(known)


def _refuse_axis(root: Node, keys: Keys) -> None:
    """A field that the matrix sets keeps none of its own value."""
    matrix = root.value.get("matrix") if isinstance(root.value, dict) else None
    for axis in matrix if isinstance(matrix, dict) else ():
        steps = tuple(str(axis).split("."))
        if axis not in MATRIX_KEYS and keys[: len(steps)] == steps:
            message = f"the matrix sets {shorten(str(axis))}, so this would change nothing"
            remedy = f"set the axis: {OPTION} 'matrix[{axis}]=[...]'"
            raise _SettingError(1, Finding(keys, message, remedy))


def _value(written: str, offset: int, source: Source, keys: Keys) -> Node:
    try:
        node = parse_value(written.encode("utf-8", "surrogateescape"))
    except SpecError as error:
        first = error.problems[0]
        finding = Finding(keys, first.message, first.remedy)
        raise _SettingError(offset + max(1, first.column), finding) from None
    return _moved(node, offset, source)


def _moved(node: Node, offset: int, source: Source) -> Node:
    """The value at its place in the argument."""
    value, entries = node.value, {}
    for key, entry in node.entries.items():
        moved = _moved(entry.node, offset, source)
        entries[key] = entry._replace(key=_shift(entry.key, offset, source), node=moved)
        value[key] = moved.value
    if isinstance(value, str):
        value = ForeignText.of(value, source.folder)
    return replace(node, value=value, place=_shift(node.place, offset, source), entries=entries)


def _shift(place: Place, offset: int, source: Source) -> Place:
    return Place(1, place.column + offset, source)


def _keys(path: str) -> tuple[Keys, int]:
    """`model.head[1].dense.units` -> its keys, and the column of the last; none for no path."""
    keys: list[str | int] = []
    at, column = 0, 1
    while at < len(path):
        if keys and path[at] == ".":
            at += 1
        match = _STEP.match(path, at)
        if match is None:
            return (), 1
        quoted = match["quoted"]
        if quoted is None:
            keys.append(match["name"])
        else:
            keys.append(int(quoted) if quoted.isdecimal() else quoted)
        at, column = match.end(), match.start() + 1
    return tuple(keys), column
