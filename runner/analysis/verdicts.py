"""From blocks to verdicts, and whether the controls held."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from runner.analysis.statistics import (
    Floats,
    Interval,
    blocks_for_half_width,
    equivalence_p_value,
    holm,
    sign_flip_p_value,
    t_interval,
    t_p_value,
)
from runner.analysis.summaries import ProcessSummary, exponentiate

# A gate that fails by chance in one of twenty sound experiments teaches people to ignore it.
IDENTICAL_CONFIDENCE = 0.99
# How far the delayed control may lie from the delay that was set, as a share of the effect.
DELAY_TOLERANCE = 0.25


class Verdict(str, Enum):
    """The four answers."""

    SLOWER = "slower"
    FASTER = "faster"
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Design:
    """What was fixed before the first sample.

    Attributes:
        effect: the smallest change that matters, as a share of the baseline's latency.
        confidence: of intervals, and of all verdicts together.
    """

    effect: float
    confidence: float

    @property
    def margin(self) -> float:
        """The effect as a difference of logs."""
        return math.log1p(self.effect)

    def confidence_of_each(self, comparisons: int) -> float:
        """The confidence of one comparison at which all of them together have the design's.

        An interval that is as narrow as asked at this confidence is never left inconclusive: either
        it is wholly on one side of 0, and Holm rejects, or it lies inside the margin.

        Source: Bonferroni's inequality; Dunn (1961), Multiple comparisons among means, JASA 56.
        """
        return 1 - (1 - self.confidence) / max(1, comparisons)


@dataclass(frozen=True)
class Comparison:
    """One variant against the baseline.

    Attributes:
        ratio: of latencies, variant to baseline; None without a block that has both.
        interval: of the ratio, at the design's confidence.
        family_interval: the same at the confidence that each comparison has within the family, so
            that all of them together hold their ratios at the design's.
        p_value: that the ratio is 1, from the t test.
        adjusted_p_value: after Holm, within the family of all comparisons.
        permutation_p_value: the same question asked of the sign-flip test.
        below_effect: slower or faster for certain, and for certain by less than the effect.
        blocks: with both arms valid.
        needed_blocks: in all, at the spread seen, until the interval is narrow enough at the
            confidence that the comparison has within the family.
        mean_ratio: the ratio if processes were summed up by their mean.
        mean_verdict: what the verdict would then be, in the family of all comparisons' means.
        p90_ratio: the ratio of 90th percentiles.
        p90_verdict: as for the mean.
    """

    variant: str
    baseline: str
    ratio: float | None
    interval: tuple[float, float] | None
    family_interval: tuple[float, float] | None
    p_value: float
    adjusted_p_value: float
    permutation_p_value: float
    verdict: Verdict
    below_effect: bool
    effect: float
    blocks: int
    needed_blocks: int | None
    mean_ratio: float | None
    mean_verdict: Verdict
    p90_ratio: float | None
    p90_verdict: Verdict


@dataclass(frozen=True)
class Control:
    """An arm whose true ratio to the baseline is known.

    Attributes:
        expected: that ratio.
        confidence: of the interval that decides.
        out_of_step: the delay that the pilot fixed does not amount to the effect in these blocks;
            it proves nothing then, found or not. Of the delayed control alone.
    """

    ratio: float | None
    interval: tuple[float, float] | None
    expected: float
    confidence: float
    passed: bool
    out_of_step: bool = False


Arm = Mapping[int, ProcessSummary]
"""Block index -> the arm's process in that block."""

Pairs = Mapping[str, str]
"""Variant -> the baseline that it is compared with."""


def differences(arm: Arm, baseline: Arm, figure: str = "log_median") -> list[float]:
    """`log(arm) - log(baseline)` of every block that has both, in the order of blocks."""
    shared = sorted(arm.keys() & baseline.keys())
    return [getattr(arm[block], figure) - getattr(baseline[block], figure) for block in shared]


@dataclass(frozen=True)
class Decision:
    """What the differences of one comparison amount to, within its family.

    Attributes:
        interval: of the mean difference of logs, at the design's confidence.
        family_interval: the same at the confidence that each comparison has within the family.
        p_value: that the mean is 0, from the t test.
        adjusted_p_value: after Holm.
        below_effect: slower or faster for certain, and for certain by less than the effect.
    """

    interval: Interval
    family_interval: Interval
    p_value: float
    adjusted_p_value: float
    verdict: Verdict
    below_effect: bool


def decide(family: Sequence[Sequence[float] | Floats], design: Design) -> list[Decision]:
    """Judges the differences of several comparisons as one family.

    Holm over all two-sided t tests decides slower and faster; what is left is tested for
    equivalence at a Bonferroni-adjusted level; what is still left is inconclusive.

    Source: Holm (1979) and Schuirmann (1987), as in `statistics`.

    Args:
        family: for each comparison its differences of logs, one for each replicate.
    """
    p_values = [t_p_value(values) for values in family]
    return [
        _decision(values, p_value, adjusted, len(family), design)
        for values, p_value, adjusted in zip(family, p_values, holm(p_values), strict=True)
    ]


