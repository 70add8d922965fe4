"""Room that is foreseen is what the plan says, to the byte where that can be."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from runner.analysis.forecast import Experience, Forecast, foresee_samples, foresee_timing
from runner.errors import EnvironmentUnusableError, ExitCode
from runner.report.room import Room, room_sentence
from runner.steps.room import check_room, sum_rooms
from tests.steps.test_measuring import MEASURE

pytestmark = pytest.mark.fast

ROOM = Room(("cache", "runs/x"), 3 * 2**30, 5 * 2**20, 0, 2**30)


def forecast_of(blocks: int, variants: int = 4) -> Forecast:
    plan = dataclasses.replace(MEASURE, max_blocks=blocks, max_time_s=1e6)
    return foresee_timing(plan, variants, variants - 1, Experience(0.02, 0.5))


def test_samples_take_blocks_times_arms_times_runs_times_eight_bytes() -> None:
    def taken(**changes: float | None) -> int:
        told = {"blocks_done": 0, "runs": 100, "sustained_s": 0.0, "run_s": 0.0}
        return foresee_samples(forecast_of(50), **(told | changes))  # type: ignore[arg-type]

    base = taken(runs=None)
    assert taken(runs=200) - taken(runs=100) == 50 * (4 + 2) * 100 * 8
    assert base - taken(runs=100) == 50 * 6 * 900 * 8
    assert taken() - taken(blocks_done=20) == 20 * 6 * (100 * 8 + 2000)
    assert taken(blocks_done=70) == taken(blocks_done=50) > 0
    assert taken(sustained_s=10.0, run_s=1e-3) - taken() == 4 * 10_000 * 8


def test_too_little_room_is_an_error_that_names_folders_need_and_what_is_free() -> None:
    check_room([dataclasses.replace(ROOM, free_bytes=ROOM.need_bytes)])
    with pytest.raises(EnvironmentUnusableError) as raised:
        check_room([dataclasses.replace(ROOM, free_bytes=ROOM.need_bytes - 1), ROOM])
    assert raised.value.exit_code is ExitCode.UNUSABLE_ENVIRONMENT
    text = str(raised.value)
    for words in ("cache and runs/x", "3.00 GiB are needed", "are free", "--cache", "prune"):
        assert words in text


def test_what_is_not_known_is_said_not_to_be_counted() -> None:
    unknown = dataclasses.replace(ROOM, unknown_stages=3, artifacts_bytes=0)
    assert "3 stages not counted" in room_sentence(unknown)
    assert "not counted" not in room_sentence(ROOM)
    assert room_sentence(ROOM).startswith("Not enough room: ")


def test_what_several_benches_need_is_made_once_and_checkpoints_are_gone_by_then(
    tmp_path: Path,
) -> None:
    runs, cache = tmp_path / "runs", tmp_path / "cache"
    shared: dict[str, int | None] = {"data": 100}
    one = Room((str(cache), str(runs / "one")), 1600, 10, 0, 5000, {**shared, "a": 500}, 1000)
    two = Room((str(cache), str(runs / "two")), 2400, 20, 1, 5000, {"b": None, "c": 2300}, 0)
    three = Room((str(cache), str(runs / "three")), 100, 5, 0, 4000, shared, 0)
    (room,) = sum_rooms([[one], [two], [three]], (cache, runs))
    assert room.folders == (str(cache), str(runs))
    assert (room.artifacts_bytes, room.samples_bytes) == (100 + 500 + 2300 + 1000, 35)
    assert (room.unknown_stages, room.free_bytes) == (1, 4000)
    assert sum_rooms([], (cache, runs)) == ()
