"""A target that runs nothing: it writes samples as a machine would have taken them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runner.errors import StageError
from runner.timing.job import Job
from runner.timing.report import Measurement

Samples = NDArray[np.int64]


class FakeTarget:
    """Every process takes about a microsecond a run, with a spread of one percent.

    Args:
        change: arm and its process's number, from 1 -> what becomes of its samples; may raise.
    """

    def __init__(self, change: Callable[[str, int, Samples], Samples] | None = None) -> None:
        self.jobs: list[tuple[str, Job, float]] = []
        self._change = change
        self._generator = np.random.default_rng(5)
        self._numbers: dict[str, Iterator[int]] = {}

    def run(
        self, job: Job, *, arm: str, timeout_s: float, environment_padding: int = 0
    ) -> Measurement:
        """Writes the job's samples."""
        if len(self.jobs) < 100:
            self.jobs.append((arm, job, timeout_s))
        runs = job.runs if not job.budget_ns else min(job.runs, max(10, job.budget_ns // 1000))
        runs = max(runs, job.min_run_time_ns // 1000)
        samples = self._generator.normal(1000, 10, runs).astype(np.int64) + job.delay_ns
        number = next(self._numbers.setdefault(arm, itertools.count(1)))
        if self._change:
            samples = self._change(arm, number, samples)
        samples.astype("<i8").tofile(Path(job.samples))
        return measurement(samples)


def hang() -> StageError:
    """What a target raises of a process that gave no answer."""
    return StageError("gave no answer within 60 s and was ended", stage="time", kind="timeout")


def measurement(samples: Samples) -> Measurement:
    """What a process reports beside its samples, of which nothing here depends."""
    return Measurement(
        version="0",
        model_ns=1,
        interpreter_ns=1,
        allocate_ns=1,
        first_ns=1,
        warmup_runs=10,
        runs=len(samples),
        timed_ns=int(samples.sum()),
        peak_memory_bytes=1,
        cpu_ns=1,
        voluntary_switches=0,
        involuntary_switches=0,
        minor_faults=0,
        major_faults=0,
        clock="fake",
        clock_resolution_ns=1,
        clock_cost_ns=1,
        elapsed_ns=1,
    )
