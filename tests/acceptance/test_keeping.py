"""What is kept, beside real benches: pruning, and room on a real file system."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import SMALL, Benched, Desk
from tests.file_systems import mounted

pytestmark = pytest.mark.acceptance

MIB = 2**20


def test_pruning_beside_a_bench_takes_nothing_that_it_reads(
    benched: Benched, tmp_path: Path
) -> None:
    desk = Desk(tmp_path / "runs", tmp_path / "cache")
    shutil.copytree(benched.desk.cache, desk.cache)
    before = set(desk.cache.glob("*/*/manifest.json"))
    child = subprocess.Popen(
        desk.command("bench", SMALL), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.monotonic() + 120
    while not any(event["event"] == "stage" for event in desk.events()):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    pruned = desk.retime("cache", "prune", "--older-than", "0s", "--unfinished", "--format", "json")
    record = json.loads(pruned.stdout)
    output, _ = child.communicate(timeout=300)
    assert child.returncode in (0, 1), output
    assert record["artifacts"] == []
    assert len(record["kept_in_use"]) == len(before)
    assert set(desk.cache.glob("*/*/manifest.json")) == before
    statuses = {event["status"] for event in desk.events() if event["event"] == "stage"}
    assert statuses == {"cached"}


def test_a_bench_enters_its_run_in_the_index_and_the_list_agrees(benched: Benched) -> None:
    path = benched.desk.runs / ".history" / "runs.sqlite"
    with sqlite3.connect(path) as index:
        entered = index.execute("SELECT run, status FROM runs").fetchall()
    index.close()
    run = f"small/{benched.folder.name}"
    assert (run, "done") in entered
    listed = json.loads(benched.desk.retime("runs", "small", "--format", "json").stdout)
    (one,) = [one for one in listed["runs"] if one["run"] == run]
    verdicts = {v["name"]: v["verdict"] for v in one["variants"]}
    for comparison in benched.result["comparisons"]:
        assert verdicts[comparison["variant"]] == comparison["verdict"]


def test_two_benches_of_one_spec_differ_in_nothing_but_chance(benched: Benched, desk: Desk) -> None:
    assert desk.retime("bench", SMALL).returncode in (0, 1)
    (second,) = desk.run_folders()
    done = desk.retime("compare", benched.folder, second, "--format", "json")
    record = json.loads(done.stdout)
    assert (done.returncode, record["same_spec"]) == (0, True)
    kinds = {one["kind"] for one in record["differences"]}
    # A warm-up that was found too short in one of them is all that a shared machine may add.
    assert kinds <= {"settings"}
    assert [pair["name"] for pair in record["ratios"]] == [
        comparison["variant"] for comparison in benched.result["comparisons"]
    ]
    for pair in record["ratios"]:
        low, high = pair["change"]["interval"]
        assert low < pair["change"]["ratio"] < high


def test_what_was_pruned_is_made_again_and_nothing_else(benched: Benched, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "runs", tmp_path / "cache")
    shutil.copytree(benched.desk.cache, desk.cache)
    shutil.rmtree(desk.cache / "evaluate")
    whole = json.loads(desk.retime("cache", "--format", "json").stdout)
    keep = sum(one["bytes"] for one in whole["artifacts"] if one["stage"] != "convert")
    for folder in (desk.cache / "convert").iterdir():
        subprocess.run(["touch", "-d", "2020-01-01", str(folder)], check=True)
    done = desk.retime("cache", "prune", "--to-size", f"{keep}B")
    assert done.returncode == 0, done.stderr
    assert not list((desk.cache / "convert").iterdir())
    assert desk.retime("bench", SMALL).returncode in (0, 1)
    stages = [event for event in desk.events() if event["event"] == "stage"]
    assert {e["stage"] for e in stages if e["status"] == "done"} == {"convert", "evaluate"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 MiB."""
    mount = tmp_path / "disk"
    with mounted(mount, "size=256m") as is_there:
        if not is_there:
            pytest.skip("mounting a small file system needs root")
        yield mount


def test_a_bench_that_has_no_room_for_its_artifacts_begins_nothing(
    benched: Benched, disk: Path, tmp_path: Path
) -> None:
    desk = Desk(tmp_path / "runs", disk / "cache")
    shutil.copytree(benched.desk.cache, desk.cache)
    # Nothing of this has been made, but all of its kind.
    spec = tmp_path / "other.yaml"
    spec.write_text(SMALL.read_text().replace("seed: 7", "seed: 8"))
    assert desk.retime("plan", spec).stdout.count("Not enough room") == 0
    (disk / "ballast").write_bytes(b"x" * (shutil.disk_usage(disk).free - MIB))
    before = sorted(desk.cache.rglob("*"))
    planned = desk.retime("plan", spec)
    assert planned.returncode == 0
    assert "Not enough room" in planned.stdout
    (room,) = [
        one
        for one in json.loads(desk.retime("plan", spec, "--format", "json").stdout)["room"]
        if not one["is_enough"]
    ]
    assert room["folders"] == [str(desk.cache)]
    assert room["free_bytes"] < 2 * MIB < room["need_bytes"]
    done = desk.retime("bench", spec)
    assert done.returncode == 4
    for words in ("not enough room", str(desk.cache), "1.00 MiB are free", "retime cache prune"):
        assert words in done.stderr
    assert sorted(desk.cache.rglob("*")) == before
    assert desk.run_folders() == []


def test_a_bench_that_has_no_room_for_its_samples_begins_nothing(
    benched: Benched, disk: Path
) -> None:
    desk = Desk(disk / "runs", benched.desk.cache)
    (disk / "ballast").write_bytes(b"x" * (shutil.disk_usage(disk).free - MIB // 2))
    done = desk.retime("bench", SMALL)
    assert done.returncode == 4
    for words in ("not enough room", str(desk.runs), "for samples"):
        assert words in done.stderr
    assert desk.run_folders() == []
    (disk / "ballast").unlink()
    assert desk.retime("bench", SMALL).returncode in (0, 1)
