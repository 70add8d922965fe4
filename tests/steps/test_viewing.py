"""How long the rest of a batch takes, from what its worker tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.steps.viewing import look
from runner.store.activity import ActivityNote
from runner.store.batches import BatchStore

pytestmark = pytest.mark.fast

KEY = "ab" * 32


def left_s(root: Path, *tasks: tuple[str, float, float]) -> float:
    """Of a batch whose first spec is at these tasks, each with what is done and its total."""
    specs = [str(root / name) for name in ("one.yaml", "two.yaml")]
    batch = BatchStore(root).create(KEY, specs)
    queue = [
        {"spec": spec, "name": spec, "question": "", "seconds": 500.0, "is_certain": True}
        | {"sustained_s": 80.0}
        for spec in specs
    ]
    batch.journal.append("started", host={}, queue=queue)
    batch.journal.append("spec_started", spec=specs[0], sha256="", name="one")
    lines: list[dict[str, Any]] = [
        {"title": title, "done": done, "total": total, "note": ""} for title, done, total in tasks
    ]
    with ActivityNote(root, {"batch": KEY}) as note:
        note.write({"said": "", "tasks": lines}, now=True)
        (work,) = look(root).works
    return work.left_s


def test_sustained_load_is_still_to_come_while_blocks_run(tmp_path: Path) -> None:
    assert left_s(tmp_path, ("timing", 100.0, 400.0)) == pytest.approx(300 + 80 + 500)


def test_sustained_load_that_has_begun_counts_as_far_as_it_is_not_done(tmp_path: Path) -> None:
    assert left_s(tmp_path, ("sustained load", 60.0, 80.0)) == pytest.approx(20 + 500)


def test_before_timing_begins_a_spec_takes_what_was_foreseen(tmp_path: Path) -> None:
    assert left_s(tmp_path, ("pilot", 1.0, 6.0)) == pytest.approx(500 + 500, abs=5)
