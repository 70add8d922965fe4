"""Times what was built: a pilot, then blocks until they are precise or the budget is spent.

Every process is in the journal, with its samples on the disk, before the next one starts; going on
after an interruption is reading the journal and doing what is not in it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from runner.analysis.pilot import PilotFindings, study_pilot
from runner.analysis.summaries import needs_warmup
from runner.errors import StageError
from runner.report.progress import Display, Task
from runner.steps.ledger import Ledger, decode_samples, enter, read_ledger
from runner.steps.question import Question
from runner.steps.stopping import expected_total_s, reason_to_stop
from runner.steps.sustaining import Sustaining
from runner.store.runs import Run
from runner.timing.experiment import (
    Block,
    Setup,
    Taken,
    Target,
    pilot_pass,
    run_block,
    timed_pass,
    usual_timeout_s,
)
from runner.timing.host import read_conditions
from runner.timing.protocol import DELAYED, IDENTICAL, Arm
from runner.units import NS_PER_S

_PILOT_BLOCKS = 3
# Blocks after which the warm-up may be found too short, and the most that it is lengthened to.
_SETTLED_BY = 5
_LONGEST_WARMUP = 8
_LONGEST_WAIT_S = 60.0
# Why a block is done again, by the kind of a process's error.
_FAULTS = {"clock": "a clock that did not advance", "timeout": "a process hung"}
# How an experiment ends that has something to say.
_DONE = ("precise", "time", "blocks")
# Conditions can't be compared across a restart of the machine.
_RESTARTED = "interrupted by a restart"


@dataclass(frozen=True)
class Experiment:
    """What came of it.

    Attributes:
        delay_ns: of the delayed control; 0 if there was no pilot to fix it.
        stopped: why no further block was run: `precise`, `time`, `blocks`, `disturbed` or `failed`.
    """

    ledger: Ledger
    delay_ns: int
    stopped: str


def measure(question: Question, run: Run, target: Target, display: Display) -> Experiment:
    """Runs or continues the experiment of a run's folder."""
    ledger = read_ledger(run)
    with run.scratch() as scratch:
        stay = _Stay(question, run, target, scratch, ledger)
        findings = ledger.pilot or stay.run_pilot(display.task("pilot"))
        if findings is None:
            return Experiment(ledger, 0, "failed")
        arms = _all_arms(question, findings, scratch)
        stopped = stay.run_blocks(arms, findings, display.task("timing"))
        if question.measure.sustained_s and stopped in _DONE:
            stay.sustain(findings, display.task("sustained load"))
    return Experiment(ledger, findings.delay_ns, stopped)


