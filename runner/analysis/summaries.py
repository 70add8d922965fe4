"""From the samples of one process to its few numbers, and from processes to an arm's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from runner.analysis.statistics import Interval, median_absolute_deviation, t_interval

# A clock's tick, as a share of the median, that is taken for one; more is a difference.
_COARSEST_TICK = 0.05
# How rarely chance alone may look like a warm-up that is too short.
_CHANCE = 0.01


@dataclass(frozen=True, slots=True)
class ProcessSummary:
    """One process of one arm in one block.

    Attributes:
        block: the block's index; processes of one block are compared with each other.
        log_median: natural log of the median latency in ns: the number that verdicts rest on.
        log_mean: log of the mean, a sensitivity check.
        log_p90: log of the 90th percentile, another one.
        min_ns: the fastest run.
        runs: how many samples there were.
        steady: the two halves of the samples agree.
        settling: they don't, and the second is the faster one: the warm-up may have been too short.
        mild_outliers: samples beyond Tukey's inner fences, but not beyond the outer ones.
        outliers: samples beyond Tukey's outer fences, called extreme; counted, never dropped.
        initialization_ns: model, interpreter and tensors made ready.
        first_inference_ns: the first inference, before any warm-up.
        peak_memory_bytes: most resident memory beyond what the process had before the model.
    """

    block: int
    log_median: float
    log_mean: float
    log_p90: float
    min_ns: int
    runs: int
    steady: bool
    settling: bool
    mild_outliers: int
    outliers: int
    initialization_ns: int
    first_inference_ns: int
    peak_memory_bytes: int


@dataclass(frozen=True)
class LatencySummary:
    """An arm's latency over its processes, in nanoseconds.

    `median` is the geometric mean of the processes' medians and `interval` its t interval: the
    process, not the run, is the unit that varies; pooling runs would pretend that those of one
    process are independent.
    """

    median: float
    interval: tuple[float, float]
    mean: float
    min: int
    processes: int
    runs: int


def summarize_process(
    samples_ns: NDArray[np.int64],
    *,
    block: int,
    initialization_ns: int,
    first_inference_ns: int,
    peak_memory_bytes: int,
) -> ProcessSummary:
    """Boils the samples of one process down.

    Source: percentiles as definition 7 of Hyndman & Fan (1996), Sample quantiles in statistical
    packages, American Statistician 50.

    Args:
        samples_ns: shape (runs,), latencies in ns, in the order they were taken.

    Raises:
        ValueError: there are no samples, or some are not positive.
    """
    if samples_ns.size == 0 or int(samples_ns.min()) <= 0:
        raise ValueError("samples must be positive and at least one")
    median, p90 = np.percentile(samples_ns, (50, 90))
    half = samples_ns.size // 2
    steady = is_steady(samples_ns)
    mild, extreme = count_outliers(samples_ns)
    return ProcessSummary(
        block=block,
        log_median=math.log(float(median)),
        log_mean=math.log(float(samples_ns.mean())),
        log_p90=math.log(float(p90)),
        min_ns=int(samples_ns.min()),
        runs=int(samples_ns.size),
        steady=steady,
        settling=not steady and bool(np.median(samples_ns[:half]) > np.median(samples_ns[half:])),
        mild_outliers=mild,
        outliers=extreme,
        initialization_ns=initialization_ns,
        first_inference_ns=first_inference_ns,
        peak_memory_bytes=peak_memory_bytes,
    )


def is_steady(samples_ns: NDArray[np.int64], tolerance: float = 0.1) -> bool:
    """Whether the first half of the samples looks like the second.

    The quartiles and mean of both halves lie within `tolerance` of each other, and so do the median
    absolute deviations, taken as a share of the median. Fewer than 8 samples can't tell and pass.

    Source: the warm-up calibration of pyperf (V. Stinner), which compares the same four figures.
    """
    if samples_ns.size < 8:
        return True
    half = samples_ns.size // 2
    first = samples_ns[:half].astype(np.float64)
    second = samples_ns[-half:].astype(np.float64)
    center = float(np.median(second))

    def apart(a: float, b: float) -> bool:
        return abs(a - b) > tolerance * center

    quartiles = zip(
        np.percentile(first, (25, 50, 75)), np.percentile(second, (25, 50, 75)), strict=True
    )
    if any(apart(float(a), float(b)) for a, b in quartiles):
        return False
    # One spike in a half moves its mean: winsorise both at the outer fence before comparing.
    fence = _fences(samples_ns, 3.0)[1]
    if apart(float(np.minimum(first, fence).mean()), float(np.minimum(second, fence).mean())):
        return False
    return not apart(median_absolute_deviation(first), median_absolute_deviation(second))


def needs_warmup(processes: Sequence[ProcessSummary], share: float = 0.1) -> bool:
    """Whether a longer warm-up is likely to help: too many processes were still becoming faster.

    That more than a tenth is unsteady is not enough, since noise makes processes unsteady too, but
    as often slower in their second half as faster. Both are asked beyond what chance explains.

    Source: exact binomial tests, Clopper & Pearson (1934), Biometrika 26; the second one is the
    sign test.

    Args:
        share: of unsteady processes that is accepted.
    """
    settling = sum(process.settling for process in processes)
    unsteady = sum(not process.steady for process in processes)
    if settling <= share * len(processes):
        return False
    by_chance = float(bdtrc(settling - 1, len(processes), share))
    either_way = float(bdtrc(settling - 1, unsteady, 0.5))
    return max(by_chance, either_way) < _CHANCE


def count_outliers(samples_ns: NDArray[np.int64]) -> tuple[int, int]:
    """How many samples are mild outliers, and how many extreme ones.

    Extreme ones lie more than three interquartile ranges from the quartiles, mild ones more than
    one and a half.

    Source: Tukey (1977), Exploratory data analysis: the inner and outer fences.
    """
    beyond = [
        int(np.sum((samples_ns < low) | (samples_ns > high)))
        for low, high in (_fences(samples_ns, 1.5), _fences(samples_ns, 3.0))
    ]
    return beyond[0] - beyond[1], beyond[1]


def summarize_latency(processes: Sequence[ProcessSummary], confidence: float) -> LatencySummary:
    """Boils the processes of one arm down; at least one is needed."""
    medians = t_interval([process.log_median for process in processes], confidence)
    return LatencySummary(
        median=math.exp(medians.mean),
        interval=exponentiate(medians),
        mean=math.exp(t_interval([process.log_mean for process in processes], confidence).mean),
        min=min(process.min_ns for process in processes),
        processes=len(processes),
        runs=sum(process.runs for process in processes),
    )


def exponentiate(interval: Interval) -> tuple[float, float]:
    """A log interval's ends as factors; an unbounded one becomes (0, inf)."""
    high = math.exp(interval.high) if interval.high < 700 else math.inf
    return math.exp(interval.low), high


def _fences(samples_ns: NDArray[np.int64], ranges: float) -> tuple[float, float]:
    low, high = np.percentile(samples_ns, (25, 75))
    reach = max(ranges * (high - low), _tick_ns(samples_ns))
    return float(low - reach), float(high + reach)


def _tick_ns(samples_ns: NDArray[np.int64]) -> float:
    """The least difference between samples, as far as it may be the clock's; 0 if all are equal.

    Where most samples are the same tick of a coarse clock, the quartiles are equal, and the next
    tick is no outlier.
    """
    steps = np.diff(np.unique(samples_ns))
    if not steps.size:
        return 0.0
    return min(float(steps.min()), _COARSEST_TICK * float(np.median(samples_ns)))
