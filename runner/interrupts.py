"""Being asked to stop, by Ctrl-C or by SIGTERM, in a way that can't get lost.

Python drops an exception that a signal handler raises while a callback of the interpreter runs,
such as those after a fork, of which a bench does many. So whoever asked is heard again after a
while, until the interruption has arrived where it is dealt with.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

# Longer than it takes to end workers and put things away.
_AGAIN_S = 3.0


def listen() -> None:
    """Turns SIGINT and SIGTERM into KeyboardInterrupt, in the main thread."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, _interrupt)


def heard() -> None:
    """Says that the interruption arrived: it is not raised again."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
    raise KeyboardInterrupt
