"""What the spec promised, held against what was measured."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from runner.analysis.recipes import RecipeComparison
from runner.analysis.verdicts import Comparison
from runner.report.wording import short_recipe
from runner.spec.measurement import Bounds, Expectation

# Why a promise about latency is left undecided, whatever was measured.
_UNPROVEN = "the experiment is unproven"


def check_expectations(
    expectations: Sequence[Expectation],
    variants: Sequence[Mapping[str, Any]],
    comparisons: Sequence[Comparison],
    recipes: Sequence[RecipeComparison],
    bases: Collection[str],
    *,
    proven: bool,
) -> list[dict[str, Any]]:
    """One record for each promise and variant that it is about.

    Where several models were trained from a recipe, a promise about latency is one about the recipe
    and is held against its interval once. The baseline promises nothing about itself.

    Args:
        variants: as `result.json` holds them.
        bases: the names of the baseline's models.
        proven: whether the controls passed; where they did not, no promise about latency holds or
            is broken.
    """
    of_variant = {one.variant: one for one in comparisons}
    of_recipe = {one.recipe: one for one in recipes}
    records: list[dict[str, Any]] = []
    for expectation in expectations:
        for variant in variants:
            if variant["name"] not in expectation.variants:
                continue
            recipe = of_recipe.get(variant["recipe"])
            if expectation.latency_ratio and variant["name"] not in bases:
                name = short_recipe(recipe.recipe) if recipe else _short(variant)
                compared = recipe or of_variant.get(variant["name"])
                record = _of_latency(name, expectation.latency_ratio, compared, proven=proven)
                # The models of a recipe share its record.
                records += [record] if record not in records else []
            if expectation.accuracy:
                records.append(_of_accuracy(variant, expectation.accuracy))
    return records


def _of_latency(
    name: str,
    bounds: Bounds,
    comparison: Comparison | RecipeComparison | None,
    *,
    proven: bool,
) -> dict[str, Any]:
    # All promises of a spec together are to be right as often as one of its verdicts is.
    holds = _holds(bounds, comparison.family_interval if comparison else None)
    return {
        "text": f"{name}: latency ratio {_range(bounds)}",
        "holds": holds if proven else None,
        "measured": comparison.ratio if comparison else None,
        "why": _UNPROVEN if comparison and not proven else None,
    }


def _of_accuracy(variant: Mapping[str, Any], bounds: Bounds) -> dict[str, Any]:
    measured = variant["accuracy"]["tflite"] if variant["accuracy"] else None
    exact = None if measured is None else (measured, measured)
    return {
        "text": f"{_short(variant)}: accuracy {_range(bounds)}",
        "holds": _holds(bounds, exact),
        "measured": measured,
        "why": None,
    }


def _short(variant: Mapping[str, Any]) -> str:
    return "/".join(variant["axes"].values()) or str(variant["name"])


def _holds(bounds: Bounds, interval: tuple[float, float] | None) -> bool | None:
    """Whether the whole interval lies inside the bounds; None where only a part of it does."""
    if interval is None:
        return None
    low = -math.inf if bounds.min is None else bounds.min
    high = math.inf if bounds.max is None else bounds.max
    if low <= interval[0] and interval[1] <= high:
        return True
    return False if interval[1] < low or interval[0] > high else None


def _range(bounds: Bounds) -> str:
    parts = [
        f"at least {bounds.min:g}" if bounds.min is not None else "",
        f"at most {bounds.max:g}" if bounds.max is not None else "",
    ]
    return " and ".join(part for part in parts if part)
