"""Being asked to stop, by Ctrl-C or by SIGTERM, in a way that can't get lost.

The first time, a unit of work that is marked with `finishing` is done to its end; the second time,
everything stops at once. Elsewhere the first time stops at once too.

Python drops an exception that a signal handler raises while a callback of the interpreter runs, and
prints a traceback of it: in a finalizer, or after a fork, of which a bench does many. So an
interruption waits while a process is started, and elsewhere is raised again after a while, until it
has arrived where it is dealt with.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

# Longer than it takes to end workers and put things away.
_AGAIN_S = 3.0


def listen() -> None:
    """Turns SIGINT, SIGTERM and a hang-up into KeyboardInterrupt, in the main thread."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, _interrupt)
    # Under nohup, work goes on after its terminal is gone.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _interrupt)


def heard() -> None:
    """Says that the interruption arrived: it is not raised again."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    # Where it passed through code that was given as text, as that of dataclasses is, Python would
    # remember it as unhandled and end by the signal, whatever the exit code; more text makes it
    # forget.
    exec("")  # noqa: S102 - an empty text, for the reason above


def leave() -> None:
    """All is done: what comes now is ignored, where Python, about to end, would die of it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Keeps an interruption back to the end of the block. For the main thread; not to be nested."""
    _state.is_held = True
    try:
        yield
    finally:
        _state.is_held = False
    if _state.is_due:
        _state.is_due = False
        raise KeyboardInterrupt


@contextlib.contextmanager
def finishing(on_first: Callable[[], None]) -> Iterator[None]:
    """A unit of work that the first interruption lets end, to be raised behind it.

    It is raised as well where the unit failed: what failed will fail again when work goes on.

    For the main thread; not to be nested.

    Args:
        on_first: told at once that an interruption came and waits.
    """
    _state.on_first, _state.is_waiting = on_first, False
    try:
        yield
    except Exception as error:
        if _state.is_waiting:
            raise KeyboardInterrupt from error
        raise
    finally:
        _state.on_first = None
    if _state.is_waiting:
        raise KeyboardInterrupt


@dataclass
class _State:
    """Signals belong to the process, and so does what is known of them.

    Attributes:
        is_held: an interruption is kept back for a moment.
        is_due: one was.
        on_first: a unit of work is under way, which the first interruption lets end.
        is_waiting: that one came.
    """

    is_held: bool = False
    is_due: bool = False
    on_first: Callable[[], None] | None = None
    is_waiting: bool = False


_state = _State()


def _interrupt(number: int, _frame: FrameType | None) -> None:
    if _state.on_first is not None and not _state.is_waiting and number != signal.SIGALRM:
        _state.is_waiting = True
        # Whatever was being written at this instant can't be written to, nor can a terminal whose
        # hang-up this is.
        with contextlib.suppress(RuntimeError, OSError):
            _state.on_first()
        return
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
    if _state.is_held:
        _state.is_due = True
    else:
        raise KeyboardInterrupt
