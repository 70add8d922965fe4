"""Which stages are tried again, and when: those that may well succeed a little later.

What failed for good is remembered as long as a batch works: another spec that needs the very stage
would wait for the same end of it.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from runner.errors import StageError
from runner.spec.measurement import StageLimits

# Killed from outside, for want of memory most likely; or the system or the network had nothing to
# give at that moment. Whatever a stage does wrong by itself, it would do again.
TRANSIENT = ("killed", "unavailable")
# What another spec, which allows more, may get through.
_OF_LIMITS = ("timeout", "out_of_memory")
_FIRST_PAUSE_S = 2.0
_GROWTH = 6.0
_LONGEST_PAUSE_S = 600.0
# Longer than the longest; more would be no number of a float any more.
_MOST_GROWN = 6


@dataclass
class Retries:
    """How often each stage was tried.

    Attributes:
        most: how often a stage is tried again.
    """

    most: int
    _failures: Counter[str] = field(default_factory=Counter)

    def pause_s(self, key: str, error: StageError) -> float | None:
        """Counts a failure; seconds until the stage is tried again, or None to give it up."""
        self._failures[key] += 1
        if error.kind not in TRANSIENT or self._failures[key] > self.most:
            return None
        return pause_after(self._failures[key])


def pause_after(failures: int) -> float:
    """Seconds until the next attempt.

    Args:
        failures: in a row.
    """
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * _GROWTH ** min(failures - 1, _MOST_GROWN))


@dataclass(frozen=True)
class _Failure:
    error: StageError
    run: str
    limits: StageLimits


@dataclass
class Failures:
    """What failed for good, and in which run; for as long as whoever holds it works."""

    _known: dict[str, _Failure] = field(default_factory=dict)

    def note(self, key: str, error: StageError, run: str, limits: StageLimits) -> None:
        """Remembers a stage that is given up, unless it may succeed a little later.

        Args:
            run: the one it failed in, as people name it.
            limits: what it was allowed.
        """
        if error.kind not in TRANSIENT:
            self._known[key] = _Failure(error, run, limits)

    def recall(self, key: str, limits: StageLimits) -> StageError | None:
        """How the stage failed, and where; None where it is to be tried.

        Args:
            limits: what it would be allowed now.
        """
        found = self._known.get(key)
        if found is None or (found.error.kind in _OF_LIMITS and _allow_more(limits, found.limits)):
            return None
        error = found.error
        where = f"it failed so in {found.run}, and is not tried again in this batch"
        return StageError(
            error.what,
            stage=error.stage,
            kind=error.kind,
            why="\n".join(filter(None, (error.why, where))),
            remedy=error.remedy,
            where=error.where,
            log=error.log,
        )


def _allow_more(limits: StageLimits, before: StageLimits) -> bool:
    memory, memory_before = (one.memory_bytes or math.inf for one in (limits, before))
    return limits.stage_time_s > before.stage_time_s or memory > memory_before
