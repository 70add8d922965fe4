"""The parts that a variant is made of, each completed by itself.

Of a part that doesn't fit its schema, what does is kept, or else it is left out, so that one
mistake hides no other: every check runs that finds the parts it needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from runner.spec.complete import complete
from runner.spec.document import Keys, at_path, has_path
from runner.spec.matrix import Axis, Combination
from runner.spec.replicates import Dealer
from runner.spec.schema import default_of, sub_schema
from runner.spec.structure import sound

Parts = Mapping[str, Any]

PARTS = (
    "data",
    "model.file",
    "model.input_scaling",
    "model.base",
    "model.head",
    "model.trainable",
    "model.freeze_batch_norm",
    "train",
    "compress",
    "quantize",
    "runtime",
    "target",
)
# Beside the parts: the names of those that the spec itself gives, whether they fit or not.
GIVEN = "given"
_OF_THE_WHOLE = ("measure", "limits", "expect", "targets", "report")


class _Read(NamedTuple):
    """What was made of a part."""

    value: Any
    is_given: bool


class _Frame(NamedTuple):
    """What all combinations of the same axes have in common.

    Attributes:
        axes: kept, so that no others take over their identity.
        touched: the parts that some of the axes have a say in, and which of them.
        parts: the others.
        given: those of the others that the spec gives.
    """

    axes: tuple[Axis, ...]
    touched: tuple[tuple[str, tuple[int, ...]], ...]
    parts: dict[str, Any]
    given: frozenset[str]


class PartReader:
    """Completes the parts of variants; what several variants share is completed once.

    Parts that are the same are the same object, so that their identity stands for their content
    in whatever is worked out from them.
    """

    def __init__(self, data: Mapping[str, Any], folder: Path) -> None:
        self._data = data
        self._folder = folder
        self._known: dict[tuple[str, tuple[Keys, ...]], _Read] = {}
        self._given: dict[frozenset[str], frozenset[str]] = {}
        self._frames: dict[int, _Frame] = {}
        self._texts: dict[str, int] = {}
        self._numbers: dict[int, int] = {}
        self._dealer = Dealer()

    def replicates(self, combination: Combination) -> list[Parts]:
        """The parts of each model of one variant: one, or one for each of its seeds."""
        return self._dealer.replicates(self.of_variant(combination))

    def of_variant(self, combination: Combination) -> dict[str, Any]:
        """The parts of one variant that fit their schema, and `given`."""
        frame = self._frame(combination)
        parts, given = frame.parts.copy(), frame.given
        for part, touching in frame.touched:
            key = (part, tuple([combination.alternatives[index].place for index in touching]))
            read = self._known.get(key)
            if read is None:
                read = self._known[key] = self._read(combination.merged(self._data), part)
            if read.value is not None:
                parts[part] = read.value
            if read.is_given:
                given |= {part}
        parts[GIVEN] = self._given.setdefault(given, given)
        return parts

    def content(self, parts: Parts) -> tuple[int, ...]:
        """What a variant amounts to, whatever it is called: a number for each of its parts."""
        return tuple([self._number(parts.get(part)) for part in PARTS])

    def _number(self, part: Any) -> int:
        """The same number for the same content."""
        if id(part) not in self._numbers:
            text = json.dumps(part, sort_keys=True)
            self._numbers[id(part)] = self._texts.setdefault(text, len(self._texts))
        return self._numbers[id(part)]

    def of_spec(self) -> dict[str, Any]:
        """The parts that no variant changes."""
        parts = {name: self._read(self._data, name).value for name in _OF_THE_WHOLE}
        return {name: part for name, part in parts.items() if part is not None}

    def _frame(self, combination: Combination) -> _Frame:
        """What all combinations of the same axes have in common."""
        axes = combination.axes
        frame = self._frames.get(id(axes))
        if frame is None:
            touching = [
                (part, tuple(i for i, axis in enumerate(axes) if _touches(axis.path, part)))
                for part in PARTS
            ]
            same = {part: self._own(part) for part, indices in touching if not indices}
            frame = self._frames[id(axes)] = _Frame(
                axes=axes,
                touched=tuple((part, indices) for part, indices in touching if indices),
                parts={part: read.value for part, read in same.items() if read.value is not None},
                given=frozenset(part for part, read in same.items() if read.is_given),
            )
        return frame

    def _own(self, part: str) -> _Read:
        """A part as the spec itself has it."""
        key = (part, ())
        if key not in self._known:
            self._known[key] = self._read(self._data, part)
        return self._known[key]

    def _read(self, data: Mapping[str, Any], part: str) -> _Read:
        keys = tuple(part.split("."))
        schema = sub_schema(keys) or {}
        value = at_path(data, keys)
        value = sound(default_of(keys) if value is None else value, schema)
        made = None if value is None else complete(value, schema, self._folder)
        return _Read(made, has_path(data, keys))


def _touches(axis: str, part: str) -> bool:
    return f"{axis}.".startswith(f"{part}.") or f"{part}.".startswith(f"{axis}.")
