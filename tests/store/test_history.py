"""The index of runs says what their files say, whatever happened to it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from runner.store.history import Filter, Listing, index_path, list_runs, note_run
from runner.store.locks import folder_lock
from runner.store.runs import Run, RunStore
from tests.results import quickstart

pytestmark = pytest.mark.fast

ROOT = Path(__file__).resolve().parents[2]
PLAN = {"schedule_seed": 1, "arms": ["a"], "variants": {"quantize=int8": {}}, "stages": {}}


def add_run(runs: Path, name: str, **changes: Any) -> Run:
    run = RunStore(runs, name).create("ab" * 32, PLAN)
    run.write_result(quickstart() | {"name": name} | changes)
    return run


def names(listing: Listing) -> list[str]:
    return [entry.name for entry in listing.entries]


def at(day: int) -> dict[str, str]:
    return {"finished": f"2026-01-{day:02d}T12:00:00+00:00"}


def moment(day: int) -> float:
    return datetime(2026, 1, day, tzinfo=timezone.utc).timestamp()


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three finished runs, and one that is not."""
    folder = tmp_path / "runs"
    add_run(folder, "old", **at(3), host=quickstart()["host"] | {"name": "board"})
    add_run(folder, "new", **at(20), question="Is GELU slower?")
    add_run(folder, "middle", **at(10))
    RunStore(folder, "open").create("cd" * 32, PLAN)
    return folder


def test_the_newest_run_comes_first_with_what_its_result_says(runs: Path) -> None:
    listing = list_runs(runs)
    assert names(listing) == ["open", "new", "middle", "old"]
    assert (listing.matching, listing.total, listing.note) == (4, 4, "")
    entry, result = listing.entries[1], quickstart()
    assert (entry.status, entry.proven, entry.blocks) == ("done", True, 12)
    assert (entry.promises, entry.kept) == (1, 1)
    assert [one.name for one in entry.variants] == [one["name"] for one in result["variants"]]
    verdicts = [one.verdict for one in entry.variants]
    assert verdicts == [None, "faster", "slower", "inconclusive"]
    assert (entry.variants[1].ratio, entry.variants[1].low) == (0.689, 0.682)
    assert (runs / entry.run / "result.json").exists()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(text="MIDD"), ["middle"]),
        (Filter(text="gelu"), ["new"]),
        (Filter(host="BOAR"), ["old"]),
        (Filter(status="unfinished"), ["open"]),
        (Filter(status="done"), ["new", "middle", "old"]),
        (Filter(since_s=moment(10)), ["open", "new", "middle"]),
        (Filter(since_s=moment(4), before_s=moment(15)), ["middle"]),
        (Filter(verdict="slower"), ["new", "middle", "old"]),
        (Filter(variant="wide", verdict="faster"), []),
        (Filter(variant="stock", verdict="faster", host="board"), ["old"]),
        (Filter(variant="int8", status="unfinished"), ["open"]),
        (Filter(text="100%_'; DROP TABLE runs"), []),
    ],
    ids=str,
)
def test_filters_find_what_they_say_and_all_of_them_must_hold(
    runs: Path, wanted: Filter, found: list[str]
) -> None:
    assert names(list_runs(runs, wanted)) == found


def test_a_limit_keeps_the_newest_and_says_how_many_there_are(runs: Path) -> None:
    listing = list_runs(runs, Filter(status="done"), limit=2)
    assert (names(listing), listing.matching, listing.total) == (["new", "middle"], 3, 4)


def test_what_is_written_changed_and_removed_is_seen(runs: Path) -> None:
    list_runs(runs)
    shutil.rmtree(runs / "old")
    (opened,) = (runs / "open").glob("*-*")
    result = quickstart() | {"name": "open"} | at(25)
    result["variants"][0]["status"] = "failed"
    (opened / "result.json").write_text(json.dumps(result))
    listing = list_runs(runs)
    assert names(listing) == ["open", "new", "middle"]
    assert [one.status for one in listing.entries] == ["failed", "done", "done"]
    assert listing.note == ""


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda r: r["expectations"][0].update(holds=None), "broken"),
        (lambda r: r["blocks"].update(stopped="disturbed"), "disturbed"),
        (lambda r: r["blocks"].update(stopped="deadline"), "unfinished"),
        (lambda r: r["variants"][1].update(status="failed"), "failed"),
        (lambda r: r.pop("variants"), "damaged"),
        (lambda r: r.update(format=99), "damaged"),
    ],
)
def test_a_run_stands_as_its_result_does(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], status: str
) -> None:
    result = quickstart()
    change(result)
    RunStore(tmp_path, "one").create("ab" * 32, PLAN).write_result(result)
    assert [one.status for one in list_runs(tmp_path).entries] == [status]


def test_an_index_that_was_deleted_is_made_again(runs: Path) -> None:
    before = list_runs(runs)
    shutil.rmtree(index_path(runs).parent)
    assert list_runs(runs) == before
    assert index_path(runs).exists()


