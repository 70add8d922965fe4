"""Warnings about the machine and the files: what disturbed an experiment, and what was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.steps.model_warnings import warning
from runner.timing.host import TEMPERATURE

# How a measurement says that a wish was not granted.
_REFUSED = "no: "
# Of cores, that others keep busy: enough to be seen in a ratio.
_MUCH_LOAD = 0.25
# What ends a disturbance; where nothing else is known, other work does.
_LOUD = "end other work on this machine"
_REMEDIES = {
    # A bench in another container, with a network of its own, is not seen by the machine lock.
    "load from others": f"{_LOUD} (benches in other containers too)",
    "steal": "end what else runs on this machine's host, or take one of your own",
    "cgroup throttling": "raise the CPU quota of this container, or ask for fewer threads",
    "a process was killed": "end what takes this machine's memory",
    "swap": "end what takes this machine's memory, or turn swap off",
    "suspended": "keep this machine from falling asleep",
    TEMPERATURE: "cool it better, or raise measure.limits.temperature",
    "slowed by heat": "cool it better",
    "throttled": "cool it better",
    "soft temperature limit": "cool it better",
    "under-voltage": "give this board a stronger power supply",
    "frequency capped": "give this board a stronger power supply",
    "frequency settings changed": "stop what changes the governor or its limits",
}
# How an experiment ends after which variants are run back to back.
_TO_THE_END = ("precise", "time", "blocks")


def machine_warnings(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those of a result, most serious first.

    Args:
        result: as `result.json` holds it, warnings excepted.
    """
    return [
        *_condition_warnings(result["variants"]),
        *_layout_warnings(result["host"]),
        *_damage_warnings(result["blocks"]),
        *_experiment_warnings(result["blocks"]),
        *_load_warnings(result),
        *_change_warnings(result["blocks"]),
        *_sustained_warnings(result),
        *_heat_warnings(result["variants"]),
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


def _change_warnings(blocks: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Blocks of several stays are pooled, also where the machine was another one in between."""
    changes = blocks.get("host_changes", {})
    if not changes:
        return []
    told = "; ".join(
        f"{name.replace('_', ' ')} {', then '.join(map(_said, values))}"
        for name, values in changes.items()
    )
    return [
        warning(
            "conditions-changed",
            f"this experiment went on under other conditions than it began: {told}",
            "a ratio may be a mean of two; --fresh measures all of it under the same",
        )
    ]


def _said(value: Any) -> str:
    return {None: "unknown", True: "on", False: "off"}.get(value, str(value))


def _never_quiet(counts: Mapping[str, int]) -> dict[str, Any]:
    reasons = sorted(counts, key=lambda reason: -counts[reason])
    # A process that failed is no unrest: what is to be done about that stands with its variant.
    remedies = dict.fromkeys(_REMEDIES[reason] for reason in reasons if reason in _REMEDIES)
    return warning(
        "never-quiet",
        f"this machine did not become quiet ({', '.join(reasons) or 'other work'}); the "
        "experiment ended early",
        f"{'; '.join(remedies) or _LOUD}; then run the same command again, with a larger "
        "measure.max_time",
    )


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


def _experiment_warnings(blocks: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    if blocks["stopped"] == "disturbed":
        found.append(_never_quiet(blocks["reasons"]))
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


def _load_warnings(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Load below the limit that weighs more on one variant than on another."""
    load = result["blocks"].get("load_of_others")
    threads = {one["name"]: one["runtime"]["threads"] for one in result["variants"]}
    is_uneven = any(
        threads[one["variant"]] != threads[one["baseline"]] for one in result["comparisons"]
    )
    if not load or load["median"] <= _MUCH_LOAD or not is_uneven:
        return []
    return [
        warning(
            "uneven-load",
            f"other programs kept {load['median']:.1f} cores busy (median over blocks), which slows"
            " variants with more threads more: their ratios are those of a busy machine",
            f"end other work, or lower measure.limits.load_cores to {_MUCH_LOAD:g}; --fresh"
            " measures anew",
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


def _heat_warnings(variants: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    hotter = {
        variant["name"]: variant["throughput"].get("began_hotter_c", 0.0)
        for variant in variants
        if variant["throughput"]
    }
    return [
        warning(
            "began-hot",
            f"{name}: its run under sustained load began {degrees:.0f} C hotter than the first"
            " variant's may have, although it was let cool",
            "don't compare its throughput with the others'; cool the machine better",
            name,
        )
        for name, degrees in hotter.items()
        if degrees > 0
    ]
