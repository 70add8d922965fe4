"""What a reader must know before believing a result, as typed records with a remedy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from runner.units import format_ratio, format_share

_ACCURACY_LOSS = 0.05
_FAR_APART = 3.0
# How a measurement says that a wish was not granted.
_REFUSED = "no: "
# Of normal values, two in a million are extreme; a machine that interrupts now and then has more.
_MANY_EXTREME = 0.02
# How an experiment ends after which variants are run back to back.
_TO_THE_END = ("precise", "time", "blocks")


def find_warnings(result: Mapping[str, Any]) -> list[dict[str, str]]:
    """The warnings of a result, most serious first.

    Args:
        result: as `result.json` holds it, warnings excepted.
    """
    return [
        *_accuracy_warnings(result["variants"]),
        *_condition_warnings(result["variants"]),
        *_experiment_warnings(result["blocks"]),
        *_sustained_warnings(result),
        *_test_warnings(result["comparisons"], 1 - result["design"]["confidence"]),
        *_figure_warnings(result["comparisons"]),
        *_outlier_warnings(result["variants"]),
    ]


def _condition_warnings(variants: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What the spec asks of the system and did not get."""
    refused = {
        (name, text.removeprefix(_REFUSED)): variant["name"]
        for variant in variants
        for name, text in variant["runtime"]["conditions"].items()
        if text.startswith(_REFUSED)
    }
    return [
        _warning(
            "not-in-force",
            f"{variant}: {name.replace('_', ' ')} was asked for and is not in force ({reason})",
            "give the right that it takes, or leave it out of runtime",
        )
        for (name, reason), variant in refused.items()
    ]


def _test_warnings(comparisons: Sequence[Mapping[str, Any]], level: float) -> list[dict[str, str]]:
    return [
        _warning(
            "tests-disagree",
            f"{comparison['variant']}: the t test (p = {comparison['p_value']:.2g}) and the "
            f"permutation test (p = {comparison['permutation_p_value']:.2g}) disagree",
            "measure more blocks; a few wild blocks may carry the difference",
        )
        for comparison in comparisons
        if _disagree(comparison["p_value"], comparison["permutation_p_value"], level)
        # With so few blocks no permutation test can reach the level.
        and 2 / 2 ** comparison["blocks"] < level
    ]


def _figure_warnings(comparisons: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Where means or 90th percentiles lead to another answer than medians."""
    return [
        _warning(
            "figures-disagree",
            f"{comparison['variant']}: {comparison['verdict']} by the median, but "
            f"{comparison[f'{figure}_verdict']} by the {name} "
            f"({format_ratio(comparison[f'{figure}_ratio'])})",
            f"if the {name} is what counts for you, go by that: some of its runs are much slower",
        )
        for comparison in comparisons
        for figure, name in (("mean", "mean"), ("p90", "90th percentile"))
        if _contradict(comparison["verdict"], comparison[f"{figure}_verdict"])
        # A difference that is certain and too small to matter contradicts no equivalence.
        and abs(math.log(comparison[f"{figure}_ratio"])) > math.log1p(comparison["effect"])
    ]


def _contradict(by_median: str, by_other: str) -> bool:
    opposite = {"slower": "faster", "faster": "slower"}
    return opposite.get(by_median) == by_other or (
        by_median == "equivalent" and by_other in opposite
    )


def _outlier_warnings(variants: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    found = []
    for variant in variants:
        runs = variant["latency_ns"]["runs"] if variant["latency_ns"] else 0
        mild, extreme = variant["outliers"]["mild"], variant["outliers"]["extreme"]
        if extreme > _MANY_EXTREME * runs:
            found.append(
                _warning(
                    "outliers",
                    f"{variant['name']}: {format_share(extreme / runs)} of its runs are extreme "
                    f"outliers, and {format_share(mild / runs)} mild ones; all are kept",
                    "the median hardly feels them, mean and p99 do: look for what interrupts runs",
                )
            )
    return found


def _disagree(one: float, other: float, level: float) -> bool:
    """On different sides of the level, and not merely to either side of it."""
    low, high = sorted((one, other))
    return low < level <= high and high > _FAR_APART * low


def _accuracy_warnings(variants: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    found = []
    for variant in variants:
        accuracy = variant["accuracy"]
        if accuracy and not accuracy["finite"]:
            found.append(
                _warning(
                    "not-finite",
                    f"{variant['name']}: some of its scores are NaN or infinite",
                    "look at its weights; float16 overflows above 65504",
                )
            )
        if accuracy and (accuracy["keras"] or 0.0) - accuracy["tflite"] > _ACCURACY_LOSS:
            lost = format_share(accuracy["keras"] - accuracy["tflite"])
            found.append(
                _warning(
                    "accuracy-lost",
                    f"{variant['name']}: conversion lost {lost} of accuracy",
                    "calibrate on more images, or keep sensitive layers in float",
                )
            )
    return found


def _experiment_warnings(blocks: Mapping[str, Any]) -> list[dict[str, str]]:
    found = []
    if blocks["stopped"] == "disturbed":
        reasons = ", ".join(blocks["reasons"]) or "other work"
        found.append(
            _warning(
                "never-quiet",
                f"this machine did not become quiet ({reasons}); the experiment ended early",
                "end other work on it, raise measure.max_time, and run the same command again",
            )
        )
    elif blocks["redone"]:
        reasons = ", ".join(f"{name} {count}x" for name, count in blocks["reasons"].items())
        found.append(
            _warning(
                "blocks-redone",
                f"blocks thrown away and done again: {blocks['redone']} ({reasons})",
                "leave the machine alone while it measures",
            )
        )
    if blocks["warmup_factor"] > 1:
        found.append(
            _warning(
                "warm-up-lengthened",
                f"too many processes were still becoming faster, so the warm-up was made "
                f"{blocks['warmup_factor']} times as long and timing began anew",
                "write measure.warmup_time as long from the start, and save that time",
            )
        )
    unsteady = blocks["processes"] - blocks["steady_processes"]
    if unsteady > blocks["processes"] / 10:
        found.append(
            _warning(
                "unsteady",
                f"{unsteady} of {blocks['processes']} processes had not settled "
                "when timing began, or changed speed while it ran",
                "lengthen measure.warmup_time, and fix the CPU's frequency",
            )
        )
    return found


def _sustained_warnings(result: Mapping[str, Any]) -> list[dict[str, str]]:
    if result["design"]["sustained_s"] is None or result["blocks"]["stopped"] not in _TO_THE_END:
        return []
    return [
        _warning(
            "not-sustained",
            f"{variant['name']}: the run under sustained load failed; the blocks count",
            "journal.jsonl says why; another measure.sustained tries it again",
        )
        for variant in result["variants"]
        if variant["status"] == "done" and variant["throughput"] is None
    ]


def _warning(kind: str, message: str, remedy: str) -> dict[str, str]:
    return {"kind": kind, "message": message, "remedy": remedy}
