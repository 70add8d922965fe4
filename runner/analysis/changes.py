"""Whether a figure changed between two runs that know nothing of each other. Pure.

A run's result has a mean of logs as a ratio with its interval; that is all that is needed, so two
results can be compared of which no sample is left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from scipy.special import stdtr, stdtrit

from runner.analysis.statistics import holm
from runner.analysis.verdicts import Design


class Answer(str, Enum):
    """What can be said of a figure in two runs."""

    SAME = "same"
    CHANGED = "changed"
    UNCLEAR = "can't tell"


@dataclass(frozen=True)
class Estimate:
    """A mean of logs as one run knows it.

    Attributes:
        log_mean: natural log of a ratio, or of a latency in ns.
        error: the standard error of that mean.
        freedom: degrees of freedom of the error: one less than the values behind the mean.
    """

    log_mean: float
    error: float
    freedom: int


@dataclass(frozen=True)
class Change:
    """A figure of the second run against the same figure of the first.

    Attributes:
        ratio: second to first.
        interval: of that ratio, at the confidence asked for.
        p_value: that nothing changed, from Welch's test.
        adjusted_p_value: after Holm, within the family.
        below_effect: changed for certain, and for certain by less than the effect.
        effect: the smallest change that matters, as a share.
    """

    ratio: float
    interval: tuple[float, float]
    p_value: float
    adjusted_p_value: float
    answer: Answer
    below_effect: bool
    effect: float


def estimate_of(
    value: float | None, interval: Sequence[float] | None, count: int, confidence: float
) -> Estimate | None:
    """What stands behind a figure and its t interval; None where the spread is not known.

    The interval is `exp(mean +- t * error)` with Student's quantile t at `count - 1` degrees.

    Args:
        value: a ratio or a latency in ns, the exponential of the mean.
        interval: of the same.
        count: of the values that the mean was taken over: blocks, processes or seeds.
    """
    if value is None or interval is None or count < 2:
        return None
    half_width = math.log(interval[1] / interval[0]) / 2
    quantile = float(stdtrit(count - 1, 0.5 + confidence / 2))
    return Estimate(math.log(value), half_width / quantile, count - 1)


def find_changes(family: Sequence[tuple[Estimate, Estimate]], design: Design) -> list[Change]:
    """Judges the figures of two independent runs as one family, as verdicts are judged.

    Holm over all two-sided tests decides what has changed; what is left is the same where two
    one-sided tests at a Bonferroni-adjusted level put the change inside the effect; what is still
    left can't be told.

    Source: Welch (1947), The generalization of "Student's" problem when several different
    population variances are involved, Biometrika 34, for the test; Satterthwaite (1946), An
    approximate distribution of estimates of variance components, Biometrics Bulletin 2, for its
    degrees of freedom; Schuirmann (1987) for equivalence.

    Args:
        family: the first run's estimate and the second's.
        design: the effect as a share, and the confidence of the whole family.
    """
    gaps = [_Gap.between(first, second) for first, second in family]
    p_values = [min(1.0, 2 * gap.tail(abs(gap.distance))) for gap in gaps]
    return [
        _change(gap, p_value, adjusted, len(family), design)
        for gap, p_value, adjusted in zip(gaps, p_values, holm(p_values), strict=True)
    ]


def welch_freedom(first: Estimate, second: Estimate) -> float:
    """Degrees of freedom of the difference of two means; infinite where neither varies.

    Source: Satterthwaite (1946).
    """
    parts = [(one.error**2, one.freedom) for one in (first, second)]
    below = sum(variance**2 / freedom for variance, freedom in parts)
    return sum(variance for variance, _ in parts) ** 2 / below if below else math.inf


@dataclass(frozen=True)
class _Gap:
    """The difference of two means, its standard error and that one's degrees of freedom."""

    distance: float
    error: float
    freedom: float

    @classmethod
    def between(cls, first: Estimate, second: Estimate) -> _Gap:
        return cls(
            second.log_mean - first.log_mean,
            math.hypot(first.error, second.error),
            # Beyond that, Student's t is the normal distribution.
            min(1e9, welch_freedom(first, second)),
        )

    def tail(self, distance: float) -> float:
        """The probability of a difference larger than `distance` where there is none."""
        if self.error == 0:
            return 0.5 if distance == 0 else float(distance < 0)
        return float(stdtr(self.freedom, -distance / self.error))


def _change(
    gap: _Gap, p_value: float, adjusted_p_value: float, family: int, design: Design
) -> Change:
    alpha, margin = 1 - design.confidence, design.margin
    outside = max(gap.tail(gap.distance + margin), gap.tail(margin - gap.distance))
    is_small = outside <= alpha / family
    differs = adjusted_p_value <= alpha
    half_width = float(stdtrit(gap.freedom, 0.5 + design.confidence / 2)) * gap.error
    otherwise = Answer.SAME if is_small else Answer.UNCLEAR
    return Change(
        ratio=math.exp(gap.distance),
        interval=(math.exp(gap.distance - half_width), math.exp(gap.distance + half_width)),
        p_value=p_value,
        adjusted_p_value=adjusted_p_value,
        answer=Answer.CHANGED if differs else otherwise,
        below_effect=differs and is_small,
        effect=design.effect,
    )
