"""The statistics behind a verdict, each with its source. Logs of latencies in, figures out.

Every function is pure; those that draw random numbers take the generator. Differences are
`log(variant) - log(baseline)` of one block each, so that `exp(mean)` is a ratio of latencies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import nctdtr, stdtr, stdtrit

Floats = NDArray[np.float64]

# Above this many blocks all 2^n sign patterns are no longer enumerated but sampled.
_EXACT_SIGN_FLIPS = 12
_SAMPLED_SIGN_FLIPS = 10_000
# Signs that are held at once: they become 8 bytes each.
_MOST_SIGNS = 500_000
_MOST_BLOCKS = 1_000_000


@dataclass(frozen=True)
class Interval:
    """A mean of `count` values and its confidence interval, in the values' own unit.

    With fewer than two values nothing is known of the spread and the interval is unbounded.
    """

    mean: float
    low: float
    high: float
    deviation: float
    count: int

    @property
    def half_width(self) -> float:
        """Half the interval's length."""
        return (self.high - self.low) / 2


def t_interval(values: Sequence[float] | Floats, confidence: float) -> Interval:
    """Student's t interval for the mean.

    At 5 to 20 blocks a percentile bootstrap of the mean covers too little (9 to 18 % false alarms),
    so this is the interval at every number of blocks.

    Source: Student (1908), The probable error of a mean, Biometrika 6.
    """
    data = np.asarray(values, dtype=np.float64)
    count = int(data.size)
    mean = float(data.mean()) if count else math.nan
    if count < 2:
        return Interval(mean, -math.inf, math.inf, math.nan, count)
    deviation = float(data.std(ddof=1))
    half = float(stdtrit(count - 1, 0.5 + confidence / 2)) * deviation / math.sqrt(count)
    return Interval(mean, mean - half, mean + half, deviation, count)


def t_p_value(values: Sequence[float] | Floats, hypothesis: float = 0.0) -> float:
    """Two-sided p-value of the one-sample t test that the mean is `hypothesis`; 1 below two values.

    Source: Student (1908).
    """
    data = np.asarray(values, dtype=np.float64)
    if data.size < 2:
        return 1.0
    return min(1.0, 2 * _upper_tail(data, hypothesis, sign=0))


