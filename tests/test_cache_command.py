"""`retime cache` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.shelf import DAY_S, Shelf
from tests.store.test_pruning import NOW_S

pytestmark = pytest.mark.fast


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def retime(shelf: Shelf, *arguments: str, columns: int = 80) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runner", *shelf.places(), *arguments],
        env={"COLUMNS": str(columns), "PATH": ""},
        cwd=Path(__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_list_says_of_each_its_size_age_and_runs_and_fits(shelf: Shelf, columns: int) -> None:
    used = shelf.artifact("used", size=3 * 2**20, used_s=NOW_S - 12.5 * DAY_S)
    idle = shelf.artifact("idle")
    for _ in range(2):
        shelf.run("dense-head", used)
    shelf.run("dense-head", used, finished=False)
    draft = shelf.cache / "tmp" / "train-abcdefabcdef.4194305"
    draft.mkdir(parents=True)
    done = retime(shelf, "cache", columns=columns)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    for words in (
        *(used[:12], idle[:12], "3.00 MiB", "12 d", "dense-head (3 runs, 1 unfinished)"),
        *("no run", "2 artifacts", "train-abcdefabcdef.4194305", "prune --unused"),
    ):
        assert words in text
    lines = [line for line in done.stdout.splitlines() if str(shelf.root) not in line]
    assert max(map(len, lines)) <= columns


def test_the_list_is_cut_where_it_is_told_to_and_machines_get_all(shelf: Shelf) -> None:
    for index in range(5):
        shelf.artifact(str(index), size=1000 + index)
    page = retime(shelf, "cache", "--limit", "2").stdout
    assert "and 3 more" in page
    record = json.loads(retime(shelf, "cache", "--limit", "2", "--format", "json").stdout)
    assert len(record["artifacts"]) == 5
    assert record["bytes"] == sum(one["bytes"] for one in record["artifacts"])


def test_an_empty_cache_is_no_error(shelf: Shelf) -> None:
    for arguments in (["cache"], ["cache", "verify"], ["cache", "prune", "--unused"]):
        done = retime(shelf, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout
    assert not shelf.cache.exists()


def test_verifying_ends_with_4_names_the_file_and_says_what_to_do_until_it_is_repaired(
    shelf: Shelf,
) -> None:
    key = shelf.artifact("one")
    shelf.damage(key)
    shelf.run("dense-head", key)
    found = retime(shelf, "cache", "verify")
    assert found.returncode == 4
    for words in (key[:12], "model.bin: its content has changed", "dense-head", "--repair"):
        assert words in found.stdout
    repaired = retime(shelf, "cache", "verify", "--repair")
    assert repaired.returncode == 0
    assert "removed" in repaired.stdout
    record = json.loads(retime(shelf, "cache", "verify", "--format", "json").stdout)
    assert (record["verified"], record["damaged"]) == (0, [])


def test_pruning_without_a_condition_is_refused_and_removes_nothing(shelf: Shelf) -> None:
    key = shelf.artifact("one")
    done = retime(shelf, "cache", "prune")
    assert done.returncode == 2
    assert "--older-than" in done.stderr
    assert shelf.left() == {key}


@pytest.mark.parametrize(
    "arguments",
    [["--older-than", "30"], ["--to-size", "much"], ["--older-than"]],
    ids=" ".join,
)
def test_a_condition_that_is_no_age_or_size_is_refused(shelf: Shelf, arguments: list[str]) -> None:
    key = shelf.artifact("one")
    done = retime(shelf, "cache", "prune", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert shelf.left() == {key}


def test_pruning_says_what_it_would_do_and_then_does_it(shelf: Shelf) -> None:
    old = shelf.artifact("old", used_s=NOW_S - 40 * DAY_S)
    kept, new = shelf.artifact("kept", used_s=NOW_S - 40 * DAY_S), shelf.artifact("new")
    shelf.run("dense-head", kept, finished=False)
    command = ["cache", "prune", "--older-than", "30d"]
    said = retime(shelf, *command, "--dry-run")
    assert "Would remove 1 artifact" in said.stdout
    assert "--unfinished removes them too" in said.stdout
    assert shelf.left() == {old, kept, new}
    done = json.loads(retime(shelf, *command, "--format", "json").stdout)
    assert [one["key"] for one in done["artifacts"]] == [old]
    assert len(done["kept_for_unfinished_runs"]) == 1
    assert shelf.left() == {kept, new}
