"""What is kept of a process and of an arm."""

import math

import numpy as np
import pytest

from runner.analysis.summaries import (
    ProcessSummary,
    count_outliers,
    is_steady,
    needs_warmup,
    summarize_latency,
    summarize_process,
)

pytestmark = pytest.mark.fast


def summarize(samples: object, block: int = 0) -> ProcessSummary:
    return summarize_process(
        np.asarray(samples, dtype=np.int64),
        block=block,
        initialization_ns=1,
        first_inference_ns=2,
        peak_memory_bytes=3,
    )


def test_a_process_is_summed_up_by_the_logs_of_its_median_and_percentiles() -> None:
    summary = summarize(np.arange(1, 102))
    assert summary.log_median == pytest.approx(math.log(51))
    assert summary.log_p90 == pytest.approx(math.log(91))
    assert (summary.min_ns, summary.runs) == (1, 101)


@pytest.mark.parametrize("samples", [[], [5, 0, 5], [5, -1, 5]])
def test_missing_zero_and_negative_samples_are_refused(samples: list[int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        summarize(samples)


def test_even_samples_are_steady_and_a_falling_first_half_is_not() -> None:
    generator = np.random.default_rng(3)
    even = generator.normal(1e6, 1e4, 400).astype(np.int64)
    falling = even.copy()
    falling[:200] += np.linspace(6e5, 0, 200).astype(np.int64)
    assert is_steady(even)
    assert not is_steady(falling)


EVEN = [60, 80, 100, 120, 140] * 8


@pytest.mark.parametrize(
    ("what", "second", "steady"),
    [
        ("all as before", EVEN, True),
        ("a quartile by a tenth of the median", [60, 90, 100, 130, 140] * 8, True),
        ("a quartile by more than that", [60, 80, 100, 131, 140] * 8, False),
        # A fifth of the runs move far: the quartiles are still 80 and 120, the mean is 120.
        ("the mean", [60, 80, 100, 120, 120, 60, 80, 100, 240, 240] * 4, False),
    ],
)
def test_the_halves_of_a_process_are_held_against_each_other_figure_by_figure(
    what: str, second: list[int], steady: object
) -> None:
    assert is_steady(np.array(EVEN + second) * 1000) is steady, what


def settled(settling: int, slowing: int, processes: int) -> list[ProcessSummary]:
    """Processes of which some become faster while they are timed, and some slower."""
    even = np.full(40, 1000)
    falling = np.concatenate([np.full(20, 2000), np.full(20, 1000)])
    kinds = [falling] * settling + [falling[::-1]] * slowing
    kinds += [even] * (processes - len(kinds))
    figures = {"initialization_ns": 1, "first_inference_ns": 1, "peak_memory_bytes": 1}
    return [summarize_process(kind, block=0, **figures) for kind in kinds]


def test_a_tenth_of_settling_processes_is_accepted_and_chance_is_allowed_for() -> None:
    # Of 40 processes with a share of a tenth, 10 or more settle in 0.5 % of all cases.
    assert not needs_warmup(settled(4, 0, 40))
    assert not needs_warmup(settled(9, 0, 40))
    assert needs_warmup(settled(10, 0, 40))


def test_noise_that_slows_as_often_as_it_speeds_up_is_no_lack_of_warm_up() -> None:
    assert not needs_warmup(settled(12, 12, 40))
    assert not needs_warmup(settled(0, 20, 40))
    assert needs_warmup(settled(20, 3, 40))


def test_one_spike_does_not_make_a_process_unsteady_and_is_counted() -> None:
    samples = np.random.default_rng(4).normal(1e6, 1e4, 400).astype(np.int64)
    samples[7] = 10**9
    assert is_steady(samples)
    assert count_outliers(samples)[1] == 1


def test_outliers_are_told_apart_by_tukeys_fences() -> None:
    # Quartiles 3.5 and 8.5: the inner fences are -4 and 16, the outer ones -11.5 and 23.5.
    samples = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 24])
    assert np.percentile(samples, (25, 75)).tolist() == [3.5, 8.5]
    assert count_outliers(samples) == (1, 1)


@pytest.mark.parametrize(
    ("samples", "beyond"),
    [
        ([20_000] * 80 + [21_000] * 20, 0),
        ([20_000] * 80 + [21_000] * 18 + [22_000] * 2, 2),
        ([20_000] * 99 + [80_000], 1),
        ([20_000] * 100, 0),
    ],
)
def test_the_next_tick_of_a_coarse_clock_is_no_outlier(samples: list[int], beyond: int) -> None:
    assert sum(count_outliers(np.array(samples))) == beyond


def test_an_arm_is_summed_up_over_processes_not_over_pooled_runs() -> None:
    # Two processes at different levels: pooled, a thousand runs would pretend to know the median.
    processes = [summarize([1000] * 500), summarize([2000] * 500, block=1)]
    latency = summarize_latency(processes, 0.95)
    assert latency.median == pytest.approx(math.sqrt(2) * 1000)
    low, high = latency.interval
    assert low < 1000
    assert high > 2000
    assert (latency.processes, latency.runs) == (2, 1000)
