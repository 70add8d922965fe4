"""Whether an experiment is as precise as it was asked to be, and how many blocks that takes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scipy.special import stdtrit

from runner.analysis.statistics import blocks_for_half_width
from runner.analysis.summaries import ProcessSummary
from runner.analysis.verdicts import Design, Pairs


class Precision:
    """The widths of all comparisons' intervals, kept while blocks are added.

    Widths alone, never where an interval lies: stopping when a difference becomes significant would
    raise false alarms to 16-30 %. Each block is read once, so that the ten thousandth costs no more
    than the first.

    Source: Welford (1962), Note on a method for calculating corrected sums of squares and products,
    Technometrics 4.
    """

    def __init__(self, design: Design) -> None:
        self._design = design
        self._known: dict[tuple[str, str], _Spread] = {}
        self._asked: tuple[tuple[str, str], ...] = ()

    def take_up(self, arms: Mapping[str, dict[int, ProcessSummary]], pairs: Pairs) -> None:
        """Adds what is new in blocks that are done; from now on these pairs are the family.

        Args:
            arms: name -> processes, blocks in ascending order; those of before are unchanged.
            pairs: those of which an arm is missing are passed over.
        """
        self._asked = tuple(
            (one, base) for one, base in pairs.items() if one in arms and base in arms
        )
        for one, base in self._asked:
            known = self._known.setdefault((one, base), _Spread())
            for block in _blocks_after(known.last_block, arms[one]):
                if block in arms[base]:
                    known.add(block, arms[one][block].log_median - arms[base][block].log_median)

    def is_reached(self, least_blocks: int) -> bool:
        """Whether every comparison's interval has half-width effect/2 or less.

        At the confidence that each has in its family, so that none of them is left inconclusive.
        """
        confidence = self._design.confidence_of_each(len(self._asked))
        most = self._design.margin / 2
        return bool(self._asked) and all(
            known.count >= max(2, least_blocks) and known.half_width(confidence) <= most
            for known in self._spreads()
        )

    def needed_blocks(self) -> int:
        """After how many blocks it is likely reached, at the widest spread seen; 0 if none was."""
        widest = max((known.deviation for known in self._spreads() if known.count > 1), default=0.0)
        if not widest:
            return 0
        confidence = self._design.confidence_of_each(len(self._asked))
        return blocks_for_half_width(widest, self._design.margin / 2, confidence)

    def _spreads(self) -> Iterator[_Spread]:
        return (self._known[pair] for pair in self._asked)


@dataclass
class _Spread:
    """Of one comparison's differences of logs, as they come in."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    last_block: int = -1

    def add(self, block: int, value: float) -> None:
        self.count += 1
        away = value - self.mean
        self.mean += away / self.count
        self.squares += away * (value - self.mean)
        self.last_block = block

    @property
    def deviation(self) -> float:
        return math.sqrt(self.squares / (self.count - 1))

    def half_width(self, confidence: float) -> float:
        quantile = float(stdtrit(self.count - 1, 0.5 + confidence / 2))
        return quantile * self.deviation / math.sqrt(self.count)


def _blocks_after(last: int, arm: dict[int, ProcessSummary]) -> list[int]:
    """The blocks of an arm that come after one, in ascending order."""
    new: list[int] = []
    for block in reversed(arm):
        if block <= last:
            break
        new.append(block)
    return new[::-1]
