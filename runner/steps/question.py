"""What an experiment is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runner.analysis.verdicts import Design, Pairs
from runner.spec.measurement import Measure
from runner.timing.protocol import Arm


@dataclass(frozen=True)
class Question:
    """What is to be timed.

    Attributes:
        arms: the variants that could be built, the baseline among them.
        baseline: the name of the one that the controls are made of.
        pairs: variant -> the arm that it is compared with.
        seed: of the schedule.
        kills: how often in a row an arm's process may be killed from outside before it is given up;
            once more ends it.
    """

    arms: Sequence[Arm]
    baseline: str
    pairs: Pairs
    measure: Measure
    seed: int
    kills: int = 2

    @property
    def design(self) -> Design:
        """What the analysis needs to know of the question."""
        return Design(self.measure.effect, self.measure.confidence)
