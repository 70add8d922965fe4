"""`retime runs` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runner.store.runs import RunStore
from tests.store.test_history import PLAN, add_run

pytestmark = pytest.mark.fast

ROOT = Path(__file__).resolve().parent.parent


def retime(runs: Path, *arguments: str, columns: int = 80) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runner", "--runs", str(runs), *arguments],
        env={"COLUMNS": str(columns), "PATH": ""},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_each_run_is_named_whole_with_its_answer_and_fits(tmp_path: Path, columns: int) -> None:
    done = add_run(tmp_path, "dense-head")
    opened = RunStore(tmp_path, "a-rather-long-name-of-a-spec-that-somebody-gave").create("a", PLAN)
    listed = retime(tmp_path, "runs", columns=columns)
    assert listed.returncode == 0, listed.stderr
    names = [f"{run.folder.parent.name}/{run.run_id}" for run in (done, opened)]
    for name in names:
        assert name in listed.stdout
    text = " ".join(listed.stdout.split())
    for words in ("1 faster, 1 slower, 1 inconclusive", "unfinished", "now"):
        assert words in text
    assert "unproven" not in text
    lines = [line for line in listed.stdout.splitlines() if not any(n in line for n in names)]
    assert all(len(line) <= columns for line in lines)


def test_what_is_found_for_people_is_found_for_machines(tmp_path: Path) -> None:
    add_run(tmp_path, "one", proven=False)
    add_run(tmp_path, "two")
    record = json.loads(retime(tmp_path, "runs", "one", "--format", "json").stdout)
    assert (record["total"], record["matching"]) == (2, 1)
    (run,) = record["runs"]
    assert (run["name"], run["proven"], run["finished"]) == (
        "one",
        False,
        "2026-01-01T00:03:00+00:00",
    )
    assert run["answer"].endswith("unproven")
    assert "unproven" in retime(tmp_path, "runs", "one").stdout


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--since", "2026-01-01"], 1),
        (["--since", "2026-01-02"], 0),
        (["--until", "2026-01-01"], 1),
        (["--until", "2025-12-31"], 0),
        (["--until", "2026-01-01T00:02"], 0),
        (["--since", "2026-01-01T00:03"], 1),
        (["--since", "7d", "--until", "1d"], 0),
        (["--limit", "0", "--verdict", "equivalent"], 0),
    ],
)
def test_moments_are_days_minutes_or_so_long_ago(
    tmp_path: Path, arguments: list[str], count: int
) -> None:
    add_run(tmp_path, "one")
    record = json.loads(retime(tmp_path, "runs", *arguments, "--format", "json").stdout)
    assert record["matching"] == count


@pytest.mark.parametrize(
    "arguments",
    [["--since", "yesterday"], ["--status", "fine"], ["--limit", "-1"], ["--verdict", "worse"]],
    ids=" ".join,
)
def test_a_filter_that_means_nothing_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    done = retime(tmp_path, "runs", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_no_runs_and_no_match_are_no_errors(tmp_path: Path) -> None:
    assert "There are no runs" in retime(tmp_path, "runs").stdout
    add_run(tmp_path, "one")
    done = retime(tmp_path, "runs", "nothing")
    assert (done.returncode, "None of 1 runs matches" in done.stdout) == (0, True)


def test_an_index_that_was_made_anew_is_said(tmp_path: Path) -> None:
    add_run(tmp_path, "one")
    retime(tmp_path, "runs")
    (tmp_path / ".history" / "runs.sqlite").write_text("rubbish" * 1000)
    assert "was damaged and has been made anew" in " ".join(retime(tmp_path, "runs").stdout.split())
