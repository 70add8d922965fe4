"""`retime compare` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.store.runs import RunStore
from tests.results import quickstart

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


def add_run(runs: Path, result: dict[str, Any]) -> str:
    """Writes a result to a run of its own; returns `name/run-id`."""
    run = RunStore(runs, "quickstart").create("ab" * 32, {"schedule_seed": 1, "arms": ["a"]})
    run.write_result(result | {"run_id": run.run_id})
    return f"quickstart/{run.run_id}"


def moved() -> dict[str, Any]:
    """On another machine, and one ratio is another one."""
    result = quickstart()
    result["host"] |= {"name": "board", "cpu": "Cortex-A76"}
    compared = result["comparisons"][0]
    compared |= {"ratio": 0.9, "interval": [0.89, 0.91]}
    return result


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_what_differs_comes_before_what_changed_and_all_of_it_fits(
    tmp_path: Path, columns: int
) -> None:
    first, second = add_run(tmp_path, quickstart()), add_run(tmp_path, moved())
    done = retime(tmp_path, "compare", first, second, columns=columns)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    places = [
        text.index(words)
        for words in (
            *("Of 3 ratios", "1 changed", "What differs", "the spec is the same"),
            *("cpu unknown -> Cortex-A76", "Ratios to the baseline", "0.689x", "0.900x"),
            *("Latencies, not judged", "305 us"),
        )
    ]
    assert places == sorted(places)
    assert "changed by +30.6 %" in text
    lines = [line for line in done.stdout.splitlines() if "quickstart/" not in line]
    assert max(map(len, lines)) <= columns


def test_the_same_is_said_to_machines(tmp_path: Path) -> None:
    first, second = add_run(tmp_path, quickstart()), add_run(tmp_path, moved())
    record = json.loads(retime(tmp_path, "compare", first, second, "--format", "json").stdout)
    assert (record["first"]["run"], record["second"]["run"]) == (first, second)
    answers = [pair["change"]["answer"] for pair in record["ratios"]]
    assert answers == ["changed", "same", "can't tell"]
    assert record["same_spec"] is True
    assert [pair["change"] for pair in record["latencies"]] == [None] * 4


def test_a_run_that_is_unproven_is_said_first(tmp_path: Path) -> None:
    first = add_run(tmp_path, quickstart())
    second = add_run(tmp_path, quickstart() | {"proven": False})
    done = retime(tmp_path, "compare", first, second)
    assert "Unproven: the second run's own controls failed." in " ".join(done.stdout.split())


def test_a_folder_of_a_specs_runs_means_its_newest(tmp_path: Path) -> None:
    first = add_run(tmp_path / "a", quickstart())
    add_run(tmp_path / "b", moved())
    newest = str(tmp_path / "b" / "quickstart")
    assert retime(tmp_path / "a", "compare", first, newest).returncode == 0


def test_what_can_not_be_compared_is_refused_with_a_reason(tmp_path: Path) -> None:
    first = add_run(tmp_path, quickstart())
    other = quickstart()
    other["variants"], other["comparisons"] = other["variants"][:1], []
    other["variants"][0]["name"] = "something else"
    second = add_run(tmp_path, other)
    for arguments, words in (
        ((first, second), ["different questions", "something else", "model.head=stock"]),
        ((first, first), ["both are the same run"]),
        ((first, "nowhere"), ["there is no result", "nowhere"]),
    ):
        done = retime(tmp_path, "compare", *arguments)
        assert done.returncode == 2
        for word in words:
            assert word in done.stderr
        assert "Traceback" not in done.stderr
