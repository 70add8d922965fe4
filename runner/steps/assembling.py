"""Puts the result together: what was built, measured and concluded, as `result.json` holds it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from runner import __version__
from runner.analysis.percentiles import TAILS, Percentiles
from runner.analysis.recipes import RecipeComparison, compare_recipes
from runner.analysis.statistics import t_interval
from runner.analysis.summaries import ProcessSummary, exponentiate, summarize_latency
from runner.analysis.verdicts import (
    Arm,
    Comparison,
    Control,
    Design,
    Verdict,
    check_delayed,
    check_identical,
    compare,
)
from runner.spec.model import Spec, Variant
from runner.steps.blocks import record_blocks
from runner.steps.built import Built
from runner.steps.expectations import check_expectations
from runner.steps.ledger import Ledger
from runner.steps.measuring import Experiment
from runner.steps.told import read_told
from runner.steps.warnings import find_warnings
from runner.store.runs import Run
from runner.timing.libraries import RuntimeLibrary
from runner.timing.protocol import DELAYED, IDENTICAL

# Format history of result.json:
# 1 (0.1.0): the first.
FORMAT = 1
# How was measured, beside what decides when an experiment ends.
_SETTINGS = ("warmup_runs", "warmup_time_s", "inputs", "run_gap_s", "flush_caches")


@dataclass(frozen=True)
class Circumstances:
    """What a result says beside what was measured.

    Attributes:
        started: ISO 8601.
        finished: ISO 8601.
        host: as `describe_host` gives it.
    """

    started: str
    finished: str
    host: Mapping[str, Any]
    libraries: Mapping[str, RuntimeLibrary]
    schedule_seed: int


def assemble(
    spec: Spec,
    built: Mapping[str, Built],
    experiment: Experiment | None,
    run: Run,
    circumstances: Circumstances,
) -> dict[str, Any]:
    """The result as JSON, valid against `schemas/result.schema.json`.

    Args:
        built: variant's name -> what came of building it.
        experiment: None when nothing could be timed.
    """
    design = Design(spec.measure.effect, spec.measure.confidence)
    timed = _timed(spec, experiment)
    generator = np.random.default_rng(circumstances.schedule_seed)
    comparisons = compare(timed, spec.pairs, design, generator)
    recipes = compare_recipes(timed, spec.recipe_pairs, spec.baseline_recipe, design)
    recipes = [one for one in recipes if one.seeds]
    controls = _controls(spec, experiment, design)
    proven = all(control["passed"] for control in controls.values())
    told = read_told(run)
    gone = _is_baseline_gone(spec, built, experiment)
    variants = [
        _variant(
            variant, built[variant.name], experiment, circumstances.libraries[variant.name], design
        )
        for variant in spec.variants
    ]
    for variant in variants:
        variant["runtime"]["conditions"] = told.conditions.get(variant["name"], {})
        variant["status"] = _status(variant, is_baseline_gone=gone)
        variant["stages"] = {
            **built[variant["name"]].stages,
            "time": "skipped" if built[variant["name"]].error else variant["status"],
        }
    result: dict[str, Any] = {
        "format": FORMAT,
        "name": spec.name,
        "question": spec.question,
        "run_id": run.run_id,
        "started": circumstances.started,
        "finished": circumstances.finished,
        "spec_sha256": spec.sha256,
        "retime": __version__,
        "host": circumstances.host,
        "baseline": spec.baseline,
        "same_content": dict(spec.aliases),
        "variants": variants,
        "comparisons": [_comparison_record(comparison) for comparison in comparisons],
        "recipes": [_comparison_record(comparison) for comparison in recipes],
        "controls": controls,
        "proven": proven,
        "blocks": record_blocks(experiment, run),
        "design": {
            "effect": spec.measure.effect,
            "confidence": spec.measure.confidence,
            "max_time_s": spec.measure.max_time_s,
            "min_blocks": spec.measure.min_blocks,
            "max_blocks": spec.measure.max_blocks,
            "sustained_s": spec.measure.sustained_s,
            "schedule_seed": circumstances.schedule_seed,
            "settings": {name: getattr(spec.measure, name) for name in _SETTINGS},
        },
        "expectations": check_expectations(
            spec.expectations,
            variants,
            comparisons,
            recipes,
            spec.recipes[spec.baseline_recipe],
            proven=proven,
        ),
        "repaired": told.repaired,
        "retried": list(told.retried.values()),
        "report": asdict(spec.report),
        "samples": _samples(run),
    }
    result["warnings"] = find_warnings(result)
    return result


def _is_baseline_gone(
    spec: Spec, built: Mapping[str, Built], experiment: Experiment | None
) -> bool:
    """Whether the baseline failed, so that nothing can be compared with it."""
    dropped = experiment.ledger.dropped if experiment else {}
    return bool(built[spec.baseline].error) or spec.baseline in dropped


def _status(variant: Mapping[str, Any], *, is_baseline_gone: bool) -> str:
    if variant["error"]:
        return "failed"
    if variant["latency_ns"]:
        return "done"
    return "skipped" if is_baseline_gone else "interrupted"


def _timed(spec: Spec, experiment: Experiment | None) -> dict[str, Arm]:
    """The processes of the variants that were timed to the end."""
    if experiment is None or spec.baseline in experiment.ledger.dropped:
        return {}
    ledger = experiment.ledger
    return {
        variant.name: ledger.arms[variant.name]
        for variant in spec.variants
        if variant.name in ledger.arms and variant.name not in ledger.dropped
    }


def _controls(
    spec: Spec, experiment: Experiment | None, design: Design
) -> dict[str, dict[str, Any]]:
    ledger = Ledger() if experiment is None else experiment.ledger
    arms, dropped = ledger.arms, ledger.dropped
    base = arms.get(spec.baseline, {})
    delay_ns = 0 if experiment is None else experiment.delay_ns
    return {
        "identical": _control(
            check_identical(arms.get(IDENTICAL, {}), base), dropped.get(IDENTICAL)
        ),
        "delayed": _control(
            check_delayed(arms.get(DELAYED, {}), base, delay_ns, design), dropped.get(DELAYED)
        ),
    }


def _control(control: Control, error: Mapping[str, Any] | None) -> dict[str, Any]:
    """A control that failed for good proves nothing about the blocks that came after."""
    return asdict(control) | {"passed": control.passed and not error, "error": error}


def _variant(
    variant: Variant,
    built: Built,
    experiment: Experiment | None,
    library: RuntimeLibrary,
    design: Design,
) -> dict[str, Any]:
    ledger = Ledger() if experiment is None else experiment.ledger
    processes = list(ledger.arms.get(variant.name, {}).values())
    percentiles = ledger.percentiles.get(variant.name)
    error = built.error or ledger.dropped.get(variant.name)
    facts = built.facts or {}
    return {
        "name": variant.name,
        "axes": dict(variant.axes),
        "recipe": variant.recipe,
        "status": None,
        "error": error,
        "data": built.data,
        "model": built.model,
        "accuracy": built.accuracy,
        "latency_ns": _latency(processes, percentiles, design.confidence) if percentiles else None,
        "initialization_ns": _estimate(
            [process.initialization_ns for process in processes], design.confidence
        ),
        "first_inference_ns": _estimate(
            [process.first_inference_ns for process in processes], design.confidence
        ),
        "peak_memory_bytes": _typical_bytes(processes),
        "throughput": _throughput(variant, experiment),
        "outliers": _outliers(processes),
        "runtime": {
            "library": variant.runtime.library,
            "version": _version(facts.get("version"), library),
            "path": library.path,
            "origin": library.origin,
            "sha256": library.sha256,
            "delegate": variant.runtime.delegate.name,
            "nodes": facts.get("nodes"),
            "delegated_nodes": facts.get("delegated_nodes"),
            "partitions": facts.get("partitions"),
            "threads": variant.runtime.threads,
        },
    }


def _version(told: str | None, library: RuntimeLibrary) -> str | None:
    """What the library says of itself, or its wheel where it says nothing, as LiteRT's does."""
    return library.distribution if told in {None, "unknown"} else told


