"""Runs each variant back to back, after the blocks: what it sustains, not how it compares."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from runner.analysis.throughput import study_throughput
from runner.errors import StageError
from runner.report.progress import Task
from runner.steps.deadline import Deadline
from runner.steps.ledger import Ledger, decode_samples
from runner.steps.question import Question
from runner.steps.staying import let_cool
from runner.store.runs import Run
from runner.timing.experiment import Setup, Target, run_sustained, sustained_order, usual_timeout_s
from runner.timing.host import (
    TEMPERATURE,
    Conditions,
    disturbances,
    read_conditions,
    read_gauges,
)
from runner.timing.protocol import Slot

Record = Callable[..., None]
"""Takes an event's name and its fields, and keeps it for good."""


@dataclass(frozen=True)
class Sustaining:
    """The part of an experiment that comes after its blocks.

    Attributes:
        record: receives one `sustained` event for each variant.
    """

    question: Question
    setup: Setup
    target: Target
    run: Run
    record: Record
    deadline: Deadline

    def go(self, ledger: Ledger, slowest_s: float, task: Task) -> bool:
        """Runs every variant that was not run for as long before.

        Args:
            slowest_s: what the slowest process of a block is expected to take.

        Returns:
            False where the deadline left some of them for another time.
        """
        seconds = self.question.measure.sustained_s or 0.0
        first = read_conditions()
        arms = ledger.taking_part(self.question.arms)
        for number, slot in enumerate(sustained_order(arms, self.question.seed)):
            if _is_done(ledger, slot.arm.name, seconds):
                continue
            if self.deadline.is_past:
                task.end("out of time")
                return False
            tell = partial(task.update, number * seconds, len(arms) * seconds)
            given = self.question.measure.process_timeout_s
            limit_s = seconds + (given or usual_timeout_s(slowest_s + seconds))
            hotter_c = self._cool(first, tell)
            tell(slot.arm.label)
            self._try(slot, seconds, limit_s, hotter_c)
        task.end(f"{len(arms)} variants, {seconds:g} s each")
        return True

    def _cool(self, first: Conditions, tell: Callable[[str], None]) -> float:
        """Lets the last variant's heat go, so that the order decides nothing.

        Returns:
            The degrees that are left after the longest wait, beyond those that a block may differ
            by; 0 where it is cool, or nothing is known.
        """

        def wait(seconds: float) -> None:
            tell(f"too hot; waiting {seconds:.0f} s")
            time.sleep(seconds)

        limit_c = self.question.measure.limits.temperature_c
        return let_cool(first, limit_c, self.deadline.left_s, wait)

    def _try(self, slot: Slot, seconds: float, timeout_s: float, hotter_c: float) -> None:
        """Tries as often as the spec allows; a failure here takes nothing from the blocks."""
        error = None
        for _ in range(1 + self.question.measure.retries):
            try:
                fields = self._run(slot, seconds, timeout_s, hotter_c)
            except StageError as raised:
                error = raised.as_record()
            else:
                self.record("sustained", arm=slot.arm.name, asked_s=seconds, **fields)
                return
        self.record("sustained", arm=slot.arm.name, asked_s=seconds, error=error)

    def _run(self, slot: Slot, seconds: float, timeout_s: float, hotter_c: float) -> dict[str, Any]:
        cold, before = read_gauges(), read_conditions()
        taken = run_sustained(self.target, slot, self.setup, seconds, timeout_s)
        after, hot = read_conditions(), read_gauges()
        # It is not done again: it is what this machine sustains, and the heat is its own.
        others = disturbances(before, before, after, self.setup.limits)
        throughput = study_throughput(decode_samples(taken.samples.read_bytes()))
        where = self.run.append_samples(slot.arm.name, taken.samples)
        return {
            "file": where.file,
            "first": where.first,
            "count": where.count,
            "throughput": asdict(throughput)
            | {
                "temperature_c": [cold.temperature_c, hot.temperature_c],
                "frequency_khz": [cold.frequency_khz, hot.frequency_khz],
                "began_hotter_c": round(hotter_c, 1),
                "disturbances": [why for why in others if why != TEMPERATURE],
            },
            "measurement": asdict(taken.measurement),
        }


def _is_done(ledger: Ledger, arm: str, seconds: float) -> bool:
    event = ledger.sustained.get(arm)
    return event is not None and event["asked_s"] == seconds and "throughput" in event
