"""A command at the end gets the summary, and nothing of it outlives its time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runner.steps import afterwards
from runner.steps.afterwards import run_last
from runner.store.batches import Batch, BatchStore
from tests.report.test_summary import outcome, summary

pytestmark = pytest.mark.fast

# A child of the shell, which writes its number to a file.
CHILD = "sleep 77 & echo $! > {}; "


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    return BatchStore(tmp_path).create("ab" * 32, ["a.yaml"])


def is_running(number: Path) -> bool:
    stat = Path("/proc", number.read_text().strip(), "stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_it_reads_the_summary_and_its_failure_is_noted(batch: Batch, tmp_path: Path) -> None:
    mail = tmp_path / "mail"
    assert run_last(f"cat > {mail}", summary(outcome("a")), batch) == ""
    assert "Is a slower?" in mail.read_text()
    assert run_last("exit 7", summary(outcome("a")), batch) == "ended with exit code 7"
    assert [event["said"] for event in batch.journal.events()] == ["ended with exit code 7"]


def test_all_that_it_started_ends_with_its_time(
    batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afterwards, "_LONGEST_S", 0.5)
    number = tmp_path / "child"
    said = run_last(f"{CHILD.format(number)} wait", summary(outcome("a")), batch)
    assert said.startswith("was ended after")
    assert not is_running(number)


STOPPED = """
import sys
from runner import interrupts
from runner.steps.afterwards import _run
interrupts.listen()
try:
    _run(sys.argv[1], "", {})
except KeyboardInterrupt:
    interrupts.heard()
    print("stopped")
"""


def test_all_that_it_started_ends_when_somebody_asks_for_an_end(tmp_path: Path) -> None:
    number = tmp_path / "child"
    command = f"{CHILD.format(number)} kill -INT $PPID; wait"
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, command], capture_output=True, text=True, check=False
    )
    assert done.stdout == "stopped\n", done.stderr
    assert not is_running(number)
