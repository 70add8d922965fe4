"""The parts that a variant is made of, each completed by itself.

A part that doesn't fit its schema is left out, so that one mistake hides no other: every check runs
that finds the parts it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.spec.complete import complete
from runner.spec.document import at_path
from runner.spec.matrix import Combination
from runner.spec.schema import default_of, sub_schema
from runner.spec.structure import fits

Parts = Mapping[str, Any]

PARTS = (
    "data",
    "model.base",
    "model.head",
    "model.trainable",
    "train",
    "quantize",
    "runtime",
    "target",
)
_OF_THE_WHOLE = ("measure", "expect")


class PartReader:
    """Completes the parts of variants; what several variants share is completed once."""

    def __init__(self, data: Mapping[str, Any], folder: Path) -> None:
        self._data = data
        self._folder = folder
        self._known: dict[tuple[str, ...], Any] = {}

    def of_variant(self, combination: Combination) -> dict[str, Any]:
        """The parts of one variant that fit their schema."""
        merged = combination.merged(self._data)
        parts = {}
        for part in PARTS:
            choices = [f"{axis}={name}" for axis, name in combination.names.items()]
            key = (part, *(one for one in choices if _touches(one.split("=")[0], part)))
            if key not in self._known:
                self._known[key] = self._complete(merged, part)
            if self._known[key] is not None:
                parts[part] = self._known[key]
        return parts

    def of_spec(self) -> dict[str, Any]:
        """The parts that no variant changes."""
        parts = {name: self._complete(self._data, name) for name in _OF_THE_WHOLE}
        return {name: part for name, part in parts.items() if part is not None}

    def _complete(self, data: Mapping[str, Any], part: str) -> Any:
        keys = tuple(part.split("."))
        schema = sub_schema(keys) or {}
        value = at_path(data, keys)
        value = default_of(keys) if value is None else value
        return complete(value, schema, self._folder) if fits(value, schema) else None


def _touches(axis: str, part: str) -> bool:
    return f"{axis}.".startswith(f"{part}.") or f"{part}.".startswith(f"{axis}.")