def _latency(
    processes: Sequence[ProcessSummary], percentiles: Percentiles, confidence: float
) -> dict[str, Any]:
    latency = summarize_latency(processes, confidence)
    found = {f"p{tail}": percentiles.sections[tail].interval(confidence) for tail in TAILS}
    return {
        "median": latency.median,
        "interval": _finite(latency.interval),
        "p50": latency.median,
        **{name: math.exp(one.mean) if one else None for name, one in found.items()},
        "percentile_intervals": {
            "p50": _finite(latency.interval),
            **{name: _finite(exponentiate(one)) if one else None for name, one in found.items()},
        },
        "min": latency.min,
        "mean": latency.mean,
        "processes": latency.processes,
        "runs": latency.runs,
    }


def _estimate(values_ns: Sequence[int], confidence: float) -> dict[str, Any] | None:
    """The geometric mean over processes of a time that each process has one of."""
    if not values_ns:
        return None
    interval = t_interval([math.log(max(1, value)) for value in values_ns], confidence)
    return {"median": math.exp(interval.mean), "interval": _finite(exponentiate(interval))}


def _outliers(processes: Sequence[ProcessSummary]) -> dict[str, int]:
    return {
        "mild": sum(process.mild_outliers for process in processes),
        "extreme": sum(process.outliers for process in processes),
    }


def _throughput(variant: Variant, experiment: Experiment | None) -> Any:
    """What the variant sustained; None where that was not asked, or failed."""
    event = experiment.ledger.sustained.get(variant.name) if experiment else None
    return event.get("throughput") if event else None


def _typical_bytes(processes: Sequence[ProcessSummary]) -> int | None:
    """The median over processes of their most resident memory."""
    if not processes:
        return None
    return round(float(np.median([process.peak_memory_bytes for process in processes])))


def _finite(interval: tuple[float, float]) -> list[float] | None:
    return list(interval) if math.isfinite(interval[1]) else None


def _comparison_record(comparison: Comparison | RecipeComparison) -> dict[str, Any]:
    record = asdict(comparison)
    return {
        name: value.value if isinstance(value, Verdict) else value for name, value in record.items()
    }


def _samples(run: Run) -> dict[str, str]:
    paths = {arm: run.samples_path(arm) for arm in run.arms}
    return {arm: str(path.relative_to(run.folder)) for arm, path in paths.items() if path.exists()}
