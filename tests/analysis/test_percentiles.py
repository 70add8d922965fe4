"""Percentiles are told of sections with runs enough, and their intervals hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from runner.analysis.percentiles import Percentiles, Section, runs_needed
from runner.analysis.summaries import exponentiate

pytestmark = pytest.mark.fast


def section_of(percentile: int, processes: list[NDArray[np.int64]]) -> Section:
    section = Section(percentile)
    for samples in processes:
        section.add(samples)
    return section


def test_ten_runs_lie_beyond_each_percentile() -> None:
    assert [runs_needed(percentile) for percentile in (90, 95, 99)] == [100, 200, 1000]


def test_a_process_with_runs_enough_is_a_section_of_its_own() -> None:
    processes = [np.arange(1, 102) * level for level in (1000, 2000)]
    found = section_of(90, processes).interval(0.95)
    assert found is not None
    assert math.exp(found.mean) == pytest.approx(91_000 * math.sqrt(2))
    assert found.count == 2


def test_processes_with_few_runs_are_joined_and_what_is_left_over_is_no_section() -> None:
    processes = [np.arange(40 * part + 1, 40 * part + 41) for part in range(4)]
    section = section_of(90, processes)
    # Three processes have the 120 runs from 1 to 120; the fourth waits for more.
    assert section.logs == [pytest.approx(math.log(1 + 0.9 * 119))]
    assert len(section.open) == 40


def test_too_few_runs_tell_no_percentile() -> None:
    arm = Percentiles()
    arm.add(np.full(150, 1000))
    told = {tail: section.interval(0.95) is not None for tail, section in arm.sections.items()}
    assert told == {90: True, 95: False, 99: False}


@pytest.mark.parametrize("runs", [10, 50, 300])
def test_a_tail_is_found_however_few_runs_a_process_has(runs: int) -> None:
    """Two in a hundred runs take twice as long: the 99th percentile is twice the median.

    The percentile of each process by itself, averaged, would be 1.15 with ten runs.
    """
    generator = np.random.default_rng(runs)
    held, means = 0, []
    for _ in range(40):
        processes = [
            np.where(generator.random(runs) < 0.02, 2_000_000, 1_000_000)
            + generator.normal(0, 5000, runs).astype(np.int64)
            for _ in range(20_000 // runs)
        ]
        found = section_of(99, processes).interval(0.95)
        assert found is not None
        means.append(found.mean)
        low, high = exponentiate(found)
        held += low <= 2e6 <= high * 1.005
    assert math.exp(np.mean(means)) == pytest.approx(2e6, rel=0.02)
    assert held >= 34
