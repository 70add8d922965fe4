"""Until when work may go on, where somebody else set an end to it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from runner.errors import OutOfTimeError


@dataclass(frozen=True)
class Deadline:
    """An instant on the monotonic clock; the default never comes."""

    at_s: float = math.inf

    @property
    def left_s(self) -> float:
        """Seconds until then; 0 after it."""
        return max(0.0, self.at_s - time.monotonic())

    @property
    def wait_s(self) -> float | None:
        """The same as a limit for a wait; None for one without a limit."""
        return self.left_s if math.isfinite(self.at_s) else None

    @property
    def is_past(self) -> bool:
        """Whether it has come."""
        return self.left_s == 0.0

    def check(self) -> None:
        """Ends the work if it has come.

        Raises:
            OutOfTimeError: it has.
        """
        if self.is_past:
            raise OutOfTimeError(
                "the time allowed in all was used up",
                why="what was not finished is left; everything finished is kept",
                remedy="the same command goes on where it stopped",
            )


# It never comes.
NEVER = Deadline()


def deadline_in(seconds: float | None) -> Deadline:
    """So many seconds from now; None for never."""
    return NEVER if seconds is None else Deadline(time.monotonic() + seconds)
