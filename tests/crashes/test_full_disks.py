"""A batch whose disk is full gives every spec its turn, and tells what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.steps.noting import Notes
from runner.store.batches import BatchStore
from tests.bench import Desk
from tests.crashes.faults import Faults
from tests.crashes.tiny import ANSWERED, Tiny, make_tiny
from tests.crashes.trees import Forest

pytestmark = pytest.mark.acceptance

FROM_JOURNAL = "write /#-#-#/journal.jsonl"


def command(tiny: Tiny, mail: Path) -> list[str]:
    """A batch of one spec for each model, which are timed alone."""
    specs = []
    for model in tiny.models:
        spec = model.with_suffix(".yaml")
        spec.write_text(f"spec: 1\nname: {model.stem}\nmodel: {{file: {model}}}\n")
        specs.append(spec)
    settings = [part for one in tiny.settings for part in ("--set", one)]
    then = f'cat > {mail}; echo "exit code $RETIME_EXIT_CODE" >> {mail}'
    return tiny.desk.command("batch", *specs, *settings, "--then", then)


def run(call: list[str], faults: Faults) -> tuple[int, str]:
    tree = Forest().start(call, faults.environment())
    said = tree.wait(240)
    assert "Traceback" not in said
    assert tree.orphans() == []
    return tree.root.returncode, " ".join(said.split())


def batch_events(desk: Desk) -> list[dict[str, Any]]:
    (journal,) = desk.runs.glob("_batches/*/journal.jsonl")
    return [json.loads(line) for line in journal.read_text().rpartition("\n")[0].splitlines()]


@pytest.mark.parametrize("events_before", [1, 2])
def test_a_batch_that_can_note_nothing_any_more_ends_whole_and_is_told_from_memory(
    tiny: Tiny, tmp_path: Path, injure: Callable[..., Faults], events_before: int
) -> None:
    """Its own files have no room from then on; those of the runs have."""
    mail = tmp_path / "mail"
    other = make_tiny(tmp_path, Desk(tmp_path / "desk" / "before", tiny.desk.cache))
    counting = injure("write", do="full", at=0, below="desk/before/_batches")
    assert run(command(other, mail), counting)[0] in ANSWERED
    calls = counting.calls_seen()
    appends = [at for at, site in enumerate(calls, start=1) if site == FROM_JOURNAL]
    faults = replace(counting, below=tiny.desk.runs / "_batches", at=appends[events_before])

    code, said = run(command(tiny, mail), faults)
    assert code == 4, said
    assert "journal.jsonl: no space left on the device; the batch goes on" in said
    assert said.count("the batch goes on") == 1
    assert "2 of 2 questions answered" in said
    assert "this summary is in no file" in said
    assert "2 of 2 questions answered" in mail.read_text()
    assert "exit code 4" in mail.read_text()
    assert len(batch_events(tiny.desk)) == events_before
    assert not list(tiny.desk.runs.glob("_batches/*/summary.md"))

    code, said = run(command(tiny, mail), counting)
    assert code in ANSWERED, said
    assert said.count("stood already; nothing was done") == 2
    assert batch_events(tiny.desk)[-1]["event"] == "ended"


def test_a_batch_notes_what_it_had_no_room_for_as_soon_as_there_is(tmp_path: Path) -> None:
    """First its journal is a device that takes nothing."""
    said: list[str] = []
    batch = BatchStore(tmp_path).create("ab" * 32, ["one.yaml"])
    notes = Notes(batch, said.append)
    journal = batch.folder / "journal.jsonl"
    journal.symlink_to("/dev/full")
    notes.add("started", queue=[])
    notes.add("spec_started", spec="one.yaml")
    assert "the batch goes on" in said[0]
    journal.unlink()
    notes.add("ended", reason="done")
    assert [one["event"] for one in batch.journal.events()] == ["started", "spec_started", "ended"]
    assert list(batch.journal.events()) == notes.events
    assert (notes.trouble, len(said)) == ("", 1)


def test_a_disk_that_fills_up_in_a_run_fails_every_spec_with_the_reason_and_ends_the_batch(
    tiny: Tiny, tmp_path: Path, injure: Callable[..., Faults]
) -> None:
    """Nothing of the folder of all runs can be written from the first samples on."""
    mail = tmp_path / "mail"
    other = make_tiny(tmp_path, Desk(tmp_path / "desk" / "before", tiny.desk.cache))
    counting = injure("write", do="full", at=0, below="desk/before")
    assert run(command(other, mail), counting)[0] in ANSWERED
    samples = next(
        at for at, site in enumerate(counting.calls_seen(), start=1) if "/samples/" in site
    )
    code, said = run(command(tiny, mail), replace(counting, below=tiny.desk.runs, at=samples))
    assert code == 4, said
    assert "0 of 2 questions answered, 2 failed" in said
    assert "no space left on the device" in mail.read_text()
    assert "free some room and run the same command again" in mail.read_text()

    code, said = run(command(tiny, mail), replace(counting, at=0))
    assert code in ANSWERED, said
    assert "2 of 2 questions answered" in said
