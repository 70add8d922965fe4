"""Being asked to stop, by Ctrl-C or by SIGTERM, in a way that can't get lost.

Python drops an exception that a signal handler raises while a callback of the interpreter runs, and
prints a traceback of it: in a finalizer, or after a fork, of which a bench does many. So an
interruption waits while a process is started, and elsewhere is raised again after a while, until it
has arrived where it is dealt with.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

# Longer than it takes to end workers and put things away.
_AGAIN_S = 3.0


def listen() -> None:
    """Turns SIGINT and SIGTERM into KeyboardInterrupt, in the main thread."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, _interrupt)


def heard() -> None:
    """Says that the interruption arrived: it is not raised again."""
    signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Keeps an interruption back to the end of the block. For the main thread; not to be nested."""
    _hold.is_on = True
    try:
        yield
    finally:
        _hold.is_on = False
    if _hold.is_asked:
        _hold.is_asked = False
        raise KeyboardInterrupt


@dataclass
class _Hold:
    """Signals belong to the process, and so does what is known of them."""

    is_on: bool = False
    is_asked: bool = False


_hold = _Hold()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
    if _hold.is_on:
        _hold.is_asked = True
    else:
        raise KeyboardInterrupt
