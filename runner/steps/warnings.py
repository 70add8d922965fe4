"""What a reader must know before believing a result, as typed records with a remedy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from runner.analysis.percentiles import runs_needed
from runner.analysis.statistics import holm
from runner.steps.machine_warnings import machine_warnings
from runner.steps.model_warnings import accuracy_warnings, data_warnings, warning
from runner.units import format_ratio, format_share

_FAR_APART = 3.0
# Of normal values, two in a million are extreme; a machine that interrupts now and then has more.
_MANY_EXTREME = 0.02


def find_warnings(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The warnings of a result, most serious first.

    Args:
        result: as `result.json` holds it, warnings excepted.
    """
    return [
        *accuracy_warnings(result["variants"]),
        *data_warnings(result["variants"]),
        *machine_warnings(result),
        *_look_warnings(result),
        *_test_warnings(result["comparisons"], 1 - result["design"]["confidence"]),
        *_figure_warnings(result["comparisons"]),
        *_outlier_warnings(result["variants"]),
        *_percentile_warnings(result),
        *_repair_warnings(result["repaired"]),
    ]


def _repair_warnings(repaired: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Damage that was found by hashes before anything was made of it."""
    return [
        warning(
            "artifact-repaired",
            f"{one['stage']} {one['label']}: what was kept of it was damaged on the disk "
            f"({', '.join(one['files'])}), so it was made again",
            "nothing damaged was used; if it happens again, check the disk and the memory",
        )
        for one in repaired
    ]


def _test_warnings(comparisons: Sequence[Mapping[str, Any]], level: float) -> list[dict[str, Any]]:
    """Where the permutation test, in the same family, would lead to another verdict."""
    by_signs = holm([comparison["permutation_p_value"] for comparison in comparisons])
    return [
        warning(
            "tests-disagree",
            f"{comparison['variant']}: the t test (p = {comparison['adjusted_p_value']:.2g}) and "
            f"the permutation test (p = {p_value:.2g}) disagree",
            "measure more blocks; a few wild blocks may carry the difference",
            comparison["variant"],
        )
        for comparison, p_value in zip(comparisons, by_signs, strict=True)
        if _disagree(comparison["adjusted_p_value"], p_value, level)
        # With so few blocks no permutation test can reach the level.
        and len(comparisons) * 2 / 2 ** comparison["blocks"] < level
    ]


def _figure_warnings(comparisons: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Where means or 90th percentiles lead to another answer than medians."""
    return [
        warning(
            "figures-disagree",
            f"{comparison['variant']}: {comparison['verdict']} by the median, but "
            f"{comparison[f'{figure}_verdict']} by the {name} "
            f"({format_ratio(comparison[f'{figure}_ratio'])})",
            f"if the {name} is what counts for you, go by that: some of its runs are much slower",
            comparison["variant"],
        )
        for comparison in comparisons
        for figure, name in (("mean", "mean"), ("p90", "90th percentile"))
        if _contradict(comparison, comparison[f"{figure}_verdict"])
        # A difference that is certain and too small to matter contradicts no equivalence.
        and abs(math.log(comparison[f"{figure}_ratio"])) > math.log1p(comparison["effect"])
    ]


def _contradict(comparison: Mapping[str, Any], by_other: str) -> bool:
    opposite = {"slower": "faster", "faster": "slower"}
    # What is certain to be less than the effect is as good as equivalent to a reader.
    is_small = comparison["verdict"] == "equivalent" or comparison["below_effect"]
    return opposite.get(comparison["verdict"]) == by_other or (is_small and by_other in opposite)


def _outlier_warnings(variants: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One for all variants: what interrupts the runs of one interrupts those of others."""
    shares = {
        variant["name"]: variant["outliers"]["extreme"] / variant["latency_ns"]["runs"]
        for variant in variants
        if variant["latency_ns"]
    }
    many = {name: share for name, share in shares.items() if share > _MANY_EXTREME}
    if not many:
        return []
    most = max(many, key=lambda name: many[name])
    found = f"{most}: {format_share(many[most])} of its runs are extreme outliers"
    if others := len(many) - 1:
        found += f", and {others} more variant{'s have' if others > 1 else ' has'} many"
    return [
        warning(
            "outliers",
            f"{found}; all are kept",
            "the median hardly feels them, mean and p99 do: look for what interrupts runs",
            most,
        )
    ]


def _percentile_warnings(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Columns of the report that stay empty, since too few runs lie beyond the percentile."""
    shown = result.get("report", {}).get("percentiles", ())
    runs = [one["latency_ns"]["runs"] for one in result["variants"] if one["latency_ns"]]
    lacking = [
        name
        for name in dict.fromkeys(shown)
        if any(one["latency_ns"] and one["latency_ns"][name] is None for one in result["variants"])
    ]
    if not lacking:
        return []
    needed = " and ".join(f"{name} takes {runs_needed(int(name[1:]))}" for name in lacking)
    return [
        warning(
            "too-few-runs",
            f"not told: {needed} runs of a variant, and there were {min(runs)}",
            "a larger measure.min_blocks brings more runs",
        )
    ]


def _disagree(one: float, other: float, level: float) -> bool:
    """On different sides of the level, and not merely to either side of it."""
    low, high = sorted((one, other))
    return low < level <= high and high > _FAR_APART * low


def _look_warnings(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Differences that a reader found after going on, and that chance may have made of that.

    Whoever goes on only while nothing is found gives chance more than one try. Bonferroni over the
    looks is a bound for that.
    """
    looks, level = result["blocks"].get("looks", 1), 1 - result["design"]["confidence"]
    return [
        warning(
            "looked-before",
            f"{one['variant']}: {one['verdict']}, in the result number {looks} of this experiment;"
            " where one goes on because nothing was found, false alarms are more than"
            f" {format_share(level)}",
            "measure it once more with --fresh, and with the budget that it had in the end",
            one["variant"],
        )
        for one in result["comparisons"]
        if looks > 1
        and one["verdict"] in ("slower", "faster")
        and one["adjusted_p_value"] * looks > level
    ]
