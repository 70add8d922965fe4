"""Holds `baseline` and `expect` against the matrix: which variants do they name?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.spec.document import Finding, Key, Keys, shorten
from runner.spec.guess import did_you_mean, listed
from runner.spec.matrix import Axis, count, value_as_name
from runner.spec.plain import as_yaml

Findings = Iterator[Finding]
Choice = Mapping[str, Any]

_MOST_NAMES = 8


def choice_findings(data: Mapping[str, Any], axes: Sequence[Axis]) -> Findings:
    """Everything that is wrong with what `baseline` and `expect` name."""
    baseline = data.get("baseline")
    if baseline is None and "baseline" not in data:
        yield from _missing_baseline(axes)
    elif isinstance(baseline, dict):
        unknown = list(_named(baseline, axes, ("baseline",)))
        yield from unknown or _one_variant(baseline, axes)
    for index, item in enumerate(_items(data)):
        path: tuple[Key, ...] = ("expect", index)
        variant = item.get("variant", {})
        if isinstance(variant, dict):
            yield from _named(variant, axes, (*path, "variant"))
            if "latency_ratio" in item and _is_baseline_only(variant, baseline, axes):
                yield _ratio_to_itself(path, axes)


def expectation_findings(expectations: Sequence[Mapping[str, Any]]) -> Findings:
    """Bounds that nothing can meet."""
    for index, expectation in enumerate(expectations):
        for figure in ("latency_ratio", "accuracy"):
            bounds = expectation.get(figure, {})
            low, high = bounds.get("min", -math.inf), bounds.get("max", math.inf)
            if low > high:
                message = f"min is {low:g}, but max only {high:g}"
                yield Finding(("expect", index, figure, "min"), message, "swap the two")


def chosen(choice: Choice, axes: Sequence[Axis]) -> dict[str, str]:
    """The alternatives that a choice names, by axis; what doesn't exist is left out."""
    names = {}
    for axis in axes:
        alternative = axis.alternative(choice[axis.path]) if axis.path in choice else None
        if alternative is not None:
            names[axis.path] = alternative.name
    return names


def _items(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    items = data.get("expect")
    known = items if isinstance(items, list) else []
    return [item if isinstance(item, dict) else {} for item in known]


def _missing_baseline(axes: Sequence[Axis]) -> Findings:
    if count(axes) > 1:
        example = {axis.path: axis.alternatives[0].name for axis in axes}
        message = f"missing; the matrix gives {count(axes)} variants to compare with one of them"
        remedy = f"add it, for example baseline: {as_yaml(example)}"
        yield Finding(("baseline",), message, remedy, at_key=True, shown_at=("matrix",))


def _named(choice: Choice, axes: Sequence[Axis], path: Keys) -> Findings:
    by_path = {axis.path: axis for axis in axes}
    for name, value in choice.items():
        axis = by_path.get(name)
        if axis is None:
            guess = did_you_mean(name, by_path)
            known = f"the axes are {_some(by_path)}" if by_path else "there is no matrix"
            message = f"{shorten(name)} is no axis of the matrix{guess}"
            yield Finding((*path, name), message, known, at_key=True)
        elif _is_unknown(value, axis):
            names = [one.name for one in axis.alternatives]
            guess = did_you_mean(value_as_name(value), names)
            message = f"{axis.path} has no alternative {shorten(value_as_name(value))}{guess}"
            yield Finding((*path, name), message, f"it has {_some(names)}")


def _is_unknown(value: Any, axis: Axis) -> bool:
    """Whether a plain value names none of the alternatives, where there are any."""
    is_plain = not isinstance(value, dict | list | None)
    return is_plain and bool(axis.alternatives) and axis.alternative(value) is None


def _one_variant(baseline: Choice, axes: Sequence[Axis]) -> Findings:
    silent = [axis for axis in axes if axis.path not in baseline and len(axis.alternatives) > 1]
    if silent:
        message = f"names {count(silent)} variants, not one"
        missing = [f"{axis.path}: {as_yaml(axis.alternatives[0].name)}" for axis in silent]
        yield Finding(("baseline",), message, f"add {', '.join(missing)}", at_key=True)


def _is_baseline_only(variant: Choice, baseline: Any, axes: Sequence[Axis]) -> bool:
    """Whether every variant that is meant is the baseline."""
    if not isinstance(baseline, dict):
        return count(axes) == 1 and set(variant) <= {axis.path for axis in axes}
    ours, theirs = chosen(variant, axes), chosen(baseline, axes)
    if len(ours) < len(variant) or len(theirs) < len(baseline):
        return False
    return all(
        len(axis.alternatives) == 1
        or (axis.path in ours and ours[axis.path] == theirs.get(axis.path))
        for axis in axes
    )


def _ratio_to_itself(path: Keys, axes: Sequence[Axis]) -> Finding:
    if count(axes) == 1:
        message = "there is only one variant, so there is no ratio to a baseline"
        remedy = "add a matrix, or expect an accuracy only"
    else:
        message = "names the baseline only, whose ratio to itself is always 1"
        remedy = "name another variant"
    return Finding((*path, "latency_ratio"), message, remedy, at_key=True)


def _some(names: Sequence[str] | Mapping[str, Any]) -> str:
    shown = [shorten(name) for name in names][:_MOST_NAMES]
    return ", ".join([*shown, "..."]) if len(names) > _MOST_NAMES else listed(shown, "and")
