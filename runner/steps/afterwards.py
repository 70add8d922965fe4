"""Runs what somebody wants to be run when a batch is done, such as a mailer."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

from runner.interrupts import held
from runner.report.summary import Summary, as_markdown
from runner.store.batches import Batch

# It must not keep a batch from ending.
_LONGEST_S = 600.0


def run_last(command: str, summary: Summary, batch: Batch) -> str:
    """Runs a command with the summary on its standard input; its failure changes no answer.

    It leads a process group of its own, so that whatever it started ends with it when it takes too
    long, or when somebody asks for an end.

    Args:
        command: for a shell.

    Returns:
        How it failed, in words; empty where it did not.
    """
    told = {"RETIME_SUMMARY": str(batch.folder / "summary.md")}
    told["RETIME_EXIT_CODE"] = str(int(summary.exit_code))
    said = _run(command, as_markdown(summary), told)
    if said:
        with suppress(OSError):
            batch.journal.append("last_command", command=command, said=said)
    return said


def _run(command: str, text: str, told: dict[str, str]) -> str:
    child: subprocess.Popen[str] | None = None
    try:
        with held():
            child = subprocess.Popen(
                ["/bin/sh", "-c", command],
                stdin=subprocess.PIPE,
                text=True,
                env={**os.environ, **told},
                start_new_session=True,
            )
        child.communicate(text, timeout=_LONGEST_S)
    except subprocess.TimeoutExpired:
        _kill(child)
        return f"was ended after {_LONGEST_S:.0f} s"
    except BaseException:
        _kill(child)
        raise
    return f"ended with exit code {child.returncode}" if child.returncode else ""


def _kill(child: subprocess.Popen[str] | None) -> None:
    if child is not None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
