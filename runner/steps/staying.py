"""One stay in an experiment, from a start of the command to its end: what its parts share."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runner.errors import StageError
from runner.report.progress import Display, Task
from runner.steps.deadline import Deadline
from runner.steps.ledger import Ledger, enter
from runner.steps.question import Question
from runner.steps.retrying import TRANSIENT, pause_after
from runner.store.runs import Run
from runner.timing.experiment import Block, Setup, Target
from runner.timing.host import TEMPERATURE, Conditions, degrees_from, read_conditions
from runner.units import NS_PER_S

_LONGEST_WAIT_S = 60.0
# Beyond the longest wait; two to the power of 1024 is no number of a float any more.
_MOST_DOUBLED = 6
# A processor that is not as cool as it was after so long has another temperature now.
_LONGEST_COOLING_S = 300.0
_COOLING_STEP_S = 2.0
# Attempts in a row that nothing but the temperature spoilt: what it was held against is past.
_MOST_OFF = 5
# What is said when an interruption waits for the end of a block.
_FINISHING = "Stopping when this block is done; Ctrl-C again stops at once."


@dataclass
class Stay:
    """One stay in the experiment.

    Attributes:
        reference: what temperatures are held against: the conditions when the pilot had ended, or
            else after the first attempt at a block of this stay; None before. Arms are compared
            within blocks, so that another stay may have another one.
        in_vain: attempts in a row that were disturbed.
        starved: attempts in a row, quiet ones, of which a process was killed or refused, which may
            be otherwise in a while.
        off: those of them that nothing but the temperature spoilt.
    """

    question: Question
    run: Run
    target: Target
    scratch: Path
    ledger: Ledger
    display: Display
    deadline: Deadline
    reference: Conditions | None = None
    in_vain: int = 0
    starved: int = 0
    off: int = 0

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

    @property
    def left_s(self) -> float:
        """Seconds until the budget is spent or the deadline comes."""
        left_s = self.question.measure.max_time_s - self.ledger.elapsed_s
        return min(self.deadline.left_s, max(0.0, left_s))

    def record(self, event: str, **fields: Any) -> None:
        """Journals an event, then counts it."""
        self.run.journal.append(event, **fields)
        enter(self.ledger, {"event": event, **fields}, self.run)

    def say_finishing(self) -> None:
        """Tells that an interruption came and waits."""
        self.display.say(_FINISHING)

    def note_failures(self, failed: Mapping[str, StageError]) -> None:
        """Counts failures, and drops the arms that failed more often than they may."""
        for name, error in failed.items():
            self.record("failed", arm=name, error=error.as_record())
            if self._is_given_up(name):
                self.record("dropped", arm=name, error=error.as_record())
        again = [error for name, error in failed.items() if name not in self.ledger.dropped]
        is_starved = any(error.kind in TRANSIENT for error in again)
        self.starved = self.starved + 1 if is_starved else 0

    def _is_given_up(self, name: str) -> bool:
        ledger, question = self.ledger, self.question
        has_failed = ledger.failures[name] > question.measure.retries
        return has_failed or ledger.killed[name] > question.kills

    def readmit(self) -> None:
        """Lets the arms that were dropped in an earlier stay take part again.

        What made them fail may be gone, and whoever starts the same command again asks for that.
        Arms are compared in the blocks that both have, so those of the others stay as they are.
        """
        for name in list(self.ledger.dropped):
            self.record("readmitted", arm=name)

    @property
    def has_to_rest(self) -> bool:
        """Whether something has to pass before the next attempt."""
        return bool(self.in_vain or self.starved)

    def close(self, event: str, block: Block, reasons: Collection[str]) -> None:
        """Journals the end of an attempt at a block.

        Args:
            event: `block`, or `pilot_block`.
            reasons: why it does not count.
        """
        self.record(
            event,
            index=block.index,
            attempt=block.attempt,
            reasons=list(reasons),
            disturbed=bool(block.reasons),
            elapsed_s=round(block.elapsed_s, 3),
            failed_s=round(block.failed_s, 4),
            others_cores=round(block.others_cores, 3),
        )
        if reasons:
            which = f"{'pilot ' * (event != 'block')}block {block.index + 1}"
            self.display.detail(f"    {which} is done again: {', '.join(reasons)}")

    def note_disturbances(self, block: Block) -> None:
        """Counts attempts in vain."""
        self.in_vain = self.in_vain + 1 if block.reasons else 0
        self.off = self.off + 1 if set(block.reasons) == {TEMPERATURE} else 0
        if block.reasons:
            self.starved = 0

    def hold_against(self, conditions: Conditions | None) -> None:
        """Takes a new reference; None for what the next attempt at a block ends with."""
        self.reference = conditions
        if conditions is not None:
            self.record("reference", conditions=asdict(conditions))

    def rest(self, task: Task) -> None:
        """After a disturbed attempt: waits for what disturbed it to pass."""
        if self.starved:
            seconds = min(pause_after(self.starved), self.left_s)
            self._wait(seconds, task, "a process was killed or refused")
        elif not self.off:
            seconds = min(_LONGEST_WAIT_S, 2.0 ** min(self.in_vain, _MOST_DOUBLED), self.left_s)
            self._wait(seconds, task, "disturbed")
        elif not self._cool(task) or self.off >= _MOST_OFF:
            self.hold_against(None)
            self.off = 0

    def _cool(self, task: Task) -> bool:
        """Waits until the processor is no hotter than it may be; False if it stays so.

        One that is too cold gets warm by working, not by waiting.
        """
        return not let_cool(
            self.reference,
            self.question.measure.limits.temperature_c,
            self.left_s,
            lambda seconds: self._wait(seconds, task, "too hot"),
        )

    def _wait(self, seconds: float, task: Task, why: str) -> None:
        total_s = self.question.measure.max_time_s
        task.update(min(self.ledger.elapsed_s, total_s), total_s, f"{why}; waiting {seconds:.0f} s")
        time.sleep(seconds)
        self.record("waited", seconds=seconds)


def let_cool(
    reference: Conditions | None, limit_c: float, left_s: float, wait: Callable[[float], None]
) -> float:
    """Waits until the processor is hotter by no more than it may be, for five minutes at most.

    Args:
        reference: what its temperature is held against.
        left_s: there is no more time than this.
        wait: does so, for the seconds that it is given.

    Returns:
        The degrees that are too many after the longest wait; 0 where it is cool, or nothing known.
    """
    waited_s, longest_s = 0.0, min(_LONGEST_COOLING_S, left_s)
    while (hotter_c := degrees_from(reference, read_conditions()) - limit_c) > 0:
        if waited_s >= longest_s:
            return hotter_c
        seconds = min(_COOLING_STEP_S, longest_s - waited_s)
        wait(seconds)
        waited_s += seconds
    return 0.0
