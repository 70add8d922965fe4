"""Runs one block: every arm once, each in a fresh process, and says whether it was disturbed.

What to keep and when to stop is the caller's business.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from runner.errors import StageError
from runner.spec.measurement import Limits
from runner.timing.host import (
    Conditions,
    as_if_uninterrupted,
    disturbances,
    growth,
    load_of_others,
    read_conditions,
)
from runner.timing.job import Job
from runner.timing.protocol import Arm, Slot, schedule_block
from runner.timing.report import Measurement
from runner.timing.samples import as_clock_error, check_samples
from runner.units import NS_PER_S

_PILOT_RUNS = 300
_PILOT_BUDGET_NS = 300_000_000
_PILOT_TIMEOUT_S = 600.0
# A process that takes this much longer than the pilot's slowest is taken for hung.
_TIMEOUT_FACTOR = 20
_LEAST_TIMEOUT_S = 60.0
_LEAST_SUSTAINED_RUNS = 10
# Beyond the seeds of experiments, which have 32 bits.
_SUSTAINED_SEED = 1 << 33


class Target(Protocol):
    """What can run a job: this machine, or a board behind a wire."""

    def run(
        self, job: Job, *, arm: str, timeout_s: float, environment_padding: int = 0
    ) -> Measurement:
        """Runs the job to its end, or raises StageError."""


@dataclass(frozen=True)
class Setup:
    """What is the same for every process of an experiment.

    Attributes:
        warmup_runs: inferences before the first timed one, at the least.
        warmup_ns: the same in time.
        limits: when a block counts as disturbed.
        scratch: an existing folder for samples on their way.
    """

    warmup_runs: int
    warmup_ns: int
    limits: Limits
    scratch: Path


@dataclass(frozen=True)
class Taken:
    """One process's yield.

    Attributes:
        samples: the file where they wait; the next process writes over it.
        elapsed_s: from before the process was started until it had ended.
        grown: by how much counters grew since the attempt at the block began, as `host.growth`
            gives it; empty outside of blocks.
    """

    slot: Slot
    attempt: int
    samples: Path
    measurement: Measurement
    elapsed_s: float
    grown: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Block:
    """One pass over all arms, as it ended; what was taken went to `Watcher.taken` meanwhile.

    Attributes:
        attempt: how often this block was begun before.
        failed: arm's name -> why it did not run to its end.
        failed_s: what these processes took.
        after: the conditions when it had ended.
        others_cores: how many cores other programs kept busy meanwhile.
        reasons: why the whole block is to be redone; empty for a valid one.
    """

    index: int
    attempt: int
    failed: Mapping[str, StageError]
    failed_s: float
    reasons: tuple[str, ...]
    elapsed_s: float
    others_cores: float
    after: Conditions


@dataclass(frozen=True)
class Earlier:
    """An attempt at a block as it was when it was interrupted.

    Attributes:
        begun: the conditions when it began.
        grown: by how much counters had grown when its last process ended.
    """

    begun: Conditions
    grown: Mapping[str, float]


class Watcher(Protocol):
    """Who is told while a block runs, between processes and never during one."""

    def starting(self, arm: Arm) -> None:
        """A process of this arm is about to start."""

    def taken(self, taken: Taken) -> None:
        """A process ended well; its samples must be fetched before this returns."""


@dataclass(frozen=True)
class Pass:
    """Which block, and what its processes do.

    Attributes:
        index: the block's place in the experiment.
        attempt: 0, or how often it was redone.
        seed: of the whole schedule.
        runs: timed inferences of each process.
        budget_ns: fewer runs where they would take longer; 0 sets no limit.
        timeout_s: after which a process is taken for hung.
    """

    index: int
    attempt: int
    seed: int
    runs: int
    budget_ns: int
    timeout_s: float


def pilot_pass(index: int, attempt: int, seed: int, timeout_s: float | None = None) -> Pass:
    """A short block whose samples only tell what processes and runs cost and how they vary.

    Args:
        timeout_s: as the spec has it; None for the usual one.
    """
    timeout_s = timeout_s or _PILOT_TIMEOUT_S
    return Pass(index, attempt, ~seed, _PILOT_RUNS, _PILOT_BUDGET_NS, timeout_s)


def timed_pass(index: int, attempt: int, seed: int, runs: int, timeout_s: float) -> Pass:
    """A block of the experiment itself."""
    return Pass(index, attempt, seed, runs, 0, timeout_s)


def usual_timeout_s(slowest_s: float) -> float:
    """After how long a process is taken for hung, where the spec does not say.

    Args:
        slowest_s: what the slowest process is expected to take.
    """
    return max(_LEAST_TIMEOUT_S, _TIMEOUT_FACTOR * slowest_s)


def sustained_order(arms: Sequence[Arm], seed: int) -> Iterator[Slot]:
    """Every arm once, as in a block, but with a schedule of its own.

    Args:
        seed: of the experiment's schedule.
    """
    return schedule_block(arms, 0, 0, seed + _SUSTAINED_SEED)


def run_sustained(
    target: Target, slot: Slot, setup: Setup, seconds: float, timeout_s: float
) -> Taken:
    """Runs an arm back to back in a fresh process: without the pauses that blocks may have.

    Raises:
        StageError: it did not run to its end.
    """
    back_to_back = {
        "run_gap_ns": 0,
        "flush_caches": False,
        "min_run_time_ns": round(seconds * NS_PER_S),
    }
    options = {**dict(slot.arm.options), **back_to_back}
    slot = replace(slot, arm=replace(slot.arm, options=tuple(options.items())))
    return _take(target, slot, setup, Pass(0, 0, 0, _LEAST_SUSTAINED_RUNS, 0, timeout_s))


def run_block(
    target: Target,
    arms: Sequence[Arm],
    setup: Setup,
    this: Pass,
    *,
    done: Collection[str],
    reference: Conditions | None,
    watcher: Watcher,
    earlier: Earlier | None = None,
) -> Block:
    """Runs every arm once, in scheduled order, and judges the block as a whole.

    What happened while it was interrupted disturbed no process, and is not held against it.

    Args:
        done: arms that ran in this attempt before it was interrupted.
        reference: the conditions that temperatures are held against; None for those at the end.
        earlier: what is known of the attempt, if it began before an interruption.
    """
    before = read_conditions()
    if earlier:
        before = as_if_uninterrupted(earlier.begun, earlier.grown, before)
    failed, failed_s = {}, 0.0
    for slot in schedule_block(arms, this.index, this.attempt, this.seed):
        if slot.arm.name in done:
            continue
        watcher.starting(slot.arm)
        started = time.monotonic()
        try:
            taken = _take(target, slot, setup, this)
        except StageError as error:
            failed[slot.arm.name] = error
            failed_s += time.monotonic() - started
        else:
            grown = growth(before, read_conditions())
            watcher.taken(replace(taken, grown=grown))
    after = read_conditions()
    return Block(
        index=this.index,
        attempt=this.attempt,
        failed=failed,
        failed_s=failed_s,
        reasons=tuple(disturbances(reference or after, before, after, setup.limits)),
        elapsed_s=after.boottime_s - before.boottime_s,
        others_cores=load_of_others(before, after),
        after=after,
    )


def _take(target: Target, slot: Slot, setup: Setup, this: Pass) -> Taken:
    samples = setup.scratch / "samples"
    job = _job(slot, setup, this, samples)
    started = time.monotonic()
    try:
        measurement = target.run(
            job,
            arm=slot.arm.name,
            timeout_s=this.timeout_s,
            environment_padding=slot.environment_padding,
        )
    except StageError as error:
        raise as_clock_error(error) from error
    elapsed_s = time.monotonic() - started
    check_samples(samples, slot.arm.name)
    return Taken(slot, this.attempt, samples, measurement, elapsed_s)


def _job(slot: Slot, setup: Setup, this: Pass, samples: Path) -> Job:
    return Job(
        library=slot.arm.kind,
        path=slot.arm.library,
        model=slot.arm.model,
        input=slot.arm.input,
        samples=str(samples),
        delegate=slot.arm.delegate,
        threads=slot.arm.threads,
        buffer_offset=slot.buffer_offset,
        warmup_runs=setup.warmup_runs,
        warmup_ns=setup.warmup_ns,
        runs=this.runs,
        budget_ns=this.budget_ns,
        delay_ns=slot.arm.delay_ns,
        **dict(slot.arm.options),
    )
