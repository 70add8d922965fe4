"""Holds the matrix against the schema: do its axes exist, do their alternatives fit?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.spec.complete import complete
from runner.spec.document import Document, Finding, at_path, shorten
from runner.spec.guess import did_you_mean
from runner.spec.matrix import FIXED_SECTIONS, Alternative, Axis
from runner.spec.schema import Schema, field_paths, spec_schema, sub_schema
from runner.spec.structure import fits, structural_findings

Findings = Iterator[Finding]


def usable(axes: Sequence[Axis], data: Mapping[str, Any]) -> tuple[Axis, ...]:
    """The axes that variants can be made from."""
    return tuple(
        axis
        for index, axis in enumerate(axes)
        if axis.alternatives and not any(True for _ in _axis_findings(axis, axes[:index], data))
    )


def axes_findings(axes: Sequence[Axis], document: Document) -> Findings:
    """Everything that is wrong with the axes and their alternatives."""
    data = document.root.value
    for index, axis in enumerate(axes):
        yield from _axis_findings(axis, axes[:index], data)
        schema = _schema(axis)
        if schema is not None:
            yield from _alternative_findings(axis, schema, document)
            yield from _own_value_findings(axis, schema, document)


def _schema(axis: Axis) -> Schema | None:
    return None if axis.keys[0] in FIXED_SECTIONS else sub_schema(axis.keys)


def _axis_findings(axis: Axis, before: Sequence[Axis], data: Mapping[str, Any]) -> Findings:
    path = ("matrix", axis.path)
    if axis.keys[0] in FIXED_SECTIONS:
        message = f"{shorten(axis.keys[0])} holds for the whole spec and can't vary"
        yield Finding(path, message, "run a second spec for it", at_key=True)
    elif sub_schema(axis.keys) is None:
        known = [".".join(map(str, keys)) for keys in field_paths() if "..." not in keys]
        known = [name for name in known if name.split(".")[0] not in FIXED_SECTIONS]
        guess = did_you_mean(axis.path, known) or _home(axis.path, known)
        remedy = "name a field by its path, for example model.head or quantize"
        yield Finding(path, f"a spec has no field {shorten(axis.path)}{guess}", remedy, at_key=True)
    else:
        yield from _clashes(axis, before)
        yield from _blocked(axis, data)


def _home(name: str, known: Sequence[str]) -> str:
    """The path of the field that somebody meant who wrote its last name only."""
    meant = next((path for path in known if path.split(".")[-1] == name), "")
    return f"; did you mean {meant}?" if meant else ""


def _clashes(axis: Axis, before: Sequence[Axis]) -> Findings:
    for other in before:
        length = min(len(axis.keys), len(other.keys))
        if axis.keys[:length] == other.keys[:length]:
            message = f"overlaps with the axis {other.path}: both set the same field"
            remedy = "let one axis hold both, with an alternative for each combination"
            yield Finding(("matrix", axis.path), message, remedy, at_key=True)


def _blocked(axis: Axis, data: Mapping[str, Any]) -> Findings:
    """A word or a list where the axis needs a mapping to put its value in."""
    for length in range(1, len(axis.keys)):
        value = at_path(data, axis.keys[:length])
        if value is not None and not isinstance(value, dict):
            field = ".".join(axis.keys[:length])
            written = shorten(str(value)) if not isinstance(value, list) else "a list"
            message = f"can't be set inside {field}, which is {written} here and not a mapping"
            remedy = f"write {field} as a mapping, or make {field} the axis"
            yield Finding(("matrix", axis.path), message, remedy, at_key=True)
            return


def _alternative_findings(axis: Axis, schema: Schema, document: Document) -> Findings:
    seen: dict[str, Alternative] = {}
    for alternative in axis.alternatives:
        node = document.find(alternative.place)
        yield from _name_findings(alternative)
        for finding in structural_findings(alternative.value, schema, node):
            yield finding.under(alternative.place)
        if not fits(alternative.value, schema):
            continue
        content = json.dumps(complete(alternative.value, schema, document.folder), sort_keys=True)
        twin = seen.setdefault(content, alternative)
        if twin is not alternative:
            message = f"the same content as {shorten(twin.name)}: one variant with two names"
            yield Finding(alternative.place, message, "leave one of them out", at_key=True)


def _name_findings(alternative: Alternative) -> Findings:
    if not isinstance(alternative.place[-1], int) or alternative.value is None:
        return
    rule = spec_schema()["$defs"]["alternative_name"]
    if isinstance(alternative.value, dict | list):
        message = "a list or a mapping has no name of its own"
    elif len(alternative.name) > rule["maxLength"] or not re.search(
        rule["pattern"], alternative.name
    ):
        message = f"{shorten(alternative.name) or 'an empty text'} can't be the name of a variant"
    else:
        return
    remedy = "write the alternatives as a mapping of names to values"
    yield Finding(alternative.place, message, remedy)


def _own_value_findings(axis: Axis, schema: Schema, document: Document) -> Findings:
    """A value of the field itself, which no variant uses, is still held against the schema."""
    node = document.find(axis.keys)
    if node is not None:
        for finding in structural_findings(node.value, schema, node):
            yield finding.under(axis.keys)
