"""How long it takes to know a ratio to one percent: blocks of pairs, or one model after the other.

The other design is pyperf's: of each model at least twenty processes, each with one value to warm
up and three that count, every value a tenth of a second; first all of one model, then all of the
other, and more of both until the interval of the difference of their means is as narrow.
"""

from __future__ import annotations

import io
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from scipy.special import stdtrit

from benchmarks.paired import job_of, plan_of, question_of
from runner.report.progress import LineDisplay
from runner.steps.measuring import measure
from runner.store.runs import RunStore
from runner.timing.job import Job
from runner.timing.protocol import DELAYED, IDENTICAL
from runner.timing.targets.local import LocalTarget
from runner.units import NS_PER_S

HALF_WIDTH = 0.01
LONGEST_S = 180.0
_VALUE_S = 0.1
_VALUES = 3
_PROCESSES = 20


@dataclass(frozen=True)
class Spent:
    """What a design took.

    Attributes:
        half_width: of the 95 % interval of the ratio, as a share, that it ended with.
        processes: of both models, and of controls where there are any.
    """

    seconds: float
    half_width: float
    processes: int


def by_blocks(folder: Path, model: Path) -> Spent:
    """Retime with all that belongs to it: pilot, both controls, the usual fewest blocks."""
    plan = replace(plan_of(LONGEST_S), min_blocks=20, warmup_time_s=0.2, effect=2 * HALF_WIDTH)
    question = question_of(model, 0, plan, seed=1)
    names = [*(arm.name for arm in question.arms), IDENTICAL, DELAYED]
    run = RunStore(folder, "efficiency").create("ef" * 32, {"arms": names, "schedule_seed": 1})
    display = LineDisplay(Console(file=io.StringIO()))
    started = time.monotonic()
    ledger = measure(question, run, LocalTarget(folder / "log"), display).ledger
    seconds = time.monotonic() - started
    base, other = ledger.arms["base"], ledger.arms["other"]
    shared = base.keys() & other.keys()
    pairs = np.array([other[b].log_median - base[b].log_median for b in shared])
    quantile = float(stdtrit(pairs.size - 1, 0.975))
    half = quantile * float(pairs.std(ddof=1)) / math.sqrt(pairs.size)
    return Spent(seconds, half, sum(map(len, ledger.arms.values())))


def one_after_the_other(folder: Path, model: Path) -> Spent:
    """All processes of one model, then all of the other; twenty more of both while it is wide."""
    job = replace(
        job_of(model, folder / "values"),
        warmup_ns=round(_VALUE_S * NS_PER_S),
        runs=1_000_000,
        budget_ns=round(_VALUES * _VALUE_S * NS_PER_S),
    )
    means: tuple[list[float], list[float]] = ([], [])
    started = time.monotonic()
    half = math.inf
    while half > HALF_WIDTH and time.monotonic() - started < LONGEST_S:
        for of_one in means:
            of_one += [_log_mean(job, folder) for _ in range(_PROCESSES)]
        errors = [np.var(of_one, ddof=1) / len(of_one) for of_one in means]
        # Welch's degrees of freedom.
        freedom = sum(errors) ** 2 / sum(e**2 / (len(means[0]) - 1) for e in errors)
        half = float(stdtrit(freedom, 0.975)) * math.sqrt(sum(errors))
    return Spent(time.monotonic() - started, half, sum(map(len, means)))


def _log_mean(job: Job, folder: Path) -> float:
    LocalTarget(folder / "log").run(job, arm="one", timeout_s=60.0)
    return math.log(float(np.fromfile(job.samples, dtype="<i8").mean()))
