"""From the parser's events to nodes, within bounds: depth, size and aliases can't explode.

PyYAML's own composer recurses and expands nothing, so a small file could still mean a huge one or
overflow the stack. This one keeps its own stack and counts what every alias stands for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from runner.spec.document import NOWHERE, Entry, Finding, Key, Keys, Node, Place, shorten
from runner.spec.guess import did_you_mean
from runner.spec.scalars import ScalarError, is_merge_key, read_scalar, written_tag

MOST_VALUES = 20_000
DEEPEST = 50
MOST_NOTED = 100
_CHARACTERS_PER_VALUE = 50
_COLLECTION_TAGS = {None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}

Located = tuple[Place, Finding]


class CompositionError(Exception):
    """A file that can't be read any further."""

    def __init__(self, place: Place, finding: Finding) -> None:
        super().__init__(finding.message)
        self.place = place
        self.finding = finding


@dataclass
class _Key:
    """A key that waits for its value."""

    name: str
    place: Place
    merges: bool


@dataclass
class _Open:
    """A mapping or list whose end has not come yet."""

    node: Node
    is_mapping: bool
    anchor: str | None
    key: _Key | None = None
    keys: dict[str, Place] = field(default_factory=dict)
    merged: list[Node] = field(default_factory=list)


class Composer:
    """Builds the nodes of one document; collects what is wrong and can be passed over."""

    def __init__(self) -> None:
        self.located: list[Located] = []
        self._root: Node | None = None
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._documents = 0

    def compose(self, events: Iterable[yaml.Event]) -> Node | None:
        """The root of the document, or None where the file holds nothing.

        Raises:
            CompositionError: the file breaks a bound, or says something that no spec can mean.
        """
        for event in events:
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._open(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()
            elif isinstance(event, yaml.DocumentStartEvent):
                self._document(_place(event))
        return self._root

    def _document(self, place: Place) -> None:
        self._documents += 1
        if self._documents > 1:
            self._stop(
                place, "a second document starts here", "keep one document: remove this --- line"
            )

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        place, plain = _place(event), not event.style
        frame = self._stack[-1] if self._stack else None
        if frame and frame.is_mapping and frame.key is None:
            self._key(frame, event, place)
            return
        node = Node(self._value(event, place), place, event.value, plain=plain)
        node.weight += len(event.value) // _CHARACTERS_PER_VALUE
        self._name(event.anchor, node)
        self._add(node, place)

    def _value(self, event: yaml.ScalarEvent, place: Place) -> Any:
        try:
            return read_scalar(event.value, plain=not event.style, tag=event.tag)
        except ScalarError as error:
            self._note(place, str(error), error.remedy)
            return None

    def _key(self, frame: _Open, event: yaml.ScalarEvent, place: Place) -> None:
        name, plain = event.value, not event.style
        if is_merge_key(name, plain=plain, tag=event.tag):
            frame.key = _Key(name, place, merges=True)
        else:
            frame.key = _Key(name, place, merges=False)
            self._check_key_is_text(event, place)
            self._name(event.anchor, Node(name, place, name, plain=plain))
        first = frame.keys.setdefault(name, place)
        if first is not place:
            self._note(
                place,
                f"duplicate key; it stands on line {first.line} already",
                "keep one of the two; YAML would drop the first without a word",
            )

    def _check_key_is_text(self, event: yaml.ScalarEvent, place: Place) -> None:
        try:
            value = read_scalar(event.value, plain=not event.style, tag=event.tag)
        except ScalarError as error:
            self._note(place, str(error), error.remedy)
            return
        if not isinstance(value, str):
            text = shorten(event.value)
            what = "an empty value" if value is None else _kind(value)
            message = f"YAML reads the key {text} as {what}, not as text" if text else "empty key"
            remedy = f'quote it: "{text}"' if text else "write a key before the colon"
            self._note(place, message, remedy)

    def _alias(self, event: yaml.AliasEvent) -> None:
        place, name = _place(event), str(event.anchor)
        if name not in self._anchors:
            guess = did_you_mean(name, self._anchors)
            self._stop(
                place,
                f"the alias *{shorten(name)} has no anchor before it{guess}",
                f"write &{shorten(name)} where the value first stands, or quote a text with a *",
            )
        node = self._anchors[name]
        if node is None:
            self._stop(
                place,
                f"the alias *{shorten(name)} stands inside the value that it names",
                "write the value out",
            )
        frame = self._stack[-1] if self._stack else None
        if frame and frame.is_mapping and frame.key is None:
            self._stop(place, "a key can't be an alias", "write the key out")
        self._add(node, place)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        place, is_mapping = _place(event), isinstance(event, yaml.MappingStartEvent)
        frame = self._stack[-1] if self._stack else None
        if frame and frame.is_mapping and frame.key is None:
            self._stop(
                place,
                "a key can't be a list or a mapping",
                "quote it if it is text; a { right after { or : starts a mapping",
            )
        if event.tag not in _COLLECTION_TAGS:
            tag = written_tag(event.tag)
            self._note(place, f"the tag {tag} can't be used in a spec", "remove the tag")
        if len(self._stack) >= DEEPEST:
            self._stop(
                place,
                f"nested more than {DEEPEST} levels deep",
                "a spec needs fewer than ten; look for brackets that are never closed",
            )
        if event.anchor:
            self._anchors[event.anchor] = None
        node = Node({} if is_mapping else [], place)
        self._stack.append(_Open(node, is_mapping, event.anchor))

    def _close(self) -> None:
        frame = self._stack.pop()
        if frame.is_mapping:
            _merge(frame)
        self._name(frame.anchor, frame.node)
        self._add(frame.node, frame.node.place)

    def _add(self, node: Node, place: Place) -> None:
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        frame.node.weight += node.weight
        if frame.node.weight > MOST_VALUES:
            self._stop(
                place,
                f"the file unfolds to more than {MOST_VALUES} values",
                "write less, and use fewer aliases of aliases",
            )
        if not frame.is_mapping:
            frame.node.entries[len(frame.node.value)] = Entry(place, node)
            frame.node.value.append(node.value)
        elif frame.key is not None:
            self._put(frame, frame.key, node, place)
            frame.key = None

    def _put(self, frame: _Open, key: _Key, node: Node, place: Place) -> None:
        if not key.merges:
            frame.node.entries[key.name] = Entry(key.place, node)
            frame.node.value[key.name] = node.value
            return
        sources = [entry.node for entry in node.entries.values()]
        merged = sources if isinstance(node.value, list) else [node]
        if all(isinstance(source.value, dict) for source in merged):
            frame.merged += merged
        else:
            self._note(place, "<< merges mappings only", "give it an alias of a mapping: <<: *name")

    def _name(self, anchor: str | None, node: Node) -> None:
        if anchor:
            self._anchors[anchor] = node

    def _path(self) -> Keys:
        steps: list[Key] = []
        for frame in self._stack:
            if not frame.is_mapping:
                steps.append(len(frame.node.value))
            elif frame.key:
                steps.append(frame.key.name)
        return tuple(steps)

    def _note(self, place: Place, message: str, remedy: str) -> None:
        if len(self.located) < MOST_NOTED:
            self.located.append((place, Finding(self._path(), message, remedy)))

    def _stop(self, place: Place, message: str, remedy: str) -> NoReturn:
        raise CompositionError(place, Finding(self._path(), message, remedy))


def _merge(frame: _Open) -> None:
    """Put merged entries under the mapping's own; among several sources the first one wins."""
    if not frame.merged:
        return
    entries: dict[Key, Entry] = {}
    for source in reversed(frame.merged):
        entries.update(source.entries)
    entries.update(frame.node.entries)
    frame.node.entries = entries
    frame.node.value = {key: entry.node.value for key, entry in entries.items()}


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"the number {value:g}"


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark else NOWHERE
