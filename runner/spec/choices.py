"""Holds `baseline` and `expect` against the matrix: which variants do they name?"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from runner.spec.axes import named_findings
from runner.spec.document import Finding, Key, Keys
from runner.spec.matrix import MOST_EVER, Choice, Combination, Matrix
from runner.spec.plain import name_as_yaml

Findings = Iterator[Finding]

# As many as the schema allows: of more, the rest is not looked at.
MOST_EXPECTATIONS = 256


def choice_findings(data: Mapping[str, Any], matrix: Matrix) -> Findings:
    """Everything that is wrong with what `baseline` and `expect` name."""
    known = matrix.paths
    baseline = data.get("baseline")
    meant: list[Combination] | None = None
    if baseline is None and "baseline" not in data:
        yield from _missing_baseline(matrix)
        meant = list(matrix.combinations()) if matrix.most == 1 else None
    elif isinstance(baseline, dict):
        unknown = list(_named(baseline, known, ("baseline",)))
        yield from unknown
        meant = None if unknown or not _is_plain(baseline) else _meant(baseline, matrix)
        names = {one.name("") for one in meant or ()}
        if meant is not None and len(names) != 1 and next(matrix.combinations(), None):
            yield _not_one(baseline, meant, known)
    for index, item in enumerate(_items(data)[:MOST_EXPECTATIONS]):
        variant = item.get("variant", {})
        if isinstance(variant, dict):
            yield from _expected(item, variant, index, matrix, meant)


def _expected(
    item: Choice, variant: Choice, index: int, matrix: Matrix, baseline: list[Combination] | None
) -> Findings:
    path: tuple[Key, ...] = ("expect", index)
    unknown = list(_named(variant, matrix.paths, (*path, "variant")))
    yield from unknown
    if unknown or not _is_plain(variant) or not _is_countable(matrix):
        return
    meant = matrix.having(matrix.chosen(variant))
    if not meant:
        message = "matches no variant: the matrix leaves this combination out"
        yield Finding((*path, "variant"), message, "name another, or remove it from exclude")
    elif "latency_ratio" in item and _is_only(baseline, meant):
        yield _ratio_to_itself(path, matrix)


def _is_only(baseline: list[Combination] | None, meant: Sequence[Combination]) -> bool:
    """Whether what is meant is the baseline and nothing else."""
    if baseline is None or len(baseline) != 1:
        return False
    return all(one.names == baseline[0].names for one in meant)


def meaning_findings(
    data: Mapping[str, Any], matrix: Matrix, contents: Mapping[str, tuple[Any, bool]]
) -> Findings:
    """Promises that say nothing, because of what the variants that they name are made of.

    Args:
        contents: name of a combination -> its content, and whether it has images.
    """
    baseline = data.get("baseline")
    base = _meant(baseline, matrix) if isinstance(baseline, dict) and _is_plain(baseline) else None
    for index, item in enumerate(_items(data)[:MOST_EXPECTATIONS]):
        variant = item.get("variant", {})
        if not isinstance(variant, dict) or not _is_plain(variant) or not _is_countable(matrix):
            continue
        if set(variant) - set(matrix.chosen(variant)):
            continue
        meant = [one.name("") for one in matrix.having(matrix.chosen(variant))]
        path: tuple[Key, ...] = ("expect", index)
        if "accuracy" in item and meant and not any(contents[name][1] for name in meant):
            message = "there are no test images to measure it on"
            remedy = "add data, for example data: {source: digits}"
            yield Finding((*path, "accuracy"), message, remedy, at_key=True)
        if "latency_ratio" in item and meant and base and len(base) == 1:
            content = contents[base[0].name("")][0]
            if base[0].name("") not in meant and all(contents[n][0] == content for n in meant):
                message = "names the same content as the baseline, whose ratio is always 1"
                yield Finding(
                    (*path, "latency_ratio"), message, "name another variant", at_key=True
                )


def expectation_findings(expectations: Sequence[Mapping[str, Any]]) -> Findings:
    """Bounds that nothing can meet."""
    for index, expectation in enumerate(expectations):
        for figure in ("latency_ratio", "accuracy"):
            bounds = expectation.get(figure, {})
            low, high = bounds.get("min", -math.inf), bounds.get("max", math.inf)
            if low > high:
                message = f"min is {low:g}, but max only {high:g}"
                yield Finding(("expect", index, figure, "min"), message, "swap the two")


def _items(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    items = data.get("expect")
    known = items if isinstance(items, list) else []
    return [item if isinstance(item, dict) else {} for item in known]


def _named(choice: Choice, known: Mapping[str, Collection[str]], path: Keys) -> Findings:
    for name, value in choice.items():
        yield from named_findings((*path, name), value, known)


def _is_plain(choice: Choice) -> bool:
    return not any(isinstance(value, dict | list | None) for value in choice.values())


def _meant(choice: Choice, matrix: Matrix) -> list[Combination] | None:
    """The combinations that a choice of known names means; None where there are none at all."""
    return matrix.meant(matrix.chosen(choice)) if _is_countable(matrix) else None


def _is_countable(matrix: Matrix) -> bool:
    """Whether there are combinations, and few enough to go through them."""
    return 0 < matrix.most <= MOST_EVER


def _missing_baseline(matrix: Matrix) -> Findings:
    if matrix.most > 1:
        first = next(matrix.combinations(), None)
        names = first.names if first else {}
        example = ", ".join(f"{path}: {name_as_yaml(name)}" for path, name in names.items())
        message = f"missing; the matrix gives {matrix.most} variants to compare with one of them"
        remedy = f"add it, for example baseline: {{{example}}}"
        yield Finding(("baseline",), message, remedy, at_key=True, shown_at=("matrix",))


def _not_one(
    baseline: Choice, meant: Sequence[Combination], known: Mapping[str, Collection[str]]
) -> Finding:
    if not meant:
        message = "names no variant: the matrix leaves this combination out"
        return Finding(
            ("baseline",), message, "name another, or remove it from exclude", at_key=True
        )
    silent = {path: name for path, name in meant[0].names.items() if path not in baseline}
    missing = [
        f"{path}: {name_as_yaml(name)}" for path, name in silent.items() if len(known[path]) > 1
    ]
    message = f"names {len(meant)} variants, not one"
    remedy = f"add {', '.join(missing)}" if missing else "leave one of them out of the matrix"
    return Finding(("baseline",), message, remedy, at_key=True)


def _ratio_to_itself(path: Keys, matrix: Matrix) -> Finding:
    if matrix.most == 1:
        message = "there is only one variant, so there is no ratio to a baseline"
        remedy = "add a matrix, or expect an accuracy only"
    else:
        message = "names the baseline only, whose ratio to itself is always 1"
        remedy = "name another variant"
    return Finding((*path, "latency_ratio"), message, remedy, at_key=True)
