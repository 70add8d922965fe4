"""The journal tells what happened, also after a crash in the middle of a line."""

from pathlib import Path

import pytest

from runner.store.journal import Journal

pytestmark = pytest.mark.fast


def names(journal: Journal) -> list[str]:
    return [event["event"] for event in journal.events()]


def test_events_come_back_in_order_with_their_fields(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    assert names(journal) == []
    journal.append("first", block=1)
    journal.append("second", text="Zeile\nmit Umbruch")
    events = list(journal.events())
    assert names(journal) == ["first", "second"]
    assert events[0]["block"] == 1
    assert events[1]["text"] == "Zeile\nmit Umbruch"


def test_the_newest_of_a_kind_is_found_and_a_text_that_looks_like_it_is_not(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    assert journal.last("finished") is None
    journal.append("finished", n=1)
    journal.append("finished", n=2)
    journal.append("other", inner={"event": "finished"})
    found = journal.last("finished")
    assert found is not None
    assert found["n"] == 2


@pytest.mark.parametrize("length", [1, 65_000, 65_536, 200_000])
def test_the_newest_of_a_kind_is_found_behind_and_before_lines_of_any_length(
    tmp_path: Path, length: int
) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    for number in range(3):
        journal.append("wanted", n=number)
        journal.append("other", text="x" * length)
    with path.open("ab") as file:
        file.write(b'{"event":"wanted","n":99}')
    assert (journal.last("wanted") or {}).get("n") == 2
    assert (journal.last("other") or {}).get("text") == "x" * length
    path.write_bytes(path.read_bytes().partition(b"\n")[0])
    assert journal.last("wanted") is None


def test_a_record_torn_at_any_byte_is_no_event_and_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path).append("kept", n=1)
    kept = path.read_bytes()
    Journal(path).append("torn", n=2)
    whole = path.read_bytes()
    for length in range(len(kept), len(whole)):
        path.write_bytes(whole[:length])
        assert names(Journal(path)) == ["kept"]
        Journal(path).append("next")
        assert names(Journal(path)) == ["kept", "next"]


def test_a_record_longer_than_a_page_is_torn_off_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path).append("kept")
    with path.open("ab") as file:
        file.write(b'{"event": "torn", "x": "' + b"y" * 20_000)
    Journal(path).append("next")
    assert names(Journal(path)) == ["kept", "next"]
