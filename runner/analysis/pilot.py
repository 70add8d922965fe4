"""What a few short blocks tell about how to run the experiment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.analysis.forecast import MOST_RUNS
from runner.analysis.statistics import runs_per_process

LEAST_RUNS = 10
_BATCHES = 10


@dataclass(frozen=True)
class PilotProcess:
    """One process of the pilot.

    Attributes:
        samples_ns: shape (runs,), int64.
        timed_s: of its timed part, with what lies between runs: pauses, flushes, inputs.
        elapsed_s: of the whole process.
    """

    block: int
    arm: str
    samples_ns: NDArray[np.int64]
    timed_s: float
    elapsed_s: float

    @property
    def run_cost_s(self) -> float:
        """What one more run takes, with what comes before it."""
        return self.timed_s / self.samples_ns.size

    @property
    def process_cost_s(self) -> float:
        """What it takes beside its runs."""
        return max(0.0, self.elapsed_s - self.timed_s)


@dataclass(frozen=True)
class PilotFindings:
    """The experiment's parameters, fixed from here on, and where they come from.

    Attributes:
        runs: timed inferences of each process.
        delay_ns: of the delayed control.
        process_cost_s: of a process beside its timed runs, averaged over arms.
        run_cost_s: of a run and what comes before it, averaged over arms.
        deviation_within: root of `variance_within`, averaged over processes.
        deviation_between: of the processes' own levels within a block.
        block_s: expected time of a block, controls included.
        slowest_s: expected time of the slowest process.
    """

    runs: int
    delay_ns: int
    process_cost_s: float
    run_cost_s: float
    deviation_within: float
    deviation_between: float
    block_s: float
    slowest_s: float

    def as_record(self) -> dict[str, Any]:
        """The findings as the journal holds them."""
        return asdict(self)


def study_pilot(
    processes: Sequence[PilotProcess], *, baseline: str, effect: float, longest_block_s: float
) -> PilotFindings:
    """Chooses the runs of each process and the delay of the positive control.

    A block costs the sum of its processes, and its arms' variances add up, so the cost-optimal
    number of runs that all arms share comes from averages over arms.

    Args:
        processes: every arm in every block of the pilot, at least one block.
        effect: the effect of interest, as a share.
        longest_block_s: a block, controls included, is to take no longer, if 10 runs allow it.
    """
    logs = [np.log(process.samples_ns.astype(np.float64)) for process in processes]
    process_cost_s = float(np.mean([process.process_cost_s for process in processes]))
    run_cost_s = float(np.mean([process.run_cost_s for process in processes]))
    within = float(np.mean([variance_within(log) for log in logs]))
    medians = {
        (process.block, process.arm): float(np.median(log))
        for process, log in zip(processes, logs, strict=True)
    }
    explained = within * float(np.mean([1 / log.size for log in logs]))
    between = max(0.0, _residual_variance(medians) - explained)
    optimum = runs_per_process(
        process_cost=process_cost_s,
        run_cost=run_cost_s,
        variance_within=within,
        variance_between=between,
        least=LEAST_RUNS,
        most=MOST_RUNS,
    )
    fixed_s, per_run_s = _block_costs(processes, baseline)
    affordable = max(LEAST_RUNS, int((longest_block_s - fixed_s) / per_run_s))
    runs = min(optimum, affordable)
    base = [value for (_, arm), value in medians.items() if arm == baseline]
    return PilotFindings(
        runs=runs,
        delay_ns=max(1, round(effect * math.exp(float(np.mean(base))))),
        process_cost_s=process_cost_s,
        run_cost_s=run_cost_s,
        deviation_within=math.sqrt(within),
        deviation_between=math.sqrt(between),
        block_s=fixed_s + runs * per_run_s,
        slowest_s=max(process.process_cost_s + runs * process.run_cost_s for process in processes),
    )


def _block_costs(processes: Sequence[PilotProcess], baseline: str) -> tuple[float, float]:
    """Seconds of a block beside its timed runs, and for one run of every arm.

    The two controls cost what the baseline does.
    """
    costs: dict[str, list[tuple[float, float]]] = {}
    for process in processes:
        costs.setdefault(process.arm, []).append((process.process_cost_s, process.run_cost_s))
    averages = {arm: np.mean(values, axis=0) for arm, values in costs.items()}
    total = sum(averages.values()) + 2 * averages[baseline]
    return float(total[0]), float(total[1])


def variance_within(log: NDArray[np.float64]) -> float:
    """The variance of one run that the median of m runs, divided by m, has.

    Runs that follow each other are not independent: a disturbance of a millisecond hits dozens of
    them. So the spread of the medians of consecutive batches is taken, times the batch's length,
    which also holds what a median loses against a mean.

    Source: the method of batch means, Conway (1963), Some tactical problems in digital simulation,
    Management Science 10.

    Args:
        log: shape (runs,), logs of latencies in the order they were taken.
    """
    length = max(1, log.size // _BATCHES)
    batches = log[: length * (log.size // length)].reshape(-1, length)
    return float(np.median(batches, axis=1).var(ddof=1)) * length if len(batches) > 1 else 0.0


def _residual_variance(medians: dict[tuple[int, str], float]) -> float:
    """Variance that is left when each block's and each arm's own level is taken out.

    Source: two-way layout without replication, Scheffe (1959), The analysis of variance, chapter 4.

    With one arm or one block there is nothing to pair, and the plain variance is returned; a pilot
    of a single process knows nothing, which reads as 0.
    """
    blocks = sorted({block for block, _ in medians})
    arms = sorted({arm for _, arm in medians})
    full = np.array([[medians.get((b, a), math.nan) for a in arms] for b in blocks])
    whole = full[:, ~np.isnan(full).any(axis=0)]
    rows, columns = whole.shape
    if rows > 1 and columns > 1:
        residual = (
            whole - whole.mean(0, keepdims=True) - whole.mean(1, keepdims=True) + whole.mean()
        )
        return float((residual**2).sum() / ((rows - 1) * (columns - 1)))
    return float(whole.var(ddof=1)) if whole.size > 1 else 0.0
