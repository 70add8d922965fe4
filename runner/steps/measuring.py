"""Times what was built: a pilot, then blocks until they are precise or the budget is spent.

Every process is in the journal, with its samples on the disk, before the next one starts; going on
after an interruption is reading the journal and doing what is not in it.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from runner.analysis.pilot import PilotFindings
from runner.analysis.precision import Precision
from runner.analysis.summaries import needs_warmup
from runner.interrupts import finishing
from runner.report.progress import Display, Task
from runner.steps.deadline import NEVER, Deadline
from runner.steps.ledger import Ledger, read_ledger
from runner.steps.piloting import run_pilot
from runner.steps.question import Question
from runner.steps.staying import Stay
from runner.steps.stopping import expected_total_s, is_room, reason_to_stop
from runner.steps.sustaining import Sustaining
from runner.store.runs import Run
from runner.timing.experiment import Taken, Target, run_block, timed_pass, usual_timeout_s
from runner.timing.host import TEMPERATURE, read_conditions
from runner.timing.protocol import DELAYED, IDENTICAL, Arm

# Blocks after which the warm-up may be found too short, and the most that it is lengthened to.
_SETTLED_BY = 5
_LONGEST_WARMUP = 8
# Why a block is done again, by the kind of a process's error.
_FAULTS = {
    "clock": "a clock that did not advance",
    "timeout": "a process hung",
    "killed": "a process was killed",
    "unavailable": "the system had no process to give",
}
# How an experiment ends that has something to say.
_DONE = ("precise", "time", "blocks")


@dataclass(frozen=True)
class Experiment:
    """What came of it.

    Attributes:
        delay_ns: of the delayed control; 0 if there was no pilot to fix it.
        stopped: why no further block was run: `precise`, `time`, `blocks`, `disturbed`, `failed` or
            `deadline`, which was set from outside.
    """

    ledger: Ledger
    delay_ns: int
    stopped: str


def measure(
    question: Question,
    run: Run,
    target: Target,
    display: Display,
    deadline: Deadline = NEVER,
) -> Experiment:
    """Runs or continues the experiment of a run's folder.

    Raises:
        OutOfTimeError: the deadline came before there was a block to show.
    """
    ledger = read_ledger(run)
    with run.scratch() as scratch:
        stay = Stay(question, run, target, scratch, ledger, display, deadline)
        if is_room(question, ledger, ledger.pilot, deadline):
            stay.readmit()
        while True:
            # Anew where a longer warm-up changes what processes cost and how fast they are.
            findings = ledger.pilot or run_pilot(stay, display.task("pilot"))
            if isinstance(findings, str):
                return Experiment(ledger, 0, findings)
            blocks = _Blocks(stay, _all_arms(question, findings, scratch), findings)
            if stopped := blocks.run(display.task("timing")):
                break
        if question.measure.sustained_s and stopped in _DONE:
            part = Sustaining(question, stay.setup, target, run, stay.record, deadline)
            task = display.task("sustained load")
            stopped = stopped if part.go(ledger, findings.slowest_s, task) else "deadline"
    return Experiment(ledger, findings.delay_ns, stopped)


class _Blocks:
    """The blocks of a stay, with the parameters that one pilot fixed."""

    def __init__(self, stay: Stay, arms: Sequence[Arm], findings: PilotFindings) -> None:
        self._stay, self._arms, self._findings = stay, arms, findings
        self._question, self._ledger = stay.question, stay.ledger
        self._precision = Precision(stay.question.design)

    def run(self, task: Task) -> str:
        """Runs blocks until there is a reason to stop, and returns it.

        Empty where the warm-up was lengthened: then there has to be another pilot.
        """
        stay, stopped = self._stay, ""
        while self._ledger.pilot and not (stopped := self._reason_to_stop()):
            if stay.has_to_rest:
                stay.rest(task)
            with finishing(stay.say_finishing):
                self._run_block(task)
                self._lengthen_warmup()
        task.end(f"{self._ledger.blocks_done} blocks")
        return stopped

    def _reason_to_stop(self) -> str:
        stay = self._stay
        stopped = reason_to_stop(
            self._question, self._ledger, self._findings, self._precision, stay.deadline
        )
        if stopped == "deadline" and not self._ledger.blocks_done:
            stay.deadline.check()
        return stopped

    def _lengthen_warmup(self) -> None:
        """Starts over with a longer warm-up where too many processes were still settling.

        It is decided early, on processes of all arms together, never by what they compare to; and
        only where there is time left for a whole experiment.
        """
        ledger, plan = self._ledger, self._question.measure
        is_time = _SETTLED_BY <= ledger.blocks_done <= plan.min_blocks
        if ledger.open_arms or not is_time or ledger.warmup_factor >= _LONGEST_WARMUP:
            return
        if plan.max_time_s - ledger.elapsed_s < plan.min_blocks * ledger.block_s:
            return
        processes = ledger.processes()
        if needs_warmup(processes):
            self._stay.record(
                "warmup_lengthened",
                factor=2 * ledger.warmup_factor,
                settling=sum(process.settling for process in processes),
                processes=len(processes),
                needs_pilot=True,
            )

    def _run_block(self, task: Task) -> None:
        """Runs one pass over the arms that still take part, and judges it."""
        stay, ledger, question = self._stay, self._ledger, self._question
        earlier = ledger.earlier
        if earlier is None:
            stay.record(
                "block_begun",
                index=ledger.block,
                attempt=ledger.attempt,
                warmup_factor=ledger.warmup_factor,
                conditions=asdict(read_conditions()),
            )
        block = run_block(
            stay.target,
            ledger.taking_part(self._arms),
            stay.setup,
            timed_pass(
                ledger.block,
                ledger.attempt,
                question.seed,
                self._findings.runs,
                question.measure.process_timeout_s or usual_timeout_s(self._findings.slowest_s),
            ),
            done=ledger.open_arms.keys(),
            reference=stay.reference,
            watcher=_BlockWatcher(stay, task, expected_total_s(question, ledger, self._precision)),
            earlier=earlier,
        )
        reasons = list(block.reasons)
        if not reasons:
            # A disturbed machine may be what made a process fail: that is not held against an arm.
            stay.note_failures(block.failed)
            failed = [e for name, e in block.failed.items() if name not in ledger.dropped]
            reasons += dict.fromkeys(_FAULTS.get(e.kind, "a process failed") for e in failed)
        stay.close("block", block, reasons)
        stay.note_disturbances(block)
        # One that others heated up is no measure of what our own work does.
        if stay.reference is None and not set(block.reasons) - {TEMPERATURE}:
            stay.hold_against(block.after)


@dataclass
class _BlockWatcher:
    stay: Stay
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
            samples_crc32=where.crc32,
            environment_padding=taken.slot.environment_padding,
            buffer_offset=taken.slot.buffer_offset,
            elapsed_s=round(taken.elapsed_s, 4),
            measurement=asdict(taken.measurement),
            grown=dict(taken.grown),
        )


def _all_arms(question: Question, findings: PilotFindings, scratch: Path) -> list[Arm]:
    """The variants and the two controls, which are made of the baseline."""
    base = next(arm for arm in question.arms if arm.name == question.baseline)
    copy = scratch / "identical.tflite"
    shutil.copyfile(base.model, copy)
    identical = replace(base, name=IDENTICAL, label="identical control", model=str(copy))
    delayed = replace(base, name=DELAYED, label="delayed control", delay_ns=findings.delay_ns)
    return [*question.arms, identical, delayed]
