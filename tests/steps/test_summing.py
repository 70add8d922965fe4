"""A batch is summed up from its journal, and from results that are as they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.report.summary import as_markdown
from runner.steps.summing import sum_up
from runner.store.batches import Batch, BatchStore
from runner.store.runs import Run, RunStore
from tests.results import quickstart

pytestmark = pytest.mark.fast


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A finished run."""
    run = RunStore(tmp_path, "heads").create("ab" * 32, {"schedule_seed": 1, "arms": []})
    run.write_result(quickstart())
    run.finish(proven=True)
    return run


def begun(tmp_path: Path, *names: str) -> Batch:
    """A batch of these specs, none of which had its turn."""
    batch = BatchStore(tmp_path).create("cd" * 32, [f"{name}.yaml" for name in names])
    queue = [
        {"spec": f"{name}.yaml", "name": name, "question": f"Is {name} slower?", "seconds": 1.0}
        for name in names
    ]
    batch.journal.append("started", host={}, queue=queue)
    return batch


def note(batch: Batch, name: str, status: str = "answered", **fields: Any) -> None:
    about = {"spec": f"{name}.yaml", "sha256": "x", "name": name}
    usual = {"status": status, "exit_code": 0, "seconds": 1.0}
    batch.journal.append("spec_ended", **about, **(usual | fields))


def test_an_answer_is_read_from_the_run_that_it_stands_in(tmp_path: Path, run: Run) -> None:
    batch = begun(tmp_path, "heads")
    note(batch, "heads", run=str(run.folder))
    text = as_markdown(sum_up(batch))
    assert "stock/int8 is faster (0.689x)" in text
    assert "damaged" not in text


def test_a_damaged_result_is_said_to_be_that_and_none_of_it_is_told(
    tmp_path: Path, run: Run
) -> None:
    batch = begun(tmp_path, "heads")
    note(batch, "heads", run=str(run.folder))
    path = run.folder / "result.json"
    path.write_text(path.read_text().replace('"comparisons"', '"comperisons"'))
    text = as_markdown(sum_up(batch))
    assert "the result is damaged" in text
    assert "is faster" not in text
    assert "put together from the journal" in text


def test_what_a_start_worked_that_was_killed_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its spec's run tells how far it came; whoever goes on later writes to the same run."""

    def at(time: str) -> None:
        monkeypatch.setattr("runner.store.journal.now", lambda: f"2026-01-01T{time}.000+00:00")

    at("18:00:00")
    batch = begun(tmp_path, "heads")
    run = RunStore(tmp_path, "heads").create("ab" * 32, {"schedule_seed": 1, "arms": []})
    batch.journal.append("spec_started", spec="heads.yaml", name="heads")
    at("21:00:00")
    run.journal.append("process")
    # It was killed then; the machine was off until the morning.
    assert sum_up(batch).seconds == 3 * 3600
    at("23:00:00")
    queue = [{"spec": "heads.yaml", "name": "heads", "question": ""}]
    batch.journal.append("started", host={}, queue=queue)
    batch.journal.append("spec_started", spec="heads.yaml", name="heads")
    run.journal.append("process")
    at("23:30:00")
    note(batch, "heads", seconds=1800.0)
    batch.journal.append("ended", reason="done")
    told = sum_up(batch)
    assert (told.seconds, told.starts) == (3.5 * 3600, 2)
    assert told.outcomes[0].seconds == 3.5 * 3600
