"""What a process declares to be at work with stays, as long as the process lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from runner.errors import OutOfTimeError
from runner.steps.clearing import prune, remove_damaged, verify
from runner.store.pruning import Wish
from runner.store.usage import (
    artifacts_in_use,
    clearing_up,
    forget_the_dead,
    keys_in_use,
)
from tests.file_systems import mounted
from tests.store.shelf import Shelf

pytestmark = pytest.mark.fast

EVERYTHING = Wish(older_than_s=0.0, unfinished=True)
USE = """
import sys
from pathlib import Path
from runner.store.usage import artifacts_in_use
with artifacts_in_use(Path(sys.argv[1]), sys.argv[2:], print):
    print("held", flush=True)
    sys.stdin.read()
"""


def start(cache: Path, *keys: str) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", USE, str(cache), *keys],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def kill(child: subprocess.Popen[str]) -> None:
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()


def test_what_another_process_uses_is_kept_and_goes_when_it_was_killed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    used, idle = shelf.artifact("used"), shelf.artifact("idle")
    child = start(shelf.cache, used, "of a stage that is not made yet")
    try:
        choice = prune(shelf.cache, shelf.runs, EVERYTHING, print, dry_run=False)
        assert [one.key for one in choice.items] == [idle]
        assert [one.in_use_by for one in choice.in_use] == [f"process {child.pid}"]
        assert shelf.left() == {used}
    finally:
        kill(child)
    prune(shelf.cache, shelf.runs, EVERYTHING, print, dry_run=False)
    assert shelf.left() == set()
    assert list((shelf.cache / "in-use").iterdir()) == []


def test_a_damaged_artifact_that_is_in_use_is_named_and_not_removed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    key = shelf.artifact("used")
    shelf.damage(key)
    child = start(shelf.cache, key)
    try:
        _, damages = verify(shelf.cache, shelf.runs)
        (left,) = remove_damaged(shelf.cache, damages, print)
        assert not left.is_removed
        assert left.item.in_use_by == f"process {child.pid}"
        assert shelf.left() == {key}
    finally:
        kill(child)


def test_whoever_begins_while_somebody_clears_up_waits_until_that_has_ended(tmp_path: Path) -> None:
    told: list[str] = []
    waiting, entered = threading.Event(), threading.Event()

    def use() -> None:
        with artifacts_in_use(tmp_path, ["key"], lambda who: (told.append(who), waiting.set())):
            entered.set()

    with clearing_up(tmp_path, print):
        thread = threading.Thread(target=use)
        thread.start()
        assert waiting.wait(20)
        assert not entered.is_set()
        assert keys_in_use(tmp_path) == {}
    thread.join(20)
    assert entered.is_set()
    (owner,) = told
    assert owner.startswith(f"process {os.getpid()} (began ")


def test_whoever_has_no_more_time_is_told_that_somebody_clears_up(tmp_path: Path) -> None:
    (tmp_path / "in-use").mkdir()
    (tmp_path / "in-use" / "1-dead").write_text("{}")
    with clearing_up(tmp_path, print):
        (tmp_path / "in-use" / "2-dead").write_text("{}")
        with pytest.raises(OutOfTimeError, match="used up"):
            forget_the_dead(tmp_path, lambda _: None, 0.01)
        with (
            pytest.raises(OutOfTimeError, match="used up"),
            artifacts_in_use(tmp_path, ["key"], lambda _: None, 0.01),
        ):
            pass


def test_two_benches_of_one_process_each_hold_what_they_use(tmp_path: Path) -> None:
    with artifacts_in_use(tmp_path, ["a", "b"], print):
        with artifacts_in_use(tmp_path, ["b"], print):
            pass
        assert keys_in_use(tmp_path).keys() == {"a", "b"}
    assert keys_in_use(tmp_path) == {}


def test_work_goes_on_where_a_cache_may_only_be_read(tmp_path: Path) -> None:
    with mounted(tmp_path, "ro,size=1m") as is_there:
        if not is_there and os.geteuid() == 0:
            pytest.skip("mounting a file system that can only be read is not permitted")
        if not is_there:
            tmp_path.chmod(0o555)
        with artifacts_in_use(tmp_path, ["key"], print):
            assert keys_in_use(tmp_path) == {}
        if not is_there:
            tmp_path.chmod(0o755)


def test_what_the_dead_declared_is_forgotten_and_what_the_living_did_is_not(tmp_path: Path) -> None:
    with artifacts_in_use(tmp_path, ["alive"], print):
        (tmp_path / "in-use" / "1-dead").write_text("{}")
        forget_the_dead(tmp_path, print)
        assert not (tmp_path / "in-use" / "1-dead").exists()
        assert set(keys_in_use(tmp_path)) == {"alive"}
