"""The matrix: named alternatives for fields, and the combinations that they make."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from runner.spec.document import Key, Keys

FIXED_SECTIONS = (
    "spec",
    "extends",
    "name",
    "question",
    "priority",
    "targets",
    "measure",
    "limits",
    "matrix",
    "baseline",
    "expect",
    "report",
)
# What stands in a matrix beside its axes.
MATRIX_KEYS = ("include", "exclude", "limit")
MOST_VARIANTS = 256
MOST_EVER = 100_000

Choice = Mapping[str, Any]


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

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The path's parts."""
        return tuple(self.path.split("."))

    @property
    def names(self) -> list[str]:
        """The names of its alternatives."""
        return [one.name for one in self.alternatives]

    def alternative(self, choice: Any) -> Alternative | None:
        """The alternative of this name, or with this value as text."""
        return self._by_name.get(value_as_name(choice))

    @cached_property
    def _by_name(self) -> dict[str, Alternative]:
        return {one.name: one for one in reversed(self.alternatives)}


@dataclass(frozen=True)
class Combination:
    """An alternative of each of some axes."""

    axes: tuple[Axis, ...]
    alternatives: tuple[Alternative, ...]

    @cached_property
    def names(self) -> dict[str, str]:
        """Each axis's path and the name of its alternative."""
        pairs = zip(self.axes, self.alternatives, strict=True)
        return {axis.path: chosen.name for axis, chosen in pairs}

    def name(self, spec_name: str) -> str:
        """`model.head=wide,quantize=int8`; the spec's own name where nothing varies."""
        return ",".join([f"{path}={name}" for path, name in self.names.items()]) or spec_name

    def merged(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The spec's data with the alternatives in their places; the data itself stays as it is."""
        result = {key: value for key, value in data.items() if key != "matrix"}
        for axis, chosen in zip(self.axes, self.alternatives, strict=True):
            result = _put(result, axis.keys, chosen.value)
        return result

    def place(self, path: Keys) -> Keys:
        """Where a path of the merged data is written in the file."""
        written = path
        for axis, chosen in zip(self.axes, self.alternatives, strict=True):
            # Of two axes, one inside the other, the later one wrote it.
            if path[: len(axis.keys)] == axis.keys:
                written = (*chosen.place, *path[len(axis.keys) :])
        return written

    def has(self, choice: Mapping[str, str]) -> bool:
        """Whether it has all the alternatives of a choice, by their names."""
        names = self.names
        return all(names.get(path) == name for path, name in choice.items())


@dataclass(frozen=True)
class Matrix:
    """The axes, what single variants add to their product, and what is taken out of it.

    Attributes:
        inclusions: one combination for each item of `include`.
        exclusions: for each item of `exclude`, the alternatives by the axis's path.
        limit: the most variants that the spec allows itself.
    """

    axes: tuple[Axis, ...]
    inclusions: tuple[Combination, ...] = ()
    exclusions: tuple[Mapping[str, str], ...] = ()
    limit: int = MOST_VARIANTS

    @property
    def product(self) -> int:
        """How many combinations there are before any is taken out."""
        return math.prod(len(axis.alternatives) for axis in self.axes)

    @property
    def most(self) -> int:
        """How many combinations there are at the most; all of them, where none is taken out."""
        own = self.product if self.axes or not self.inclusions else 0
        return own + len(self.inclusions)

    def combinations(self) -> Iterator[Combination]:
        """Every combination: the product in the file's order, its last axis turning fastest."""
        if self.axes or not self.inclusions:
            for chosen in itertools.product(*(axis.alternatives for axis in self.axes)):
                combination = Combination(self.axes, chosen)
                if not any(map(combination.has, self.exclusions)):
                    yield combination
        yield from self.inclusions

    @cached_property
    def paths(self) -> Mapping[str, Collection[str]]:
        """The path of everything that varies, with the names that it takes."""
        names = {axis.path: dict.fromkeys(axis.names) for axis in self.axes}
        for inclusion in self.inclusions:
            for path, name in inclusion.names.items():
                names.setdefault(path, {})[name] = None
        return names

    def chosen(self, choice: Choice) -> dict[str, str]:
        """What a choice names, as names; what the matrix doesn't have is left out."""
        names = {path: value_as_name(value) for path, value in choice.items()}
        return {path: name for path, name in names.items() if name in self.paths.get(path, ())}

    def having(self, choice: Mapping[str, str]) -> list[Combination]:
        """The combinations that have all of a choice, by names that the matrix has."""
        if not choice:
            return list(self._all)
        found = set.intersection(*(self._where[item] for item in choice.items()))
        return [self._all[index] for index in sorted(found)]

    def meant(self, choice: Mapping[str, str]) -> list[Combination]:
        """The combinations that have all of a choice; if one of them has no more, that one."""
        fitting = self.having(choice)
        exact = [one for one in fitting if len(one.names) == len(choice)]
        return exact or fitting

    @cached_property
    def _all(self) -> tuple[Combination, ...]:
        return tuple(self.combinations())

    @cached_property
    def _where(self) -> Mapping[tuple[str, str], set[int]]:
        """Path and name -> the places of the combinations that have it."""
        where: dict[tuple[str, str], set[int]] = defaultdict(set)
        for index, one in enumerate(self._all):
            for item in one.names.items():
                where[item].add(index)
        return where


def read_matrix(data: Mapping[str, Any]) -> Matrix:
    """The matrix of a spec as far as it can be made out; what can't is left out."""
    matrix = data.get("matrix")
    if not isinstance(matrix, dict):
        return Matrix(())
    axes = tuple(
        Axis(str(path), tuple(_alternatives(path, value)))
        for path, value in matrix.items()
        if path not in MATRIX_KEYS
    )
    limit = matrix.get("limit")
    return Matrix(
        axes=axes,
        inclusions=tuple(_inclusions(matrix.get("include"), axes)),
        exclusions=tuple(_exclusions(matrix.get("exclude"), axes)),
        limit=limit if isinstance(limit, int) and limit > 0 else MOST_VARIANTS,
    )


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


def _inclusions(items: Any, axes: Sequence[Axis]) -> Iterator[Combination]:
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict) and item:
            place = ("matrix", "include", index)
            yield _inclusion(item, axes, place)


def _inclusion(item: Choice, axes: Sequence[Axis], place: Keys) -> Combination:
    """Axes in the matrix's own order, then what is set beside them."""
    known = {axis.path: axis for axis in axes}
    order = [*(path for path in known if path in item), *(p for p in item if p not in known)]
    chosen = []
    for path in order:
        axis = known.get(path)
        found = axis.alternative(item[path]) if axis and not _is_nested(item[path]) else None
        own = Alternative(value_as_name(item[path]), item[path], (*place, path))
        chosen.append(found or own)
    made = tuple(Axis(path, (one,)) for path, one in zip(order, chosen, strict=True))
    return Combination(made, tuple(chosen))


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list)


def _exclusions(items: Any, axes: Sequence[Axis]) -> Iterator[Mapping[str, str]]:
    known = {axis.path: axis for axis in axes}
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict) or not item:
            continue
        names = {path: value_as_name(value) for path, value in item.items()}
        if all(path in known and known[path].alternative(name) for path, name in names.items()):
            yield names


def _put(data: Mapping[str, Any], keys: tuple[Key, ...], value: Any) -> dict[str, Any]:
    first, *rest = keys
    if rest:
        inner = data.get(str(first))
        value = _put(inner if isinstance(inner, dict) else {}, tuple(rest), value)
    return {**data, str(first): value}
