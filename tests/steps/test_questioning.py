"""Whether a run can go on with a question is found in its journal, of any length."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from runner.steps.question import Question
from runner.steps.questioning import covers
from runner.store.journal import Journal
from runner.store.runs import Run
from tests.steps.experiments import BASE, OTHER

pytestmark = pytest.mark.fast


def test_a_pilot_must_have_known_every_arm(ask: Callable[..., Question], fake_run: Run) -> None:
    assert covers(fake_run, ask())
    fake_run.journal.append("pilot_process", arm=BASE)
    fake_run.journal.append("pilot")
    assert not covers(fake_run, ask())
    fake_run.journal.append("dropped", arm=OTHER)
    assert covers(fake_run, ask())


def test_a_long_journal_is_read_without_being_held_in_memory(
    ask: Callable[..., Question], fake_run: Run
) -> None:
    journal: Journal = fake_run.journal
    journal.append("process", measurement={f"field_{index}": index for index in range(40)})
    path = fake_run.folder / "journal.jsonl"
    line = path.read_bytes().splitlines(keepends=True)[-1]
    path.write_bytes(path.read_bytes() + 4000 * line)
    tracemalloc.start()
    try:
        covers(fake_run, ask())
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < len(line) * 1000
