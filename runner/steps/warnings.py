"""What a reader must know before believing a result, as typed records with a remedy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from runner.steps.model_warnings import accuracy_warnings, data_warnings, warning
from runner.units import format_ratio, format_share

_FAR_APART = 3.0
# How a measurement says that a wish was not granted.
_REFUSED = "no: "
# Of normal values, two in a million are extreme; a machine that interrupts now and then has more.
_MANY_EXTREME = 0.02
# How an experiment ends after which variants are run back to back.
_TO_THE_END = ("precise", "time", "blocks")


def find_warnings(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The warnings of a result, most serious first.

    Args:
        result: as `result.json` holds it, warnings excepted.
    """
    return [
        *accuracy_warnings(result["variants"]),
        *data_warnings(result["variants"]),
        *_condition_warnings(result["variants"]),
        *_layout_warnings(result["host"]),
        *_damage_warnings(result["blocks"]),
        *_experiment_warnings(result["blocks"]),
        *_sustained_warnings(result),
        *_test_warnings(result["comparisons"], 1 - result["design"]["confidence"]),
        *_figure_warnings(result["comparisons"]),
        *_outlier_warnings(result["variants"]),
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


def _condition_warnings(variants: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the spec asks of the system and did not get."""
    refused = {
        (name, text.removeprefix(_REFUSED)): variant["name"]
        for variant in variants
        for name, text in variant["runtime"]["conditions"].items()
        if text.startswith(_REFUSED)
    }
    return [
        warning(
            "not-in-force",
            f"{variant}: {name.replace('_', ' ')} was asked for and is not in force ({reason})",
            "give the right that it takes, or leave it out of runtime",
            variant,
        )
        for (name, reason), variant in refused.items()
    ]


def _layout_warnings(host: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Results of before this was recorded say nothing of it."""
    if host.get("address_randomization") is not False:
        return []
    return [
        warning(
            "addresses-not-random",
            "every process had its code and data at the same addresses, so that a ratio may be one"
            " of this layout rather than of the models",
            "run without setarch -R and outside a debugger, with kernel.randomize_va_space=2;"
            " retime doctor tells more",
        )
    ]


def _test_warnings(comparisons: Sequence[Mapping[str, Any]], level: float) -> list[dict[str, Any]]:
    return [
        warning(
            "tests-disagree",
            f"{comparison['variant']}: the t test (p = {comparison['p_value']:.2g}) and the "
            f"permutation test (p = {comparison['permutation_p_value']:.2g}) disagree",
            "measure more blocks; a few wild blocks may carry the difference",
            comparison["variant"],
        )
        for comparison in comparisons
        if _disagree(comparison["p_value"], comparison["permutation_p_value"], level)
        # With so few blocks no permutation test can reach the level.
        and 2 / 2 ** comparison["blocks"] < level
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
        if _contradict(comparison["verdict"], comparison[f"{figure}_verdict"])
        # A difference that is certain and too small to matter contradicts no equivalence.
        and abs(math.log(comparison[f"{figure}_ratio"])) > math.log1p(comparison["effect"])
    ]


def _contradict(by_median: str, by_other: str) -> bool:
    opposite = {"slower": "faster", "faster": "slower"}
    return opposite.get(by_median) == by_other or (
        by_median == "equivalent" and by_other in opposite
    )


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


def _disagree(one: float, other: float, level: float) -> bool:
    """On different sides of the level, and not merely to either side of it."""
    low, high = sorted((one, other))
    return low < level <= high and high > _FAR_APART * low


def _experiment_warnings(blocks: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    if blocks["stopped"] == "disturbed":
        reasons = ", ".join(blocks["reasons"]) or "other work"
        # A bench in another container, with a network of its own, is not seen by the machine lock.
        also = " (benches in other containers too)" * ("load from others" in blocks["reasons"])
        found.append(
            warning(
                "never-quiet",
                f"this machine did not become quiet ({reasons}); the experiment ended early",
                f"end other work on it{also}, raise measure.max_time, and run the same command"
                " again",
            )
        )
    elif blocks["redone"]:
        reasons = ", ".join(f"{name} {count}x" for name, count in blocks["reasons"].items())
        found.append(
            warning(
                "blocks-redone",
                f"blocks thrown away and done again: {blocks['redone']} ({reasons})",
                "leave the machine alone while it measures",
            )
        )
    if blocks["warmup_factor"] > 1:
        found.append(
            warning(
                "warm-up-lengthened",
                f"too many processes were still becoming faster, so the warm-up was made "
                f"{blocks['warmup_factor']} times as long and timing began anew",
                "write measure.warmup_time as long from the start, and save that time",
            )
        )
    unsteady = blocks["processes"] - blocks["steady_processes"]
    if unsteady > blocks["processes"] / 10:
        found.append(
            warning(
                "unsteady",
                f"{unsteady} of {blocks['processes']} processes had not settled "
                "when timing began, or changed speed while it ran",
                "lengthen measure.warmup_time, and fix the CPU's frequency",
            )
        )
    return found


def _damage_warnings(blocks: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What of the run's files is not as it was written, and was done without."""
    found = [
        f"{count} {what}"
        for name, what in (
            ("damaged_lines", "lines of journal.jsonl"),
            ("lost_processes", "processes' samples"),
        )
        if (count := blocks.get(name, 0))
    ]
    if not found:
        return []
    return [
        warning(
            "files-damaged",
            f"not as they were written: {' and '.join(found)}; they were left out",
            "look after this disk; --fresh measures anew",
        )
    ]


def _sustained_warnings(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    if result["design"]["sustained_s"] is None or result["blocks"]["stopped"] not in _TO_THE_END:
        return []
    return [
        warning(
            "not-sustained",
            f"{variant['name']}: the run under sustained load failed; the blocks count",
            "journal.jsonl says why; another measure.sustained tries it again",
            variant["name"],
        )
        for variant in result["variants"]
        if variant["status"] == "done" and variant["throughput"] is None
    ]
