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

from runner.analysis.pilot import PilotFindings, PilotProcess, study_pilot
from runner.analysis.statistics import blocks_for_half_width, t_interval
from runner.analysis.verdicts import Design, differences, is_precise
from runner.report.progress import Display, Task
from runner.spec.model import Measure
from runner.steps.ledger import Ledger, decode_samples, enter, read_ledger, valid_names
from runner.store.runs import Run
from runner.timing.experiment import (
    Block,
    Setup,
    Taken,
    Target,
    pilot_pass,
    run_block,
    timed_pass,
)
from runner.timing.host import read_conditions
from runner.timing.protocol import DELAYED, IDENTICAL, Arm
from runner.units import NS_PER_S

_PILOT_BLOCKS = 3
# A pass in which a process failed is redone this often before its arm is dropped.
_RETRIES = 1
# A block that was disturbed this often in a row means that the machine does not become quiet.
_MOST_ATTEMPTS = 5


@dataclass(frozen=True)
class Question:
    """What is to be timed.

    Attributes:
        arms: the variants that could be built, the baseline among them.
        baseline: the name of the one that the others are compared with.
        seed: of the schedule.
    """

    arms: Sequence[Arm]
    baseline: str
    measure: Measure
    seed: int

    @property
    def design(self) -> Design:
        """What the analysis needs to know of the question."""
        return Design(self.measure.effect, self.measure.confidence)


@dataclass(frozen=True)
class Experiment:
    """What came of it.

    Attributes:
        stopped: why no further block was run: `precise`, `time`, `blocks`, `disturbed` or `failed`.
    """

    ledger: Ledger
    arm_names: tuple[str, ...]
    delay_ns: int
    stopped: str


def number_arms(names: Sequence[str]) -> dict[str, int]:
    """Arm's name -> number of its samples' file: variants in the spec's order, then controls."""
    return {name: number for number, name in enumerate([*names, IDENTICAL, DELAYED])}


def measure(
    question: Question, numbers: Mapping[str, int], run: Run, target: Target, display: Display
) -> Experiment:
    """Runs or continues the experiment of a run's folder.

    Args:
        numbers: as `number_arms` gives them, for all variants of the spec.

    Raises:
        StageError: the pilot failed for the baseline, so that nothing can be compared.
    """
    ledger = read_ledger(run, numbers)
    task = display.task("timing")
    with run.scratch() as scratch:
        setup = Setup(
            warmup_runs=question.measure.warmup_runs,
            warmup_ns=round(question.measure.warmup_time_s * NS_PER_S),
            limits=question.measure.limits,
            scratch=scratch,
        )
        session = _Session(question, numbers, run, target, setup, ledger, task)
        findings = ledger.pilot or session.pilot()
        arms = _all_arms(question, findings, scratch)
        start = read_conditions()
        while not (stopped := _reason_to_stop(question, ledger, findings, session.in_vain)):
            session.let_settle()
            session.block(arms, findings, start)
    task.end(f"{ledger.block} blocks")
    return Experiment(ledger, tuple(arm.name for arm in arms), findings.delay_ns, stopped)


