"""A batch is found again by what it was asked, until it came to its end."""

from __future__ import annotations

from datetime import datetime, tzinfo
from pathlib import Path

import pytest

from runner.store.batches import Batch, BatchStore, batch_key, read_batch

pytestmark = pytest.mark.fast


def test_the_same_specs_in_any_order_and_by_any_path_are_the_same_batch(tmp_path: Path) -> None:
    one, other = tmp_path / "a.yaml", tmp_path / "b.yaml"
    detour = tmp_path / "x" / ".." / "a.yaml"
    (tmp_path / "x").mkdir()
    key = batch_key([one, other], [])
    assert batch_key([other, detour], []) == key
    assert batch_key([one], []) != key
    assert batch_key([one, other], ["measure.effect=1%"]) != key


def test_the_newest_batch_of_a_key_is_found(tmp_path: Path) -> None:
    store = BatchStore(tmp_path)
    made = [store.create(key, ["a.yaml"]) for key in ("aa" * 32, "bb" * 32)]
    assert store.latest("aa" * 32) == made[0]
    assert store.latest("cc" * 32) is None
    newest = store.latest()
    assert newest is not None
    assert newest.folder == max(batch.folder for batch in made)


def test_a_batch_is_over_only_when_it_came_to_its_end(tmp_path: Path) -> None:
    batch = BatchStore(tmp_path).create("ab" * 32, ["a.yaml"])
    assert not batch.is_over
    for reason, over in (("interrupted", False), ("time", False), ("done", True)):
        batch.journal.append("started")
        assert not batch.is_over
        batch.journal.append("ended", reason=reason)
        assert batch.is_over is over


def test_a_batch_that_begins_later_is_the_newest_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, key = BatchStore(tmp_path), "ab" * 32

    def begin(year: int = 2026) -> Batch:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Clock:
                return cls(year, 1, 1, tzinfo=tz)

        monkeypatch.setattr("runner.store.drafts.datetime", Clock)
        return store.create(key, ["a.yaml"])

    # In the same second, and after the battery of a board was taken out.
    made = [begin(), begin(), begin(), begin(year=1970), begin(year=1970)]
    assert sorted(batch.folder for batch in made) == [batch.folder for batch in made]
    assert store.latest(key) == store.latest() == made[-1]


def test_what_a_process_left_that_died_while_it_began_a_batch_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    store = BatchStore(tmp_path)
    with monkeypatch.context() as dying:
        dying.setattr("runner.store.batches.write_durably", die)
        with pytest.raises(KeyboardInterrupt):
            store.create("ab" * 32, ["a.yaml"])
    assert store.latest() is None
    batch = store.create("ab" * 32, ["a.yaml"])
    assert [path.name for path in store.folder.iterdir() if path.is_dir()] == [batch.batch_id]


def test_what_is_noted_after_the_end_does_not_open_a_batch_again(tmp_path: Path) -> None:
    batch = BatchStore(tmp_path).create("ab" * 32, ["a.yaml"])
    batch.journal.append("started")
    batch.journal.append("ended", reason="done")
    batch.journal.append("last_command", command="mail", said="ended with exit code 127")
    assert batch.is_over


@pytest.mark.parametrize("text", [None, "", "{", '{"format": 2, "specs": [], "key": ""}'])
def test_half_a_batch_is_none(tmp_path: Path, text: str | None) -> None:
    store = BatchStore(tmp_path)
    batch = store.create("ab" * 32, ["a.yaml"])
    file = batch.folder / "batch.json"
    file.unlink() if text is None else file.write_text(text)
    assert read_batch(batch.folder) is None
    assert store.latest() is None


def test_reading_gives_what_was_created(tmp_path: Path) -> None:
    batch = BatchStore(tmp_path).create("ab" * 32, ["b.yaml", "a.yaml"])
    assert read_batch(batch.folder) == Batch(batch.folder, ("b.yaml", "a.yaml"), "ab" * 32)
