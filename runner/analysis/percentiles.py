"""Percentiles of an arm's latency, of sections that have runs enough for them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from runner.analysis.statistics import Interval, t_interval

TAILS = (90, 95, 99)
# Fewer runs beyond a percentile than these, and it is little more than their maximum: of 2 % of
# runs that take twice as long, ten runs a process show a p99 of 1.15 times the median.
_LEAST_BEYOND = 10


def runs_needed(percentile: int) -> int:
    """The runs of which ten lie beyond a percentile."""
    return math.ceil(100 * _LEAST_BEYOND / (100 - percentile))


@dataclass
class Section:
    """One percentile of one arm, whose processes come in one by one.

    Processes are joined in the order in which they ran until there are runs enough, so that a
    section is one process or several whole ones. Runs of a process resemble each other, sections do
    not: intervals are computed over sections.

    Source: the sectioning method, Asmussen & Glynn (2007), Stochastic simulation, chapter III.

    Attributes:
        logs: the percentile of each section, log of ns.
        open: samples of the section that has not enough yet, ns.
    """

    percentile: int
    logs: list[float] = field(default_factory=list)
    open: list[int] = field(default_factory=list)

    def add(self, samples_ns: NDArray[np.int64]) -> None:
        """Takes one more process.

        Args:
            samples_ns: shape (runs,).
        """
        self.open += samples_ns.tolist()
        if len(self.open) >= runs_needed(self.percentile):
            self.logs.append(math.log(float(np.percentile(self.open, self.percentile))))
            self.open = []

    def interval(self, confidence: float) -> Interval | None:
        """Student's interval over sections, of logs; None where no section is complete."""
        return t_interval(self.logs, confidence) if self.logs else None


@dataclass
class Percentiles:
    """All percentiles of one arm.

    Attributes:
        sections: percentile -> its sections.
    """

    sections: dict[int, Section] = field(
        default_factory=lambda: {percentile: Section(percentile) for percentile in TAILS}
    )

    def add(self, samples_ns: NDArray[np.int64]) -> None:
        """Takes one more process of the arm, in the order of blocks."""
        for section in self.sections.values():
            section.add(samples_ns)
