"""Whoever asks Retime to stop is heard, also where Python drops the exception of the handler."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.fast

ROOT = Path(__file__).parents[1]
# The signal comes while a finalizer runs, whose exceptions Python drops with a word on stderr.
PROGRAM = """
import os, signal, time
from runner import interrupts
interrupts._AGAIN_S = 0.2
interrupts.listen()
class Dropped:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        sum(range(1000))
try:
    thing = Dropped()
    del thing
    time.sleep(30)
except KeyboardInterrupt:
    interrupts.heard()
    time.sleep(0.5)
    print("stopped")
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interruption_that_python_drops_comes_again_and_then_no_more(name: str) -> None:
    done = run(PROGRAM.format(name=name))
    assert "Exception ignored" in done.stderr
    assert (done.returncode, done.stdout) == (0, "stopped\n")


HELD = """
import os, signal
from runner import interrupts
interrupts.listen()
done = []
try:
    with interrupts.held():
        os.kill(os.getpid(), signal.{name})
        done.append("the block")
    done.append("what comes after")
except KeyboardInterrupt:
    interrupts.heard()
    with interrupts.held():
        done.append("and the next block")
    print(*done)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_block_that_holds_an_interruption_back_is_done_before_it_comes_once(name: str) -> None:
    done = run(HELD.format(name=name))
    assert (done.stdout, done.stderr) == ("the block and the next block\n", "")


FAILING = """
import os, signal
from runner import interrupts
interrupts.listen()
try:
    with interrupts.finishing(lambda: print("waits")):
        os.kill(os.getpid(), signal.{name})
        raise OSError("the disk is full")
except KeyboardInterrupt as error:
    interrupts.heard()
    print("stopped:", error.__cause__)
try:
    with interrupts.finishing(lambda: None):
        raise OSError("the disk is full again")
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interruption_that_waits_for_a_unit_of_work_is_not_lost_when_that_fails(
    name: str,
) -> None:
    done = run(FAILING.format(name=name))
    said = "waits\nstopped: the disk is full\nthe disk is full again\n"
    assert (done.stdout, done.stderr) == (said, "")


IN_TEXT = """
import os, signal, sys
from runner import interrupts
interrupts.listen()
try:
    exec("os.kill(os.getpid(), signal.SIGINT); sum(range(1000))")
except KeyboardInterrupt:
    interrupts.heard()
    sys.exit(130)
"""


def test_an_interruption_inside_code_that_was_given_as_text_ends_with_the_exit_code(
    tmp_path: Path,
) -> None:
    """Python would end a module by the signal, as when a dataclass is being made."""
    (tmp_path / "interrupted.py").write_text(IN_TEXT)
    done = subprocess.run(
        [sys.executable, "-m", "interrupted"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=20,
    )
    assert done.returncode == 130


LATE = """
import os, signal
from runner import interrupts
interrupts.listen()
interrupts.leave()
class Last:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
last = Last()
"""


def test_an_interruption_after_all_is_done_changes_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], cwd=ROOT, check=False, timeout=20)
    assert done.returncode == 0


TELLING = """
import io, os, signal
from rich.console import Console
from runner import interrupts
from runner.report.progress import LineDisplay
from runner.report.recorded import RecordedDisplay
interrupts.listen()
told = []
def send(progress):
    if progress["said"] == "work":
        os.kill(os.getpid(), signal.{name})
        sum(range(1000))
    told.append(progress["said"])
display = RecordedDisplay(LineDisplay(Console(file=io.StringIO())), send)
try:
    with interrupts.finishing(lambda: display.say("stopping")):
        display.say("work")
except KeyboardInterrupt:
    interrupts.heard()
    print(*told)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interruption_while_progress_is_noted_neither_hangs_nor_gets_lost(name: str) -> None:
    done = run(TELLING.format(name=name))
    assert (done.stdout, done.stderr) == ("work stopping\n", "")