@dataclass
class _Session:
    """One stay in the experiment; tells the journal and the display what happens."""

    question: Question
    numbers: Mapping[str, int]
    run: Run
    target: Target
    setup: Setup
    ledger: Ledger
    task: Task
    total_s: float = 1.0
    in_vain: int = 0
    """Attempts in a row, during this stay, that were thrown away."""

    def pilot(self) -> PilotFindings:
        """Runs the pilot and fixes the experiment's parameters."""
        processes: list[PilotProcess] = []
        start = read_conditions()
        for index in range(_PILOT_BLOCKS):
            watcher = _PilotWatcher(self, index, processes)
            block = run_block(
                self.target,
                self.question.arms,
                self.setup,
                pilot_pass(index, self.question.seed),
                done=(),
                start=start,
                watcher=watcher,
            )
            if error := block.failed.get(self.question.baseline):
                raise error
        findings = study_pilot(processes, self.question.baseline, self.question.measure.effect)
        self.record("pilot", findings=findings.as_record())
        return findings

    def block(self, arms: Sequence[Arm], findings: PilotFindings, start: Any) -> None:
        """Runs one pass over the arms that still take part, and judges it."""
        taking_part = set(valid_names(self.ledger, [arm.name for arm in arms]))
        self.total_s = _expected_total_s(self.question, self.ledger)
        block = run_block(
            self.target,
            [arm for arm in arms if arm.name in taking_part],
            self.setup,
            timed_pass(
                self.ledger.block,
                self.ledger.attempt,
                self.question.seed,
                findings.runs,
                findings.slowest_s,
            ),
            done=self.ledger.open_arms.keys(),
            start=start,
            watcher=self,
        )
        self._judge(block)

    def let_settle(self) -> None:
        """After a disturbed attempt: waits, longer each time, for the machine to become quiet."""
        if self.in_vain:
            wait_s = 2.0**self.in_vain
            self.task.update(
                min(self.ledger.elapsed_s, self.total_s),
                self.total_s,
                f"disturbed; waiting {wait_s:.0f} s",
            )
            time.sleep(wait_s)
            self.record("waited", seconds=wait_s)

    def _judge(self, block: Block) -> None:
        reasons = list(block.reasons)
        dropped = {}
        if block.failed and block.attempt < _RETRIES:
            reasons.append("a process failed")
        elif block.failed:
            dropped = {name: error.as_record() for name, error in block.failed.items()}
        self.in_vain = self.in_vain + 1 if reasons else 0
        self.record(
            "block",
            index=block.index,
            attempt=block.attempt,
            reasons=reasons,
            failed={name: error.as_record() for name, error in block.failed.items()},
            dropped=dropped,
            elapsed_s=round(block.elapsed_s, 3),
        )

    def starting(self, arm: Arm) -> None:
        """Shows which process runs, before it does."""
        done = min(self.ledger.elapsed_s, self.total_s)
        self.task.update(done, self.total_s, f"block {self.ledger.block + 1}, {arm.label}")

    def taken(self, taken: Taken) -> None:
        """Puts a process's samples on the disk, then itself in the journal."""
        where = self.run.append_samples(self.numbers[taken.slot.arm.name], taken.samples)
        self.record(
            "process",
            block=taken.slot.block,
            attempt=taken.attempt,
            arm=taken.slot.arm.name,
            first=where.first,
            count=where.count,
            environment_padding=taken.slot.environment_padding,
            buffer_offset=taken.slot.buffer_offset,
            elapsed_s=round(taken.elapsed_s, 4),
            measurement=asdict(taken.measurement),
        )

    def record(self, event: str, **fields: Any) -> None:
        """Journals an event, then counts it."""
        self.run.journal.append(event, **fields)
        enter(self.ledger, {"event": event, **fields}, self.run, self.numbers)


@dataclass
class _PilotWatcher:
    session: _Session
    index: int
    processes: list[PilotProcess]

    def starting(self, arm: Arm) -> None:
        done = len(self.processes)
        total = _PILOT_BLOCKS * len(self.session.question.arms)
        self.session.task.update(done, total, f"pilot, {arm.label}")

    def taken(self, taken: Taken) -> None:
        samples = decode_samples(taken.samples.read_bytes())
        self.processes.append(
            PilotProcess(self.index, taken.slot.arm.name, samples, taken.elapsed_s)
        )
        self.session.record(
            "pilot_process",
            block=self.index,
            arm=taken.slot.arm.name,
            samples_ns=samples.tolist(),
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


def _reason_to_stop(
    question: Question, ledger: Ledger, findings: PilotFindings, in_vain: int
) -> str:
    """Why no further block is to run; empty to go on. Never depends on where an interval lies."""
    plan = question.measure
    if question.baseline in ledger.dropped:
        return "failed"
    if in_vain >= _MOST_ATTEMPTS:
        return "disturbed"
    if ledger.block >= plan.max_blocks:
        return "blocks"
    if is_precise(_compared(question, ledger), question.baseline, question.design, plan.min_blocks):
        return "precise"
    next_block_s = findings.block_s * (len(question.arms) + 2) / len(question.arms)
    if ledger.block >= 1 and ledger.elapsed_s + next_block_s > plan.max_time_s:
        return "time"
    return ""


def _compared(question: Question, ledger: Ledger) -> dict[str, dict[int, Any]]:
    names = valid_names(ledger, [arm.name for arm in question.arms])
    compared = {name: ledger.arms.get(name, {}) for name in names}
    if len(compared) == 1:
        # Nothing to compare: the controls alone tell how precise the experiment is.
        compared[DELAYED] = ledger.arms.get(DELAYED, {})
    return compared


def _expected_total_s(question: Question, ledger: Ledger) -> float:
    """Seconds that the whole experiment will likely take, from the spread seen so far."""
    plan = question.measure
    if ledger.block < 3:
        return plan.max_time_s
    compared = _compared(question, ledger)
    base = compared[question.baseline]
    needed = plan.min_blocks
    for name, arm in compared.items():
        if name != question.baseline:
            spread = t_interval(differences(arm, base), plan.confidence).deviation
            half_width = question.design.margin / 2
            needed = max(needed, blocks_for_half_width(spread, half_width, plan.confidence))
    per_block = ledger.elapsed_s / max(1, ledger.block)
    return max(1.0, min(plan.max_time_s, needed * per_block))
