"""A child process that can't outlive its parent, hang for ever, or fail without a reason."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.interrupts import held

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes:
        returncode: negative for a signal, as in `subprocess`.
        output: its standard output.
        timed_out: it was killed because it took too long.
    """

    returncode: int
    output: str
    timed_out: bool

    @property
    def signal_name(self) -> str | None:
        """The signal that ended it, such as `SIGSEGV`; None when it ended by itself."""
        return signal.Signals(-self.returncode).name if self.returncode < 0 else None


def run_module(
    module: str,
    arguments: Sequence[str] = (),
    *,
    stdin: str,
    log: Path,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Runs a module of this package in a fresh interpreter and sleeps until it ends.

    The interpreter is isolated (`-I`): neither the working folder nor PYTHON* variables reach it.
    The child leads a process group of its own, which is killed when it takes too long or the caller
    is interrupted; the kernel kills it when the caller dies.

    Args:
        log: receives standard error, appended.
        environment: added to this process's own.
    """
    child: subprocess.Popen[str] | None = None
    with log.open("ab") as errors:
        try:
            # Python runs callbacks around a fork, in which an interruption would get lost.
            with held():
                child = subprocess.Popen(
                    [sys.executable, "-I", "-m", module, *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                    preexec_fn=_die_with_parent,  # noqa: PLW1509 - one thread while it times
                )
            output, _ = child.communicate(stdin, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            assert child is not None  # noqa: S101 - it took too long, so it was started
            _kill_group(child)
            output, _ = child.communicate()
            return Ended(child.returncode, output, timed_out=True)
        except BaseException:
            if child is not None:
                _kill_group(child)
                child.wait()
            raise
    return Ended(child.returncode, output, timed_out=False)


def _kill_group(child: subprocess.Popen[str]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        child.kill()


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
