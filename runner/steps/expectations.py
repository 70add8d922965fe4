"""What the spec promised, held against what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runner.analysis.verdicts import Comparison
from runner.spec.model import Bounds, Expectation


def check_expectations(
    expectations: Sequence[Expectation],
    variants: Sequence[Mapping[str, Any]],
    comparisons: Sequence[Comparison],
    baseline: str,
) -> list[dict[str, Any]]:
    """One record for each promise and variant that it is about.

    Args:
        variants: as `result.json` holds them.
    """
    ratios = {comparison.variant: comparison for comparison in comparisons}
    records = []
    for expectation in expectations:
        for variant in variants:
            if variant["name"] in expectation.variants:
                # The baseline's ratio to itself is nothing to promise.
                promised = (
                    replace(expectation, latency_ratio=None)
                    if variant["name"] == baseline
                    else expectation
                )
                records.extend(_expected(promised, variant, ratios.get(variant["name"])))
    return records


def _expected(
    expectation: Expectation, variant: Mapping[str, Any], comparison: Comparison | None
) -> list[dict[str, Any]]:
    records = []
    if expectation.latency_ratio:
        interval = comparison.interval if comparison else None
        records.append(
            {
                "text": f"{_short(variant)}: latency ratio {_range(expectation.latency_ratio)}",
                "holds": _holds(expectation.latency_ratio, interval),
                "measured": comparison.ratio if comparison else None,
            }
        )
    if expectation.accuracy:
        measured = variant["accuracy"]["tflite"] if variant["accuracy"] else None
        exact = None if measured is None else (measured, measured)
        records.append(
            {
                "text": f"{_short(variant)}: accuracy {_range(expectation.accuracy)}",
                "holds": _holds(expectation.accuracy, exact),
                "measured": measured,
            }
        )
    return records


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
