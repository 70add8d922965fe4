"""A child process that can't outlive its parent, hang for ever, or fail without a reason."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.interrupts import held
from runner.offspring import attach
from runner.watching import Excess, Watch


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes:
        returncode: negative for a signal, as in `subprocess`.
        output: its standard output.
        timed_out: it was killed because it took too long.
        excess: what it was ended for, where it was watched.
    """

    returncode: int
    output: str
    timed_out: bool
    excess: Excess | None = None

    @property
    def signal_name(self) -> str | None:
        """The signal that ended it, such as `SIGSEGV`; None when it ended by itself."""
        return signal.Signals(-self.returncode).name if self.returncode < 0 else None


def run_module(
    module: str,
    *,
    stdin: str,
    log: Path,
    timeout_s: float,
    memory_bytes: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Runs a module of this package in a fresh interpreter and sleeps until it ends.

    The interpreter is isolated (`-I`): neither the working folder nor PYTHON* variables reach it.
    The child leads a process group of its own, which is killed when it takes too long or the caller
    is interrupted; the kernel kills it when the caller dies. For the main thread.

    Args:
        log: receives standard error, appended.
        memory_bytes: that it may have; None for as much as there is. The kernel refuses more of
            what can't be shared (RLIMIT_DATA), which costs a process that is timed nothing.
        environment: added to this process's own.
    """
    child: subprocess.Popen[str] | None = None
    parent = os.getpid()
    with log.open("ab") as errors:
        try:
            # Python runs callbacks around a fork, in which an interruption would get lost.
            with held():
                child = subprocess.Popen(
                    [sys.executable, "-I", "-m", module],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                    # Tied to this process, deaf to signals and limited from its first instant.
                    # What runs between fork and exec is unsafe beside other threads: there are
                    # none while something is timed, and `run_watched` is for where there are.
                    preexec_fn=lambda: _prepare(parent, memory_bytes),  # noqa: PLW1509 - see above
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


def run_watched(
    module: str,
    *,
    stdin: str,
    log: Path,
    timeout_s: float,
    memory_bytes: int | None,
    unwanted: threading.Event,
) -> Ended:
    """Runs a module as `run_module` does, in any thread and beside others.

    Nothing of this process's runs between its fork and the child's start, which is not safe beside
    other threads: the module has to `offspring.attach` itself to the process number that is its
    only argument.

    Args:
        log: receives standard error, appended.
        memory_bytes: that it may hold; it is read now and then, and the child ended by `Excess`.
        unwanted: set when the child is to be ended, by another thread.
    """
    with log.open("ab") as errors:
        child = subprocess.Popen(
            [sys.executable, "-I", "-m", module, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    try:
        with Watch(child.pid, timeout_s, memory_bytes, unwanted) as watch:
            output, _ = child.communicate(stdin)
    except BaseException:
        _kill_group(child)
        child.wait()
        raise
    is_late = watch.excess is not None and watch.excess.kind == "timeout"
    return Ended(child.returncode, output, timed_out=is_late, excess=watch.excess)


def _kill_group(child: subprocess.Popen[str]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        child.kill()


def _prepare(parent: int, memory_bytes: int | None) -> None:
    """What the child does before it is another program."""
    attach(parent)
    if memory_bytes is not None:
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        allowed = memory_bytes if most == resource.RLIM_INFINITY else min(memory_bytes, most)
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, most))
