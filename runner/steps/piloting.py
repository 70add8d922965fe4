"""The pilot: a few short blocks, from which an experiment gets the parameters that it keeps."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from runner.analysis.pilot import PilotFindings, study_pilot
from runner.interrupts import finishing
from runner.report.progress import Task
from runner.steps.ledger import decode_samples
from runner.steps.staying import Stay
from runner.timing.experiment import Taken, pilot_pass, run_block
from runner.timing.host import read_conditions
from runner.timing.protocol import Arm

_BLOCKS = 3
# Of the time that is left after it; a later process may take longer than the pilot's did.
_SHARE_FOR_BLOCKS = 0.9


def run_pilot(stay: Stay, task: Task) -> PilotFindings | str:
    """Fixes the experiment's parameters, or says why that could not be done.

    Returns:
        The findings; else `failed` where the baseline can't be run, or `disturbed` where the
        machine was not quiet for so long before the time allowed was used up.

    Raises:
        OutOfTimeError: the deadline came before.
    """
    question, ledger = stay.question, stay.ledger
    stay.reference = None
    if question.baseline in ledger.dropped:
        task.end("the baseline failed")
        return "failed"
    for index in range(_BLOCKS):
        # One that was interrupted behind its last process is not closed yet.
        while ledger.begun or _missing(stay, index):
            stay.deadline.check()
            if stay.has_to_rest:
                if not stay.left_s:
                    task.end("disturbed")
                    return "disturbed"
                stay.rest(task)
            with finishing(stay.say_finishing):
                _run_pass(stay, index, task)
            if question.baseline in ledger.dropped:
                task.end("the baseline failed")
                return "failed"
    plan = question.measure
    left_s = _SHARE_FOR_BLOCKS * (plan.max_time_s - ledger.elapsed_s)
    findings = study_pilot(
        ledger.pilot_sample(),
        baseline=question.baseline,
        effect=plan.effect,
        longest_block_s=left_s / plan.min_blocks,
    )
    now = read_conditions()
    stay.record("pilot", findings=findings.as_record(), conditions=asdict(now))
    stay.reference = now
    task.end(f"{findings.runs} runs a process")
    return findings


def _missing(stay: Stay, index: int) -> list[Arm]:
    """The arms that still take part and did not run in a block of the pilot."""
    done = stay.ledger.done_in_pilot(index)
    return [arm for arm in stay.ledger.taking_part(stay.question.arms) if arm.name not in done]


def _run_pass(stay: Stay, index: int, task: Task) -> None:
    """Runs the arms that a block lacks; where they were disturbed, the whole block goes."""
    ledger, question = stay.ledger, stay.question
    this = pilot_pass(
        index, ledger.pilot_attempt, question.seed, question.measure.process_timeout_s
    )
    earlier = ledger.earlier
    if earlier is None:
        stay.record(
            "pilot_begun",
            index=index,
            attempt=this.attempt,
            conditions=asdict(read_conditions()),
        )
    block = run_block(
        stay.target,
        ledger.taking_part(question.arms),
        stay.setup,
        this,
        done=ledger.done_in_pilot(index),
        reference=None,
        watcher=_Watcher(stay, this.attempt, task),
        earlier=earlier,
    )
    if not block.reasons:
        # A disturbed machine may be what made a process fail: that is not held against an arm.
        stay.note_failures(block.failed)
    stay.close("pilot_block", block, block.reasons)
    stay.note_disturbances(block)


@dataclass
class _Watcher:
    stay: Stay
    attempt: int
    task: Task

    def starting(self, arm: Arm) -> None:
        done = len(self.stay.ledger.pilot_processes)
        self.task.update(done, _BLOCKS * len(self.stay.question.arms), arm.label)

    def taken(self, taken: Taken) -> None:
        self.stay.record(
            "pilot_process",
            block=taken.slot.block,
            attempt=self.attempt,
            arm=taken.slot.arm.name,
            samples_ns=decode_samples(taken.samples.read_bytes()).tolist(),
            elapsed_s=round(taken.elapsed_s, 4),
            measurement=asdict(taken.measurement),
            grown=dict(taken.grown),
        )