def damage_text(path: Path) -> None:
    path.write_text("no database at all, but long enough to be read as one" * 100)


def damage_middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 4 :] = b"\xa5" * (len(data) - len(data) // 4)
    path.write_bytes(data)


def damage_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_tables(path: Path) -> None:
    with sqlite3.connect(path) as index:
        index.execute("DROP TABLE variants")
    index.close()


def make_old(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as index:
        index.execute("CREATE TABLE runs (folder TEXT)")
    index.close()


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (damage_text, "damaged"),
        (damage_middle, "damaged"),
        (damage_end, "damaged"),
        (damage_tables, "damaged"),
        (make_old, "older version"),
    ],
)
def test_a_spoilt_index_is_made_anew_and_that_is_said_once(
    runs: Path, spoil: Callable[[Path], None], word: str
) -> None:
    before = list_runs(runs)
    spoil(index_path(runs))
    listing = list_runs(runs)
    assert word in listing.note
    assert listing.entries == before.entries
    assert list_runs(runs) == before


def test_an_index_of_a_newer_version_is_left_alone_and_all_is_read_from_the_files(
    runs: Path,
) -> None:
    before = list_runs(runs)
    with sqlite3.connect(index_path(runs)) as index:
        index.execute("PRAGMA user_version = 99")
    index.close()
    kept = index_path(runs).read_bytes()
    listing = list_runs(runs)
    assert "newer version" in listing.note
    assert listing.entries == before.entries
    assert index_path(runs).read_bytes() == kept


def test_an_index_that_another_program_holds_is_read_around(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = list_runs(runs)
    monkeypatch.setattr("runner.store.history._LOCK_WAIT_S", 0.1)
    other = sqlite3.connect(index_path(runs), isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        listing = list_runs(runs)
    finally:
        other.close()
    assert "locked" in listing.note
    assert listing.entries == before.entries


def test_an_index_that_another_process_works_on_is_waited_for_no_longer_than_a_while(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bench holds the machine meanwhile."""
    before = list_runs(runs)
    monkeypatch.setattr("runner.store.history._LOCK_WAIT_S", 0.1)
    with folder_lock(index_path(runs).parent, lambda _: None):
        note_run(runs)
        listing = list_runs(runs)
    assert "can't be kept (another process works on it)" in listing.note
    assert listing.entries == before.entries


def mounted(folder: Path, options: str) -> None:
    made = subprocess.run(
        ["mount", *options.split(), str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("mounting a file system needs root")


@pytest.mark.parametrize("had_index", [True, False])
def test_runs_that_may_only_be_read_are_listed_all_the_same(runs: Path, *, had_index: bool) -> None:
    before = list_runs(runs)
    if not had_index:
        shutil.rmtree(index_path(runs).parent)
    mounted(runs, f"--bind {runs}")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(runs)], check=True)
        listing = list_runs(runs)
        note_run(runs)
    finally:
        subprocess.run(["umount", "-l", str(runs)], check=True)
    assert listing.entries == before.entries
    assert "can't be kept" in listing.note


def test_a_full_disk_takes_nothing_but_the_index(runs: Path) -> None:
    before = list_runs(runs)
    shutil.rmtree(index_path(runs).parent)
    index_path(runs).parent.mkdir()
    mounted(index_path(runs).parent, "-t tmpfs -o size=8k tmpfs")
    try:
        listing = list_runs(runs)
    finally:
        subprocess.run(["umount", "-l", str(index_path(runs).parent)], check=True)
    assert listing.entries == before.entries
    assert "full" in listing.note or "space" in listing.note


ADD = """
import sys
from pathlib import Path
from runner.store.history import note_run
from tests.store.test_history import add_run
for index in range(10):
    add_run(Path(sys.argv[1]), f"writer-{sys.argv[2]}-{index}")
    note_run(Path(sys.argv[1]))
"""


def test_processes_that_write_at_once_lose_no_run(tmp_path: Path) -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", ADD, str(tmp_path), str(number)], cwd=ROOT)
        for number in range(4)
    ]
    assert [child.wait(120) for child in children] == [0] * 4
    with sqlite3.connect(index_path(tmp_path)) as index:
        (count,) = index.execute("SELECT count(*) FROM runs").fetchone()
    index.close()
    assert count == 40
    listing = list_runs(tmp_path)
    assert (listing.total, listing.note) == (40, "")


def test_only_what_has_changed_is_read_again(runs: Path) -> None:
    before = list_runs(runs)
    for path in runs.glob("*/*/result.json"):
        # The same length and time, other words: whoever looked inside would notice.
        kept = path.stat()
        path.write_bytes(b"x" * kept.st_size)
        os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert list_runs(runs) == before


def test_a_folder_that_is_not_there_has_no_runs_and_is_not_made(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "absent") == Listing((), 0, 0)
    note_run(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()