def compare(
    arms: Mapping[str, Arm], pairs: Pairs, design: Design, generator: np.random.Generator
) -> list[Comparison]:
    """Judges every variant against its baseline, all of them as one family.

    Args:
        arms: name -> processes; controls stay outside the family.
        pairs: those of which an arm is missing are passed over.
        generator: for the permutation test.
    """
    there = _there(arms, pairs)
    by_figure = [
        decide([differences(arms[one], arms[base], figure) for one, base in there], design)
        for figure in ("log_median", "log_mean", "log_p90")
    ]
    return [
        _comparison(
            (one, base),
            differences(arms[one], arms[base]),
            decided,
            design,
            _needed_blocks(decided[0].interval, design, len(there)),
            generator,
        )
        for (one, base), decided in zip(there, zip(*by_figure, strict=True), strict=True)
    ]


def check_identical(arm: Arm, baseline: Arm) -> Control:
    """The copy of the baseline must not differ from it.

    Source: the A/A test, Kohavi, Tang & Xu (2020), Trustworthy online controlled experiments,
    chapter 19.
    """
    interval = t_interval(differences(arm, baseline), IDENTICAL_CONFIDENCE)
    passed = interval.count >= 2 and interval.low <= 0 <= interval.high
    return _control(interval, 1.0, IDENTICAL_CONFIDENCE, passed=passed)


def check_delayed(arm: Arm, baseline: Arm, delay_ns: int, design: Design) -> Control:
    """The delayed baseline must be found slower, and by what it was delayed.

    The expected ratio follows the baseline from block to block, since a fixed delay is a smaller
    share of a slower block.
    """
    shared = sorted(arm.keys() & baseline.keys())
    expected = (
        float(np.mean([math.log1p(delay_ns / math.exp(baseline[b].log_median)) for b in shared]))
        if shared
        else design.margin
    )
    interval = t_interval(differences(arm, baseline), design.confidence)
    slack = DELAY_TOLERANCE * design.margin
    out_of_step = abs(expected - design.margin) > slack
    right_size = interval.low - slack <= expected <= interval.high + slack
    passed = interval.count >= 2 and interval.low > 0 and right_size and not out_of_step
    control = _control(interval, math.exp(expected), design.confidence, passed=passed)
    return replace(control, out_of_step=out_of_step)


def _there(arms: Mapping[str, Arm], pairs: Pairs) -> list[tuple[str, str]]:
    return [(one, base) for one, base in pairs.items() if one in arms and base in arms]


def _comparison(
    names: tuple[str, str],
    values: Sequence[float],
    decisions: tuple[Decision, ...],
    design: Design,
    needed_blocks: int | None,
    generator: np.random.Generator,
) -> Comparison:
    """The comparison by medians, with what means and 90th percentiles say beside it.

    Args:
        values: differences of the logs of medians.
        decisions: by median, mean and 90th percentile.
    """
    decision, by_mean, by_p90 = decisions
    interval = decision.interval
    return Comparison(
        variant=names[0],
        baseline=names[1],
        ratio=_ratio(interval),
        interval=as_ratio(interval),
        family_interval=as_ratio(decision.family_interval),
        p_value=decision.p_value,
        adjusted_p_value=decision.adjusted_p_value,
        permutation_p_value=sign_flip_p_value(values, generator),
        verdict=decision.verdict,
        below_effect=decision.below_effect,
        effect=design.effect,
        blocks=interval.count,
        needed_blocks=needed_blocks,
        mean_ratio=_ratio(by_mean.interval),
        mean_verdict=by_mean.verdict,
        p90_ratio=_ratio(by_p90.interval),
        p90_verdict=by_p90.verdict,
    )


def _decision(
    values: Sequence[float] | Floats,
    p_value: float,
    adjusted_p_value: float,
    family: int,
    design: Design,
) -> Decision:
    alpha = 1 - design.confidence
    interval = t_interval(values, design.confidence)
    family_interval = t_interval(values, design.confidence_of_each(family))
    is_small = equivalence_p_value(values, design.margin) <= alpha / family
    differs = adjusted_p_value <= alpha
    if differs:
        verdict = Verdict.SLOWER if interval.mean > 0 else Verdict.FASTER
    else:
        verdict = Verdict.EQUIVALENT if is_small else Verdict.INCONCLUSIVE
    return Decision(
        interval, family_interval, p_value, adjusted_p_value, verdict, differs and is_small
    )


def _needed_blocks(interval: Interval, design: Design, family: int) -> int | None:
    if interval.count < 2:
        return None
    confidence = design.confidence_of_each(family)
    return blocks_for_half_width(interval.deviation, design.margin / 2, confidence)


def as_ratio(interval: Interval) -> tuple[float, float] | None:
    """The interval of a ratio, given that of its log; None where it is unbounded."""
    return exponentiate(interval) if interval.count > 1 else None


def _ratio(interval: Interval) -> float | None:
    return math.exp(interval.mean) if interval.count else None


def _control(interval: Interval, expected: float, confidence: float, *, passed: bool) -> Control:
    known = interval.count >= 2
    return Control(
        ratio=math.exp(interval.mean) if interval.count else None,
        interval=exponentiate(interval) if known else None,
        expected=expected,
        confidence=confidence,
        passed=passed,
    )