def equivalence_p_value(values: Sequence[float] | Floats, margin: float) -> float:
    """p-value of two one-sided t tests that the mean lies inside +-margin; 1 below two values.

    Source: Schuirmann (1987), A comparison of the two one-sided tests procedure, J. Pharmacokinet.
    Biopharm. 15.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.size < 2:
        return 1.0
    above_low = _upper_tail(data, -margin, sign=1)
    below_high = _upper_tail(data, margin, sign=-1)
    return max(above_low, below_high)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for the size of their family; compare each with the family's level.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure, Scand. J. Stat. 6.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - rank)))
        adjusted[index] = largest
    return adjusted


def sign_flip_p_value(values: Sequence[float] | Floats, generator: np.random.Generator) -> float:
    """Two-sided p-value of the randomisation test that the values are symmetric about 0.

    Needs no normality, so it stands beside the t test as a check. All sign patterns are enumerated
    up to 12 values; above, 10,000 are drawn, and the observed one is counted among them so that
    the p-value is never 0.

    Source: Fisher (1935), The design of experiments, section 21; Phipson & Smyth (2010),
    Permutation p-values should never be zero, Stat. Appl. Genet. Mol. Biol. 9.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.size == 0:
        return 1.0
    observed = abs(float(data.sum()))
    slack = 1e-12 * float(np.abs(data).sum())
    if data.size <= _EXACT_SIGN_FLIPS:
        patterns = (np.arange(2**data.size)[:, None] >> np.arange(data.size)) & 1
        sums = np.abs((1 - 2 * patterns) @ data)
        return float(np.mean(sums >= observed - slack))
    extreme, left = 0, _SAMPLED_SIGN_FLIPS
    most = max(1, _MOST_SIGNS // data.size)
    while left:
        drawn = min(most, left)
        signs = generator.integers(0, 2, size=(drawn, data.size), dtype=np.int8) * 2 - 1
        extreme += int(np.sum(np.abs(signs @ data) >= observed - slack))
        left -= drawn
    return (extreme + 1) / (_SAMPLED_SIGN_FLIPS + 1)


def blocks_for_half_width(deviation: float, half_width: float, confidence: float) -> int:
    """The least number of blocks whose t interval is expected to have this half-width or less.

    Source: planning by width, Beal (1989), Sample size determination for confidence intervals on
    the population mean and on the difference between two population means, Biometrics 45.
    """
    return _least(lambda blocks: expected_half_width(deviation, blocks, confidence) <= half_width)


def expected_half_width(deviation: float, blocks: int, confidence: float) -> float:
    """The half-width of a t interval of that many differences with this standard deviation.

    Source: Student (1908).
    """
    return float(stdtrit(blocks - 1, 0.5 + confidence / 2)) * deviation / math.sqrt(blocks)


def power_of_t_test(deviation: float, effect: float, blocks: int, confidence: float) -> float:
    """Probability that a two-sided t test of `blocks` differences finds a mean of `effect`.

    The far tail (finding it with the wrong sign) is left out.

    Source: Student's noncentral t distribution; Johnson & Kotz (1970), Continuous univariate
    distributions 2, chapter 31.
    """
    quantile = float(stdtrit(blocks - 1, 0.5 + confidence / 2))
    noncentrality = effect / deviation * math.sqrt(blocks)
    below = float(nctdtr(blocks - 1, noncentrality, quantile))
    # nctdtr leaves its range for noncentralities of several dozens: such an effect is always found.
    return 1 - below if 0 <= below <= 1 else 1.0


def blocks_for_power(
    deviation: float, effect: float, *, power: float = 0.9, confidence: float = 0.95
) -> int:
    """The least number of blocks that finds `effect` with this power.

    Source: as for `power_of_t_test`, whose inverse it is.
    """
    if deviation == 0:
        return 2
    return _least(lambda blocks: power_of_t_test(deviation, effect, blocks, confidence) >= power)


def smallest_effect(
    deviation: float, blocks: int, *, power: float = 0.9, confidence: float = 0.95
) -> float:
    """The smallest mean difference that `blocks` blocks find with this power, by bisection.

    Source: as for `power_of_t_test`, whose inverse it is.
    """
    if deviation == 0:
        return 0.0
    if blocks < 2:
        return math.inf
    low, high = 0.0, deviation
    while power_of_t_test(deviation, high, blocks, confidence) < power:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        found = power_of_t_test(deviation, middle, blocks, confidence) >= power
        low, high = (low, middle) if found else (middle, high)
    return high


def runs_per_process(
    *,
    process_cost: float,
    run_cost: float,
    variance_within: float,
    variance_between: float,
    least: int,
    most: int,
) -> int:
    """How many runs a process should do so that precision costs the least time.

    Args:
        process_cost: seconds that a process takes beside its timed runs.
        run_cost: seconds of one run.
        variance_within: of the logs of runs inside a process.
        variance_between: of the processes' own level, beyond what `variance_within` explains.
        least: the smallest answer.
        most: the largest.

    Where processes do not seem to differ, the formula knows no end; then the runs take as long as
    the rest of the process does.

    Source: Kalibera & Jones (2013), Rigorous benchmarking in reasonable time, ISMM, section 6.
    """
    if variance_between <= 0:
        optimum = process_cost / run_cost
    else:
        optimum = math.sqrt(process_cost / run_cost * variance_within / variance_between)
    return min(most, max(least, math.ceil(optimum)))


def median_absolute_deviation(values: Floats) -> float:
    """The median distance from the median, unscaled.

    Source: Hampel (1974), The influence curve and its role in robust estimation, JASA 69.
    """
    return float(np.median(np.abs(values - np.median(values))))


def _upper_tail(data: Floats, hypothesis: float, sign: int) -> float:
    """One tail of the t test: sign 1 tests mean > hypothesis, -1 mean <, 0 the side it lies on."""
    distance = float(data.mean()) - hypothesis
    deviation = float(data.std(ddof=1))
    # Below rounding, a spread is none: the statistic would be noise divided by noise.
    if deviation <= 1e-15 * max(1.0, float(np.abs(data).max())):
        statistic = math.copysign(math.inf, distance) if distance else 0.0
    else:
        statistic = distance / (deviation / math.sqrt(data.size))
    directed = abs(statistic) if sign == 0 else sign * statistic
    return float(stdtr(data.size - 1, -directed))


def _least(enough: Callable[[int], bool]) -> int:
    """The least number of blocks from 2 on for which a monotone condition holds."""
    high = 2
    while not enough(high):
        if high >= _MOST_BLOCKS:
            return _MOST_BLOCKS
        high *= 2
    low = max(2, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
