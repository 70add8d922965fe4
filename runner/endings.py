"""How a process ended that did not end by itself, or why it never began: words for all rooms."""

from __future__ import annotations

import errno
import signal

from runner.errors import StageError

# What the system refuses for the moment: processes, open files.
FOR_THE_MOMENT = frozenset({errno.EAGAIN, errno.ENFILE, errno.EMFILE})


def cause_of_end(code: int) -> str:
    """In words.

    Args:
        code: as `subprocess` has it: negative for a signal.
    """
    if code >= 0:
        return f"it ended with exit code {code}"
    likely = " (likely out of memory)" if code == -signal.SIGKILL else ""
    return f"killed by {_signal_name(-code)}{likely}"


def killed(stage: str, step: str, *, where: str, log: str) -> StageError:
    """The error of a process that somebody killed, or the kernel, which had no memory left.

    Args:
        step: what it was at.
    """
    return StageError(
        f"the process was killed in {step}",
        stage=stage,
        kind="killed",
        why=cause_of_end(-signal.SIGKILL),
        where=where,
        log=log,
        remedy="end other work that takes memory and run the same command again; it goes on where "
        "it stopped",
    )


def check_start(error: OSError, stage: str, *, where: str = "", log: str = "") -> None:
    """Passes where the system did not refuse a process for the moment.

    Raises:
        StageError: it did, so that a little later it may not.
    """
    # Memory for another process, too; a stage that finds none has asked for too much.
    if error.errno in FOR_THE_MOMENT | {errno.ENOMEM}:
        raise StageError(
            "the system had no room for another process or file",
            stage=stage,
            kind="unavailable",
            why=error.strerror or str(error),
            where=where,
            log=log,
            remedy="end other work on this machine and run the same command again",
        ) from error


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
