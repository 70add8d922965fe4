"""Holds the matrix against the schema: do its axes exist, do their alternatives fit?"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runner.spec.document import Document, Finding, Keys, at_path, shorten
from runner.spec.guess import did_you_mean, listed
from runner.spec.matrix import (
    FIXED_SECTIONS,
    Alternative,
    Axis,
    Combination,
    Matrix,
    value_as_name,
)
from runner.spec.schema import Schema, branches, field_paths, spec_schema, sub_schema
from runner.spec.structure import fits, structural_findings

Findings = Iterator[Finding]

_MOST_NAMES = 8


def usable(matrix: Matrix, data: Mapping[str, Any]) -> Matrix:
    """The matrix with those axes and inclusions that variants can be made from."""
    axes = matrix.axes
    return replace(
        matrix,
        axes=tuple(
            axis
            for index, axis in enumerate(axes)
            if axis.alternatives and _is_sound(axis, axes[:index], data)
        ),
        inclusions=tuple(
            one for one in matrix.inclusions if all(_is_sound(axis, (), data) for axis in one.axes)
        ),
    )


def matrix_findings(matrix: Matrix, document: Document) -> Findings:
    """Everything that is wrong with the axes, their alternatives, and single variants."""
    data = document.root.value
    for index, axis in enumerate(matrix.axes):
        yield from _axis_findings(axis, matrix.axes[:index], data, ("matrix", axis.path))
        schema = _schema(axis)
        if schema is not None:
            yield from _alternative_findings(axis, schema, document)
            yield from _own_value_findings(axis, schema, document)
    for inclusion in matrix.inclusions:
        yield from _inclusion_findings(inclusion, matrix, document)
    yield from _exclusion_findings(matrix, data)


def _is_sound(axis: Axis, before: Sequence[Axis], data: Mapping[str, Any]) -> bool:
    return next(_axis_findings(axis, before, data, ()), None) is None


def _schema(axis: Axis) -> Schema | None:
    return None if axis.keys[0] in FIXED_SECTIONS else sub_schema(axis.keys)


def _axis_findings(
    axis: Axis, before: Sequence[Axis], data: Mapping[str, Any], path: Keys
) -> Findings:
    if axis.keys[0] in FIXED_SECTIONS:
        message = f"{shorten(axis.keys[0])} holds for the whole spec and can't vary"
        yield Finding(path, message, "run a second spec for it", at_key=True)
    elif around := _list_around(axis.path):
        message = f"an axis can't lead into a list, which {around} is"
        remedy = f"make {around} the axis, whose alternatives are whole lists"
        yield Finding(path, message, remedy, at_key=True)
    elif sub_schema(axis.keys) is None:
        known = [".".join(map(str, keys)) for keys in field_paths() if "..." not in keys]
        known = [name for name in known if name.split(".")[0] not in FIXED_SECTIONS]
        guess = did_you_mean(axis.path, known) or _home(axis.path, known)
        remedy = "name a field by its path, for example model.head or quantize"
        yield Finding(path, f"a spec has no field {shorten(axis.path)}{guess}", remedy, at_key=True)
    else:
        yield from _clashes(axis, before, path)
        yield from _blocked(axis, data, path)


def _list_around(path: str) -> str:
    """The field inside which a path goes on although it is a list; empty where there is none."""
    if _schema_of(path) is not None:
        return ""
    names = path.replace("[", ".").split(".")
    for length in range(1, len(names)):
        field = ".".join(names[:length])
        schema = _schema_of(field)
        if schema is not None and any("items" in form for form in branches(schema)):
            return field
    return ""


def _schema_of(path: str) -> Schema | None:
    return sub_schema(tuple(path.split(".")))


def _home(name: str, known: Sequence[str]) -> str:
    """The path of the field that somebody meant who wrote its last name only."""
    meant = next((path for path in known if path.split(".")[-1] == name), "")
    return f"; did you mean {meant}?" if meant else ""


def _clashes(axis: Axis, before: Sequence[Axis], path: Keys) -> Findings:
    for other in before:
        length = min(len(axis.keys), len(other.keys))
        if axis.keys[:length] == other.keys[:length]:
            message = f"overlaps with the axis {other.path}: both set the same field"
            remedy = "let one axis hold both, with an alternative for each combination"
            yield Finding(path, message, remedy, at_key=True)


def _blocked(axis: Axis, data: Mapping[str, Any], path: Keys) -> Findings:
    """A word or a list where the axis needs a mapping to put its value in."""
    for length in range(1, len(axis.keys)):
        value = at_path(data, axis.keys[:length])
        if value is not None and not isinstance(value, dict):
            field = ".".join(axis.keys[:length])
            written = shorten(str(value)) if not isinstance(value, list) else "a list"
            message = f"can't be set inside {field}, which is {written} here and not a mapping"
            remedy = f"write {field} as a mapping, or make {field} the axis"
            yield Finding(path, message, remedy, at_key=True)
            return


def _alternative_findings(axis: Axis, schema: Schema, document: Document) -> Findings:
    first: dict[str, Alternative] = {}
    for alternative in axis.alternatives:
        node = document.find(alternative.place)
        yield from _name_findings(alternative)
        if first.setdefault(alternative.name, alternative) is not alternative:
            message = f"{shorten(alternative.name)} stands twice in the list"
            yield Finding(alternative.place, message, "keep one")
        for finding in structural_findings(alternative.value, schema, node):
            yield finding.under(alternative.place)


def _name_findings(alternative: Alternative) -> Findings:
    is_named = isinstance(alternative.place[-1], str) and alternative.place[1] != "include"
    if is_named or alternative.value is None:
        return
    rule = spec_schema()["$defs"]["alternative_name"]
    remedy = "write the alternatives as a mapping of names to values"
    if isinstance(alternative.value, dict | list):
        message = "a list or a mapping has no name of its own"
    elif len(alternative.name) > rule["maxLength"] or not re.search(
        rule["pattern"], alternative.name
    ):
        message = f"{shorten(alternative.name) or 'an empty text'} can't be the name of a variant"
    else:
        return
    if alternative.place[1] == "include":
        remedy = "make the field an axis, where values have names, and name its alternative here"
    yield Finding(alternative.place, message, remedy)


def _own_value_findings(axis: Axis, schema: Schema, document: Document) -> Findings:
    """A value of the field itself, which no variant uses, is still held against the schema."""
    node = document.find(axis.keys)
    if node is not None:
        for finding in structural_findings(node.value, schema, node):
            yield finding.under(axis.keys)


def _inclusion_findings(inclusion: Combination, matrix: Matrix, document: Document) -> Findings:
    """What a single variant sets beside the alternatives of axes."""
    axes = {axis.path: axis for axis in matrix.axes}
    for made, alternative in zip(inclusion.axes, inclusion.alternatives, strict=True):
        if alternative.place[1] != "include":
            continue
        place = alternative.place
        wrong = list(_axis_findings(made, (), document.root.value, place))
        schema = _schema(made)
        axis = axes.get(made.path)
        if wrong or schema is None:
            yield from wrong
        elif axis is not None and not fits(alternative.value, schema):
            yield _no_alternative(axis.path, [one.name for one in axis.alternatives], alternative)
        else:
            yield from _name_findings(alternative)
            node = document.find(place)
            for finding in structural_findings(alternative.value, schema, node):
                yield finding.under(place)


def _no_alternative(path: str, names: Sequence[str], alternative: Alternative) -> Finding:
    name = shorten(value_as_name(alternative.value))
    message = f"{path} has no alternative {name}{did_you_mean(name, names)}"
    remedy = f"{it_has(names)}; any other value of the field can be added too"
    return Finding(alternative.place, message, remedy)


def _exclusion_findings(matrix: Matrix, data: Mapping[str, Any]) -> Findings:
    items = at_path(data, ("matrix", "exclude"))
    known = {axis.path: [one.name for one in axis.alternatives] for axis in matrix.axes}
    for index, item in enumerate(items if isinstance(items, list) else ()):
        place: Keys = ("matrix", "exclude", index)
        if isinstance(item, dict) and not item:
            yield Finding(place, "names nothing", "name an alternative of an axis")
        for path, value in item.items() if isinstance(item, dict) else ():
            yield from named_findings((*place, path), value, known)


def named_findings(place: Keys, value: Any, known: Mapping[str, Collection[str]]) -> Findings:
    """What is wrong with one entry of a choice: a path, and the name of an alternative.

    Args:
        place: of the entry; its last key is the path.
        known: the paths that vary, with the names that each takes.
    """
    path = str(place[-1])
    names = known.get(path)
    if names is None:
        guess = did_you_mean(path, known)
        remedy = "add it to a matrix, or remove it from here"
        if known:
            axes = "the axes are" if len(known) > 1 else "the axis is"
            remedy = f"{axes} {some(known)}"
        message = f"{shorten(path)} is no axis of the matrix{guess}"
        yield Finding(place, message, remedy, at_key=True)
    elif not isinstance(value, dict | list | None) and names and value_as_name(value) not in names:
        name = value_as_name(value)
        message = f"{path} has no alternative {shorten(name)}{did_you_mean(name, names)}"
        yield Finding(place, message, it_has(names))


def it_has(names: Collection[str]) -> str:
    """The alternatives that there are."""
    return f"it has {some(names)}" if len(names) > 1 else f"it has only {some(names)}"


def some(names: Collection[str]) -> str:
    """The first few of many names, as a sentence has them."""
    shown = [shorten(name) for name in names][:_MOST_NAMES]
    return ", ".join([*shown, "..."]) if len(names) > _MOST_NAMES else listed(shown, "and")
