"""The matrix: named alternatives for fields, and the combinations that they make."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.spec.document import Key, Keys

FIXED_SECTIONS = ("spec", "name", "question", "measure", "matrix", "baseline", "expect")


@dataclass(frozen=True)
class Alternative:
    """One of the values that an axis takes.

    Attributes:
        name: given by the mapping, or the value itself as text.
        place: where it is written: its path in the file.
    """

    name: str
    value: Any
    place: Keys


@dataclass(frozen=True)
class Axis:
    """A field that varies."""

    path: str
    alternatives: tuple[Alternative, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The path's parts."""
        return tuple(self.path.split("."))

    def alternative(self, choice: Any) -> Alternative | None:
        """The alternative of this name, or with this value as text."""
        name = value_as_name(choice)
        return next((one for one in self.alternatives if one.name == name), None)


@dataclass(frozen=True)
class Combination:
    """One alternative of every axis."""

    axes: tuple[Axis, ...]
    alternatives: tuple[Alternative, ...]

    @property
    def names(self) -> dict[str, str]:
        """Each axis's path and the name of its alternative."""
        return {
            axis.path: chosen.name
            for axis, chosen in zip(self.axes, self.alternatives, strict=True)
        }

    def name(self, spec_name: str) -> str:
        """`model.head=wide,quantize=int8`; the spec's own name where nothing varies."""
        return ",".join(f"{path}={name}" for path, name in self.names.items()) or spec_name

    def merged(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The spec's data with the alternatives in their places; the data itself stays as it is."""
        result = {key: value for key, value in data.items() if key != "matrix"}
        for axis, chosen in zip(self.axes, self.alternatives, strict=True):
            result = _put(result, axis.keys, chosen.value)
        return result

    def place(self, path: Keys) -> Keys:
        """Where a path of the merged data is written in the file."""
        for axis, chosen in zip(self.axes, self.alternatives, strict=True):
            if path[: len(axis.keys)] == axis.keys:
                return (*chosen.place, *path[len(axis.keys) :])
        return path


def read_axes(data: Mapping[str, Any]) -> tuple[Axis, ...]:
    """The axes of a spec as far as they can be made out; what can't is left out."""
    matrix = data.get("matrix")
    if not isinstance(matrix, dict):
        return ()
    return tuple(
        Axis(str(path), tuple(_alternatives(path, value))) for path, value in matrix.items()
    )


def combinations(axes: Sequence[Axis]) -> Iterator[Combination]:
    """Every combination, in the file's order; the last axis turns fastest."""
    for chosen in itertools.product(*(axis.alternatives for axis in axes)):
        yield Combination(tuple(axes), chosen)


def count(axes: Sequence[Axis]) -> int:
    """How many combinations there are."""
    return math.prod(len(axis.alternatives) for axis in axes)


def value_as_name(value: Any) -> str:
    """A plain value as the name of an alternative: `int8`, `0.35`, `true`; 1.0 and 1 are alike."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value)


def _alternatives(path: str, value: Any) -> Iterator[Alternative]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield Alternative(str(name), inner, ("matrix", path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield Alternative(value_as_name(inner), inner, ("matrix", path, index))


def _put(data: Mapping[str, Any], keys: tuple[Key, ...], value: Any) -> dict[str, Any]:
    first, *rest = keys
    if rest:
        inner = data.get(str(first))
        value = _put(inner if isinstance(inner, dict) else {}, tuple(rest), value)
    return {**data, str(first): value}