@dataclass
class _Stay:
    """One stay in the experiment, from a start of the command to its end."""

    question: Question
    run: Run
    target: Target
    scratch: Path
    ledger: Ledger

    @property
    def setup(self) -> Setup:
        """How every process runs, with the warm-up that is in force."""
        plan, factor = self.question.measure, self.ledger.warmup_factor
        return Setup(
            warmup_runs=plan.warmup_runs * factor,
            warmup_ns=round(plan.warmup_time_s * factor * NS_PER_S),
            limits=plan.limits,
            scratch=self.scratch,
        )

    def run_pilot(self, task: Task) -> PilotFindings | None:
        """Fixes the experiment's parameters; None if the baseline can't be run."""
        question, ledger = self.question, self.ledger
        start = read_conditions()
        for index in range(_PILOT_BLOCKS):
            watcher = _PilotWatcher(self, index, task)
            for _ in range(1 + question.measure.retries):
                done = {arm for block, arm in ledger.pilot_processes if block == index}
                missing = ledger.taking_part(question.arms)
                if {arm.name for arm in missing} <= done:
                    break
                this = pilot_pass(index, question.seed, question.measure.process_timeout_s)
                block = run_block(
                    self.target, missing, self.setup, this, done=done, start=start, watcher=watcher
                )
                self._note_failures(block.failed)
            if question.baseline in ledger.dropped:
                task.end("the baseline failed")
                return None
        findings = study_pilot(
            ledger.pilot_sample(),
            baseline=question.baseline,
            effect=question.measure.effect,
            longest_block_s=question.measure.max_time_s / question.measure.min_blocks,
        )
        self.record("pilot", findings=findings.as_record(), conditions=asdict(read_conditions()))
        task.end(f"{findings.runs} runs a process")
        return findings

    def run_blocks(self, arms: Sequence[Arm], findings: PilotFindings, task: Task) -> str:
        """Runs blocks until there is a reason to stop, and returns it."""
        in_vain = 0
        while not (stopped := reason_to_stop(self.question, self.ledger, findings, in_vain)):
            if in_vain:
                self._wait(in_vain, task)
            in_vain = 0 if self._run_block(arms, findings, task) else in_vain + 1
            self._lengthen_warmup()
        task.end(f"{self.ledger.blocks_done} blocks")
        return stopped

    def sustain(self, findings: PilotFindings, task: Task) -> None:
        """Runs each variant back to back, for as long as the spec asks."""
        part = Sustaining(self.question, self.setup, self.target, self.run, self.record)
        part.go(self.ledger, findings.slowest_s, task)

    def _lengthen_warmup(self) -> None:
        """Starts over with a longer warm-up where too many processes were still settling.

        It is decided early, on processes of all arms together, never by what they compare to; and
        only where there is time left for a whole experiment.
        """
        ledger, plan = self.ledger, self.question.measure
        is_time = _SETTLED_BY <= ledger.blocks_done <= plan.min_blocks
        if ledger.open_arms or not is_time or ledger.warmup_factor >= _LONGEST_WARMUP:
            return
        left_s = plan.max_time_s - ledger.elapsed_s
        if left_s < plan.min_blocks * ledger.elapsed_s / ledger.block:
            return
        processes = ledger.processes()
        if needs_warmup(processes):
            self.record(
                "warmup_lengthened",
                factor=2 * ledger.warmup_factor,
                settling=sum(process.settling for process in processes),
                processes=len(processes),
            )

    def _run_block(self, arms: Sequence[Arm], findings: PilotFindings, task: Task) -> bool:
        """Runs one pass over the arms that still take part; False if it was in vain."""
        ledger = self.ledger
        now = read_conditions()
        if ledger.begun and ledger.begun.boot_id != now.boot_id:
            self._close(ledger.attempt, [_RESTARTED], 0.0)
            return True
        if ledger.begun is None:
            self.record("block_begun", conditions=asdict(now))
        block = run_block(
            self.target,
            ledger.taking_part(arms),
            self.setup,
            timed_pass(
                ledger.block,
                ledger.attempt,
                self.question.seed,
                findings.runs,
                self.question.measure.process_timeout_s or usual_timeout_s(findings.slowest_s),
            ),
            done=ledger.open_arms.keys(),
            start=ledger.start or now,
            watcher=_BlockWatcher(self, task, expected_total_s(self.question, ledger)),
            before=ledger.begun,
        )
        return self._judge(block)

    def _judge(self, block: Block) -> bool:
        reasons = list(block.reasons)
        if not reasons:
            # A disturbed machine may be what made a process fail: that is not held against an arm.
            self._note_failures(block.failed)
            failed = [e for name, e in block.failed.items() if name not in self.ledger.dropped]
            reasons += dict.fromkeys(_FAULTS.get(e.kind, "a process failed") for e in failed)
        self._close(block.attempt, reasons, block.elapsed_s)
        return not block.reasons

    def _close(self, attempt: int, reasons: list[str], elapsed_s: float) -> None:
        self.record(
            "block",
            index=self.ledger.block,
            attempt=attempt,
            reasons=reasons,
            elapsed_s=round(elapsed_s, 3),
        )

    def _note_failures(self, failed: Mapping[str, StageError]) -> None:
        for name, error in failed.items():
            self.record("failed", arm=name, error=error.as_record())
            if self.ledger.failures[name] > self.question.measure.retries:
                self.record("dropped", arm=name, error=error.as_record())

    def _wait(self, in_vain: int, task: Task) -> None:
        """After a disturbed attempt: waits, longer each time, for the machine to become quiet."""
        total_s = self.question.measure.max_time_s
        left_s = max(0.0, total_s - self.ledger.elapsed_s)
        wait_s = min(_LONGEST_WAIT_S, 2.0**in_vain, left_s)
        done_s = min(self.ledger.elapsed_s, total_s)
        task.update(done_s, total_s, f"disturbed; waiting {wait_s:.0f} s")
        time.sleep(wait_s)
        self.record("waited", seconds=wait_s)

    def record(self, event: str, **fields: Any) -> None:
        """Journals an event, then counts it."""
        self.run.journal.append(event, **fields)
        enter(self.ledger, {"event": event, **fields}, self.run)


@dataclass
class _PilotWatcher:
    stay: _Stay
    index: int
    task: Task

    def starting(self, arm: Arm) -> None:
        done = len(self.stay.ledger.pilot_processes)
        self.task.update(done, _PILOT_BLOCKS * len(self.stay.question.arms), arm.label)

    def taken(self, taken: Taken) -> None:
        self.stay.record(
            "pilot_process",
            block=self.index,
            arm=taken.slot.arm.name,
            samples_ns=decode_samples(taken.samples.read_bytes()).tolist(),
            elapsed_s=round(taken.elapsed_s, 4),
            measurement=asdict(taken.measurement),
        )


@dataclass
class _BlockWatcher:
    stay: _Stay
    task: Task
    total_s: float

    def starting(self, arm: Arm) -> None:
        ledger = self.stay.ledger
        done_s = min(ledger.elapsed_s, self.total_s)
        self.task.update(done_s, self.total_s, f"block {ledger.block + 1}, {arm.label}")

    def taken(self, taken: Taken) -> None:
        """Puts a process's samples on the disk, then itself in the journal."""
        where = self.stay.run.append_samples(taken.slot.arm.name, taken.samples)
        self.stay.record(
            "process",
            block=taken.slot.block,
            attempt=taken.attempt,
            arm=taken.slot.arm.name,
            file=where.file,
            first=where.first,
            count=where.count,
            environment_padding=taken.slot.environment_padding,
            buffer_offset=taken.slot.buffer_offset,
            elapsed_s=round(taken.elapsed_s, 4),
            measurement=asdict(taken.measurement),
        )


def _all_arms(question: Question, findings: PilotFindings, scratch: Path) -> list[Arm]:
    """The variants and the two controls, which are made of the baseline."""
    base = next(arm for arm in question.arms if arm.name == question.baseline)
    copy = scratch / "identical.tflite"
    shutil.copyfile(base.model, copy)
    identical = replace(base, name=IDENTICAL, label="identical control", model=str(copy))
    delayed = replace(base, name=DELAYED, label="delayed control", delay_ns=findings.delay_ns)
    return [*question.arms, identical, delayed]
