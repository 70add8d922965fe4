"""Locks exclude real processes, name the owner, and die with him."""

import errno
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import OutOfTimeError
from runner.store.locks import folder_lock, timing_lock

pytestmark = pytest.mark.fast

HOLD_FOLDER = """
import sys
from pathlib import Path
from runner.errors import OutOfTimeError
from runner.store.locks import folder_lock
with folder_lock(Path(sys.argv[1]), print):
    print("held", flush=True)
    sys.stdin.read()
"""
HOLD_TIMING = """
import sys
from runner.errors import OutOfTimeError
from runner.store.locks import timing_lock
with timing_lock(lambda owner: None):
    print("held", flush=True)
    sys.stdin.read()
"""
# An owner that has locked a folder and not, or not yet, written its name.
HOLD_NAMELESS = """
import fcntl, pathlib, sys, time
file = pathlib.Path(sys.argv[1], ".lock").open("a+")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(float(sys.argv[2]))
file.truncate(0)
file.write(sys.argv[3])
file.flush()
sys.stdin.read()
"""


def start(code: str, *arguments: str) -> "subprocess.Popen[str]":
    child = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "held\n"
    return child


def wait_for_turn(child: "subprocess.Popen[str]", lock: Callable[..., object]) -> list[str]:
    """Takes the lock in a thread, kills the owner, and returns what the waiting one was told."""
    told: list[str] = []
    waiting, entered = threading.Event(), threading.Event()

    def take() -> None:
        with lock(lambda owner: (told.append(owner), waiting.set())):
            entered.set()

    thread = threading.Thread(target=take)
    thread.start()
    assert waiting.wait(20)
    assert not entered.is_set()
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    thread.join(20)
    assert entered.is_set()
    return told


def assert_names(told: list[str], child: "subprocess.Popen[str]") -> None:
    """The owner with its age."""
    (owner,) = told
    assert re.fullmatch(rf"process {child.pid} \(began [\d.]+ s ago\)", owner)


def test_a_run_folder_is_held_by_one_process_and_freed_by_its_death(tmp_path: Path) -> None:
    child = start(HOLD_FOLDER, str(tmp_path))
    told = wait_for_turn(child, lambda on_wait: folder_lock(tmp_path, on_wait))
    assert_names(told, child)


def test_one_process_times_on_a_machine_and_the_next_sleeps_until_it_ends() -> None:
    child = start(HOLD_TIMING)
    assert_names(wait_for_turn(child, timing_lock), child)


@pytest.mark.parametrize(
    ("delay_s", "name", "owner"),
    [
        ("60", "", "another process"),
        ("0", "17 board", "process 17 on board"),
        ("0.2", "1 board", "process 1 on board"),
    ],
)
def test_an_owner_that_is_about_to_write_its_name_is_not_taken_for_the_one_before_it(
    tmp_path: Path, delay_s: str, name: str, owner: str
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / ".lock").write_text(str(gone.pid))
    child = start(HOLD_NAMELESS, str(tmp_path), delay_s, name)
    assert wait_for_turn(child, lambda on_wait: folder_lock(tmp_path, on_wait)) == [owner]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_work_goes_on_where_there_are_no_locks_which_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("runner.store.locks.fcntl.flock", refuse)
    monkeypatch.setattr("runner.store.locks._said_lockless", set())
    told: list[str] = []
    for name in ("one", "two"):
        with folder_lock(tmp_path / name, print, on_lockless=told.append):
            pass
    (said,) = told
    assert "one can't be locked" in said
    assert os.strerror(number) in said
    # Whoever clears up must not go on.
    with pytest.raises(OSError, match=os.strerror(number)), folder_lock(tmp_path, print):
        pass


@pytest.mark.parametrize("kind", ["folder", "timing"])
def test_whoever_has_no_more_time_to_wait_is_told_for_whom_it_waited(
    tmp_path: Path, kind: str
) -> None:
    told: list[str] = []
    if kind == "folder":
        child = start(HOLD_FOLDER, str(tmp_path))
        lock = folder_lock(tmp_path, told.append, 0.05)
    else:
        child = start(HOLD_TIMING)
        lock = timing_lock(told.append, 0.05)
    with pytest.raises(OutOfTimeError) as caught, lock:
        pass
    child.communicate("")
    assert_names(told, child)
    assert caught.value.why == f"it was spent waiting for {told[0]}"
