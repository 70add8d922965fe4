"""A note of what is at work counts while its process lives, and never gets in the way of work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runner.store.activity import ActivityNote, activities

pytestmark = pytest.mark.fast

_WORK = """
import sys, time
from pathlib import Path
from runner.store.activity import ActivityNote
with ActivityNote(Path(sys.argv[1]), {"spec": "heads"}) as note:
    note.write({"said": "block 3"}, now=True)
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_note_is_there_while_the_work_lasts_and_gone_after_it(tmp_path: Path) -> None:
    with ActivityNote(tmp_path, {"spec": "heads"}) as note:
        note.write({"said": "block 3"}, now=True)
        (found,) = activities(tmp_path)
        assert (found["spec"], found["said"], found["pid"]) == ("heads", "block 3", os.getpid())
    assert activities(tmp_path) == []


def test_the_note_of_a_process_that_was_killed_does_not_count_and_is_swept(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _WORK, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    assert [note["said"] for note in activities(tmp_path)] == ["block 3"]
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert activities(tmp_path) == []
    (tmp_path / "_now" / f"{child.pid}.draft").write_text("{")
    with ActivityNote(tmp_path, {}):
        assert [path.stem for path in (tmp_path / "_now").iterdir()] == [str(os.getpid())]


def test_a_later_process_with_the_same_number_is_another_one(tmp_path: Path) -> None:
    with ActivityNote(tmp_path, {}):
        path = tmp_path / "_now" / f"{os.getpid()}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"process": "boot/1"}))
        assert activities(tmp_path) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "null"])
def test_a_damaged_note_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "_now").mkdir()
    (tmp_path / "_now" / f"{os.getpid()}.json").write_text(text)
    (tmp_path / "_now" / "other.json").write_text(text)
    assert activities(tmp_path) == []


def test_a_note_that_can_not_be_written_stops_no_work(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with ActivityNote(blocked, {}) as note:
        note.write({"said": "x"}, now=True)
    assert activities(blocked) == []


def test_notes_are_written_no_more_than_once_a_second(tmp_path: Path) -> None:
    with ActivityNote(tmp_path, {}) as note:
        for number in range(100):
            note.write({"said": str(number)})
        (found,) = activities(tmp_path)
        assert "said" not in found
