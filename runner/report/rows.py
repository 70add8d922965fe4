"""A result as a table of texts, which any renderer can lay out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.report.result import Result
from runner.report.wording import axes_heading, short_names
from runner.units import format_bytes, format_interval, format_latency, format_ratio

BASELINE = "baseline"


@dataclass(frozen=True)
class Row:
    """One variant. Texts are empty where there is nothing to say.

    Attributes:
        verdict: `slower`, `faster`, `equivalent`, `inconclusive`, `baseline`, `failed`, `skipped`
            or empty.
        percentiles: of latency, those that the spec asks for.
        accuracy: of the trained model and of the converted one.
    """

    name: str
    latency: str
    latency_interval: str
    percentiles: tuple[str, ...]
    ratio: str
    ratio_interval: str
    verdict: str
    below_effect: bool
    accuracy: tuple[str, str]
    size: str
    memory: str


def columns(result: Result) -> list[tuple[str, ...]]:
    """The titles of the table's columns, each of one line or two."""
    return [
        (axes_heading(result),),
        ("latency", "interval"),
        *((name,) for name in _settings(result)["percentiles"]),
        ("ratio", "interval"),
        ("verdict",),
        ("accuracy", "converted"),
        ("size", "memory"),
    ]


def joined(value: str, interval: str) -> str:
    """A figure with its interval, on one line."""
    return f"{value} ({interval})" if interval else value


def make_rows(result: Result) -> list[Row]:
    """One row for each variant, in the order that the spec asks for."""
    settings = _settings(result)
    comparisons = {comparison["variant"]: comparison for comparison in result["comparisons"]}
    # Where several models are trained from a recipe, each has a baseline of its own.
    bases = {result["baseline"], *(one["baseline"] for one in result["comparisons"])}
    names = short_names(result)
    return [
        _row(
            variant,
            names[variant["name"]],
            comparisons.get(variant["name"]),
            settings["percentiles"],
            is_baseline=variant["name"] in bases,
        )
        for variant in sorted(result["variants"], key=_ORDERS[settings["sort"]])
    ]


def _settings(result: Result) -> Mapping[str, Any]:
    """What the spec says of its report; results of before it could have none."""
    return result.get("report") or {"percentiles": [], "sort": "spec"}


def _by_latency(variant: Mapping[str, Any]) -> float:
    return float(variant["latency_ns"]["median"]) if variant["latency_ns"] else math.inf


def _by_accuracy(variant: Mapping[str, Any]) -> float:
    return -float(variant["accuracy"]["tflite"]) if variant["accuracy"] else math.inf


# The fastest first, and the most accurate first; what has no figure comes last.
_ORDERS: Mapping[str, Callable[[Mapping[str, Any]], float]] = {
    "spec": lambda _: 0.0,
    "latency": _by_latency,
    "accuracy": _by_accuracy,
}


def _row(
    variant: Mapping[str, Any],
    name: str,
    comparison: Mapping[str, Any] | None,
    percentiles: Sequence[str],
    *,
    is_baseline: bool,
) -> Row:
    latency, accuracy, model = variant["latency_ns"], variant["accuracy"], variant["model"]
    memory = variant["peak_memory_bytes"]
    measured = comparison if comparison and comparison["ratio"] is not None else None
    return Row(
        name=name,
        latency=format_latency(latency["median"]) if latency else "",
        latency_interval=_latency_interval(latency),
        percentiles=tuple(_percentile(latency, name) for name in percentiles),
        ratio="1"
        if is_baseline and latency
        else format_ratio(measured["ratio"])
        if measured
        else "",
        ratio_interval=format_interval(measured["interval"]) if measured else "",
        verdict=_verdict(variant, comparison, is_baseline=is_baseline),
        below_effect=bool(comparison and comparison["below_effect"]),
        accuracy=_accuracy(accuracy),
        size=format_bytes(model["bytes"]) if model else "",
        memory=format_bytes(memory) if memory is not None else "",
    )


def _percentile(latency: Mapping[str, Any] | None, name: str) -> str:
    """Nothing where there were too few runs to tell it."""
    value = latency[name] if latency else None
    return "" if value is None else format_latency(value)


def _verdict(
    variant: Mapping[str, Any], comparison: Mapping[str, Any] | None, *, is_baseline: bool
) -> str:
    if variant["status"] in {"failed", "skipped"}:
        return str(variant["status"])
    if is_baseline:
        return BASELINE
    return str(comparison["verdict"]) if comparison else ""


def _latency_interval(latency: Mapping[str, Any] | None) -> str:
    if not latency or not latency["interval"]:
        return ""
    low, high = latency["interval"]
    unit = format_latency(latency["median"]).split()[1]
    scale = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0}[unit]
    digits = max(0, 2 - len(str(int(latency["median"] / scale))) + 1)
    return f"{low / scale:.{digits}f}-{high / scale:.{digits}f}"


def _accuracy(accuracy: Mapping[str, Any] | None) -> tuple[str, str]:
    if not accuracy:
        return "", ""
    trained = accuracy["keras"]
    return "" if trained is None else f"{trained:.1%}", f"{accuracy['tflite']:.1%}"
