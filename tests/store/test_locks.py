"""Locks exclude real processes, name the owner, and die with him."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.store.locks import folder_lock, timing_lock

pytestmark = pytest.mark.fast

HOLD_FOLDER = """
import sys
from pathlib import Path
from runner.store.locks import folder_lock
with folder_lock(Path(sys.argv[1]), print):
    print("held", flush=True)
    sys.stdin.read()
"""
HOLD_TIMING = """
import sys
from runner.store.locks import timing_lock
with timing_lock(lambda owner: None):
    print("held", flush=True)
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


def test_a_run_folder_is_held_by_one_process_and_freed_by_its_death(tmp_path: Path) -> None:
    child = start(HOLD_FOLDER, str(tmp_path))
    told = wait_for_turn(child, lambda on_wait: folder_lock(tmp_path, on_wait))
    assert told == [f"process {child.pid}"]


def test_one_process_times_on_a_machine_and_the_next_sleeps_until_it_ends() -> None:
    child = start(HOLD_TIMING)
    assert wait_for_turn(child, timing_lock) == [f"process {child.pid}"]
