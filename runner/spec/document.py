"""A spec's text as plain data that remembers where every key and value stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from runner.errors import Problem

Key = str | int
Keys = tuple[Key, ...]

_SIMPLE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LONGEST_TEXT = 60
_DEEPEST_PATH = 12


@dataclass(frozen=True)
class Source:
    """A text that took part in a spec beside its own file: an extended file, or an argument.

    Attributes:
        file: its name as problems give it.
        folder: the folder that its paths are read from.
    """

    file: str
    folder: Path
    content: bytes
    lines: Sequence[str]


class Place(NamedTuple):
    """A position in a text; line and column count from 1.

    Attributes:
        source: the text, where it is not the spec's own file.
    """

    line: int
    column: int
    source: Source | None = None

    def within(self, source: Source) -> Place:
        """The same place, in that text where it is in none yet."""
        return self if self.source else self._replace(source=source)


NOWHERE = Place(0, 0)


class ForeignText(str):
    """A text that was written in another folder than the spec, from which its path is read."""

    __slots__ = ("folder",)
    folder: Path

    @classmethod
    def of(cls, text: str, folder: Path) -> ForeignText:
        """The text as it was written in that folder."""
        made = cls(text)
        made.folder = folder
        return made


class Finding(NamedTuple):
    """What is wrong with the value at a path, before it is known where that path is written.

    Attributes:
        path: from the value that was looked at.
        at_key: whether the key is to blame, not its value.
        shown_at: another path, whose place is shown; empty for the path's own.
    """

    path: Keys
    message: str
    remedy: str
    at_key: bool = False
    shown_at: Keys = ()

    def under(self, path: Keys) -> Finding:
        """The same finding about a value that stands at this path."""
        return self._replace(path=(*path, *self.path))


@dataclass
class Node:
    """One value of a YAML file.

    Attributes:
        value: the plain data: dict, list, str, int, float, bool or None.
        place: where the value starts.
        text: a scalar as it is written, without its quotes; empty for mappings and lists.
        plain: whether a scalar is written without quotes.
        entries: what a mapping or a list holds.
        weight: how much there is once every alias is written out.
    """

    value: Any
    place: Place
    text: str = ""
    plain: bool = False
    entries: dict[Key, Entry] = field(default_factory=dict)
    weight: int = 1


class Entry(NamedTuple):
    """One entry of a mapping or a list: where its key (or the item) stands, and its value."""

    key: Place
    node: Node


@dataclass(frozen=True)
class Document:
    """A YAML file that could be read, with the problems met on the way.

    Attributes:
        file: the file's name as the user gave it.
        folder: the folder that paths in the spec are read from.
        content: the file's bytes.
        others: what took part beside the file: those that it extends, and arguments.
    """

    file: str
    folder: Path
    content: bytes
    lines: Sequence[str]
    root: Node
    problems: Sequence[Problem] = ()
    others: Sequence[Source] = ()

    def find(self, path: Keys) -> Node | None:
        """The value at a path, if the file has one."""
        node = self.root
        for key in path:
            entry = node.entries.get(key)
            if entry is None:
                return None
            node = entry.node
        return node

    def place(self, path: Keys, *, at_key: bool = False) -> Place:
        """Where a path's value stands, or its key; the key of the nearest ancestor that exists."""
        node, key = self.root, self.root.place
        for step in path:
            entry = node.entries.get(step)
            if entry is None:
                return key
            key, node = entry
        empty = node.value is None and not node.text
        return key if at_key or empty else node.place

    def problem(self, finding: Finding) -> Problem:
        """The finding with the place where its path is written."""
        place = self.place(finding.shown_at or finding.path, at_key=finding.at_key)
        return problem_at(self.file, self.lines, place, finding)


def problem_at(file: str, lines: Sequence[str], place: Place, finding: Finding) -> Problem:
    """The finding at a place, with the line that stands there."""
    if place.source:
        file, lines = place.source.file, place.source.lines
    return Problem(
        file=file,
        line=place.line,
        column=place.column,
        path=written_path(finding.path),
        message=finding.message,
        remedy=finding.remedy,
        source=lines[place.line - 1] if 0 < place.line <= len(lines) else "",
    )


def written_path(path: Keys) -> str:
    """A path as people write it: `model.head[1].dense.units`, `matrix[model.head].wide`."""
    parts = []
    for key in path:
        if isinstance(key, str) and _SIMPLE_KEY.fullmatch(key):
            parts.append(f".{shorten(key)}")
        else:
            parts.append(f"[{shorten(str(key))}]")
    rest = "..." if len(parts) > _DEEPEST_PATH else ""
    return f"{''.join(parts[:_DEEPEST_PATH]).removeprefix('.')}{rest}"


def shorten(text: str) -> str:
    """A text from a file in a form that fits into a message and can't disturb a terminal."""
    visible = "".join(char if char.isprintable() else "?" for char in text[: _LONGEST_TEXT + 1])
    return visible if len(visible) <= _LONGEST_TEXT else f"{visible[: _LONGEST_TEXT - 3]}..."


def put(node: Node, keys: Keys, value: Node, key_place: Place, done: Keys = ()) -> Node:
    """The node with a value at a path, and with the mappings on the way; the node itself stays.

    Only what lies on the path is made anew: an alias of it elsewhere keeps what it had.

    Args:
        done: how much of the path leads to the node.

    Raises:
        KeyError: a value on the way is no mapping, or a list without such an item; its argument is
            how much of the path leads there.
    """
    key, *rest = keys
    if not _holds(node, key):
        raise KeyError(done)
    known = node.entries.get(key)
    if rest:
        inner = known.node if known else Node({}, value.place)
        value = put(inner, tuple(rest), value, key_place, (*done, key))
    entries = node.entries | {key: Entry(known.key if known and rest else key_place, value)}
    made = [one.node.value for one in entries.values()]
    plain = made if isinstance(node.value, list) else dict(zip(entries, made, strict=True))
    return replace(node, entries=entries, value=plain)


def _holds(node: Node, key: Key) -> bool:
    """Whether a node can take a value at this key."""
    if isinstance(node.value, list):
        return isinstance(key, int) and 0 <= key < len(node.value)
    return isinstance(node.value, dict) and isinstance(key, str)


def has_path(data: Any, path: Keys) -> bool:
    """Whether plain data have a value at a path, if only an empty one."""
    above = at_path(data, path[:-1])
    return isinstance(above, Mapping) and path[-1] in above


def at_path(data: Any, path: Keys) -> Any:
    """The value at a path of plain data, or None where there is none."""
    for key in path:
        if not isinstance(data, Mapping) or key not in data:
            return None
        data = data[key]
    return data
