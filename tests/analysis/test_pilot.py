"""What the pilot saw decides the runs of a process, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from runner.analysis.pilot import PilotProcess, study_pilot, variance_within

pytestmark = pytest.mark.fast

RUNS = 100


def samples(level_ns: float, spread: float, seed: int) -> NDArray[np.int64]:
    noise = np.random.default_rng(seed).normal(0, spread, RUNS)
    return np.round(level_ns * np.exp(noise)).astype(np.int64)


def process(block: int, arm: str, level_ns: float, *, gap_s: float = 0.0) -> PilotProcess:
    taken = samples(level_ns, 0.05, seed=10 * block + len(arm))
    timed_s = float(taken.sum()) / 1e9 + RUNS * gap_s
    return PilotProcess(block, arm, taken, timed_s, elapsed_s=0.3 + timed_s)


# Levels move with the block and the arm, and by 2 % either way beside that.
LEVELS = {
    (0, "base"): 1e6 * 1.02,
    (0, "other"): 2e6 / 1.02,
    (1, "base"): 3e6 / 1.02,
    (1, "other"): 6e6 * 1.02,
}


def test_costs_are_what_processes_and_runs_take() -> None:
    found = study_pilot(
        [process(block, arm, level) for (block, arm), level in LEVELS.items()],
        baseline="base",
        effect=0.02,
        longest_block_s=1e9,
    )
    assert found.process_cost_s == pytest.approx(0.3)
    assert found.run_cost_s == pytest.approx(3e-3, rel=0.02)
    # Two arms and the two controls, which cost what the baseline does: 2 ms and 4 ms a run.
    assert found.block_s == pytest.approx(4 * 0.3 + found.runs * (3 * 2e-3 + 4e-3), rel=0.02)
    assert found.slowest_s == pytest.approx(0.3 + found.runs * 6.12e-3, rel=0.02)
    assert found.delay_ns == pytest.approx(0.02 * 1e6 * math.sqrt(3), rel=0.02)


def test_levels_of_blocks_and_arms_are_no_spread_between_processes() -> None:
    """What is left in two blocks of two arms are residuals of log 1.02 with one degree of freedom.

    Residuals are +-log(1.02); their squares add up to 4 log(1.02)^2.
    """
    found = study_pilot(
        [process(block, arm, level) for (block, arm), level in LEVELS.items()],
        baseline="base",
        effect=0.02,
        longest_block_s=1e9,
    )
    assert found.deviation_between == pytest.approx(2 * math.log(1.02), rel=0.25)
    within = found.deviation_within**2
    optimum = math.sqrt(found.process_cost_s / found.run_cost_s * within) / found.deviation_between
    assert found.runs == max(10, math.ceil(optimum))


def test_the_pauses_between_runs_are_costs_of_runs_and_not_of_processes() -> None:
    processes = [process(block, arm, level, gap_s=0.1) for (block, arm), level in LEVELS.items()]
    found = study_pilot(processes, baseline="base", effect=0.02, longest_block_s=1e9)
    assert found.process_cost_s == pytest.approx(0.3)
    assert found.run_cost_s == pytest.approx(0.103, rel=0.02)
    assert found.slowest_s == pytest.approx(0.3 + found.runs * 0.106, rel=0.02)


def test_one_process_knows_no_spread_between_processes_and_runs_for_as_long_as_it_costs() -> None:
    alone = [process(0, "base", 1e6)]
    found = study_pilot(alone, baseline="base", effect=0.02, longest_block_s=1e9)
    assert (found.deviation_between, found.runs) == (0.0, math.ceil(0.3 / found.run_cost_s))


def test_a_block_is_no_longer_than_it_may_be() -> None:
    """Three processes, the baseline and its controls, of 0.3 s and some runs of 101 ms each."""
    alone = [process(0, "base", 1e6, gap_s=0.1)]
    found = study_pilot(alone, baseline="base", effect=0.02, longest_block_s=1e9)
    assert found.runs == 10
    slow = [PilotProcess(0, "base", one.samples_ns, one.timed_s, 30 + one.timed_s) for one in alone]
    assert study_pilot(slow, baseline="base", effect=0.02, longest_block_s=1e9).runs == 298
    brief = study_pilot(slow, baseline="base", effect=0.02, longest_block_s=96.0)
    assert brief.runs == int(6.0 / (3 * 0.101)) == 19
    assert brief.block_s <= 96.0


def test_runs_that_resemble_their_neighbours_count_as_fewer() -> None:
    """Twenty runs at one level and twenty at another: batches of four keep all of the spread.

    Ten batch medians, half of them 0 and half 1, have a variance of 10/9 * 1/4; times four runs.
    """
    log = np.repeat([0.0, 1.0], 20)
    assert variance_within(log) == pytest.approx(4 * 10 / 9 / 4)
    assert variance_within(np.array([1.0])) == 0.0
