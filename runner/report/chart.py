"""The ratios of a result as a picture: one line a comparison, and the band of the effect."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from typing import Any

from runner.report.result import Result
from runner.report.wording import short_names
from runner.units import format_ratio

_WIDTH, _LEFT, _RIGHT, _ROW = 720, 190, 80, 30
_TOP, _BOTTOM = 14, 34
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_MOST_TICKS = 7


def ratio_chart(result: Result) -> str:
    """An SVG; empty where no ratio was measured.

    The scale is logarithmic, so that twice as slow and twice as fast lie equally far from 1.
    """
    comparisons = [one for one in result["comparisons"] if one["ratio"] is not None]
    if not comparisons:
        return ""
    low, high = _range(comparisons, result["design"]["effect"])
    scale = _Scale(low, high)
    height = _TOP + _ROW * len(comparisons) + _BOTTOM
    label = "Latency relative to the baseline, with intervals"
    parts = [
        *_band(scale, result["design"]["effect"], height),
        *_axis(scale, height),
        *_lines(comparisons, scale, short_names(result)),
    ]
    return (
        f'<div class="wide"><svg viewBox="0 0 {_WIDTH} {height}" width="100%" role="img"'
        f' aria-label="{label}">\n' + "\n".join(parts) + "\n</svg></div>"
    )


class _Scale:
    """From ratios to horizontal places."""

    def __init__(self, low: float, high: float) -> None:
        self.low = low
        self.high = high

    def __call__(self, ratio: float) -> float:
        share = math.log(ratio / self.low) / math.log(self.high / self.low)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def ticks(self) -> list[float]:
        """Round ratios, few enough to read."""
        for step in _STEPS:
            first = math.ceil(self.low / step)
            last = math.floor(self.high / step)
            if last - first + 1 <= _MOST_TICKS:
                return [round(index * step, 4) for index in range(max(1, first), last + 1)]
        return [1.0]


def _range(comparisons: list[dict[str, Any]], effect: float) -> tuple[float, float]:
    values = [1 / (1 + effect), 1 + effect]
    for one in comparisons:
        values += [one["ratio"], *(one["interval"] or ())]
    margin = (max(values) / min(values)) ** 0.06
    return min(values) / margin, max(values) * margin


def _band(scale: _Scale, effect: float, height: int) -> Iterator[str]:
    left, right = scale(1 / (1 + effect)), scale(1 + effect)
    bottom = height - _BOTTOM
    yield (
        f'<rect x="{left}" y="{_TOP - 6}" width="{round(right - left, 1)}"'
        f' height="{bottom - _TOP + 6}" fill="currentColor" opacity="0.07"/>'
    )
    one = scale(1)
    yield f'<path d="M{one} {_TOP - 6}V{bottom}" stroke="currentColor" opacity="0.5"/>'


def _axis(scale: _Scale, height: int) -> Iterator[str]:
    bottom = height - _BOTTOM
    for tick in scale.ticks():
        x = scale(tick)
        yield f'<path d="M{x} {bottom}v5" stroke="currentColor" opacity="0.5"/>'
        yield f'<text x="{x}" y="{bottom + 19}" text-anchor="middle">{tick:g}x</text>'


def _lines(
    comparisons: list[dict[str, Any]], scale: _Scale, names: dict[str, str]
) -> Iterator[str]:
    for index, one in enumerate(comparisons):
        y = _TOP + _ROW * index + _ROW // 2
        name = escape(names[one["variant"]])
        yield f'<text x="{_LEFT - 12}" y="{y + 4}" text-anchor="end">{name}</text>'
        color = f'stroke="var(--{one["verdict"]})"'
        if one["interval"]:
            low, high = (scale(value) for value in one["interval"])
            yield f'<path d="M{low} {y}H{high}M{low} {y - 5}v10M{high} {y - 5}v10" {color}/>'
        fill = f'fill="var(--{one["verdict"]})"'
        yield f'<circle cx="{scale(one["ratio"])}" cy="{y}" r="4" {fill}/>'
        ratio = format_ratio(one["ratio"])
        yield f'<text x="{_WIDTH - _RIGHT + 10}" y="{y + 4}">{ratio}</text>'
