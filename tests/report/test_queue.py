"""What a batch would do can be read in any window."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from runner.errors import EnvironmentUnusableError
from runner.report.plan import Outlook
from runner.report.queue import Turn, print_queue, troubles
from runner.report.room import Room
from tests.steps.experiments import spec_of
from tests.steps.test_queueing import outlook

pytestmark = pytest.mark.fast


def page(width: int, tmp_path: Path, max_time_s: float | None = None, unknown: int = 0) -> str:
    whole: Outlook = outlook()
    spec = replace(spec_of(tmp_path), name="heads", priority=3)
    other = replace(spec, name="modes-of-quantization", priority=0)
    queue = [
        Turn(spec, whole, stages=4, build_s=3600.0, timing_s=120.0),
        Turn(other, whole, stages=2, shared=3, unknown=unknown, build_s=60.0, timing_s=0.0),
    ]
    console = Console(file=io.StringIO(), width=width)
    print_queue(console, queue, max_time_s)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_names_and_times_are_whole_in_any_window(width: int, tmp_path: Path) -> None:
    text = page(width, tmp_path)
    assert max(map(len, text.splitlines())) <= width
    folded = " ".join(text.split())
    for words in ("heads (priority 3)", "modes-of-quantization", "1 h 02 min", "1 h 03 min"):
        assert words in folded
    assert "stands" in folded


def test_what_does_not_fit_in_the_time_is_named(tmp_path: Path) -> None:
    text = " ".join(page(80, tmp_path, max_time_s=3725.0).split())
    assert "1 h 02 min allowed: modes-of-quantization will be left unfinished" in text
    assert "allowed" not in page(80, tmp_path, max_time_s=4000.0)


def test_a_spec_that_can_not_be_foreseen_does_not_stand_and_says_why(tmp_path: Path) -> None:
    spec = replace(spec_of(tmp_path), name="odd")
    error = EnvironmentUnusableError("no library", why="none is installed", remedy="install one")
    refused = replace(outlook(), refusals=("target ssh",))
    queue = [
        Turn(spec, None, error=error),
        Turn(replace(spec, name="far"), refused, timing_s=60.0),
    ]
    console = Console(file=io.StringIO(), width=120)
    print_queue(console, queue, None)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "stands" not in text
    assert "unknown" in text
    assert "odd will fail: no library (none is installed); install one" in text
    assert "far will fail: this version can't carry out target ssh" in text
    assert "first of their kind" not in text


def test_too_little_room_for_all_is_said_although_there_is_enough_for_each(tmp_path: Path) -> None:
    room = Room(("cache",), 2 * 2**30, 0, 0, 3 * 2**30)
    each = replace(outlook(), rooms=(room,))
    queue = [Turn(replace(spec_of(tmp_path), name=name), each) for name in ("one", "two")]
    assert list(troubles(queue, [room])) == []
    (said,) = troubles(queue, [replace(room, artifacts_bytes=4 * 2**30)])
    assert said.startswith("Not enough room: About 4.00 GiB")
    assert "for all specs together" in said
    full = replace(outlook(), rooms=(replace(room, free_bytes=1),))
    (said,) = troubles([Turn(spec_of(tmp_path), full)], [])
    assert "will fail. Not enough room" in said


def test_what_nobody_knows_is_said(tmp_path: Path) -> None:
    assert "In all 1 h 03 min;" in page(80, tmp_path)
    text = page(80, tmp_path, unknown=1)
    assert "In all more than 1 h 03 min;" in text
    assert "nobody knows" in text
