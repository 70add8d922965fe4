"""The schedule is random, complete, and decided by its seed."""

import collections

import pytest

from runner.timing.protocol import Arm, schedule_block

pytestmark = pytest.mark.fast

ARMS = [Arm(name, "lib.so", f"{name}.tflite", "in", "none", 1) for name in "abcd"]


def order(block: int, attempt: int = 0, seed: int = 1) -> str:
    return "".join(slot.arm.name for slot in schedule_block(ARMS, block, attempt, seed))


def test_every_block_runs_every_arm_once() -> None:
    for block in range(50):
        assert sorted(order(block)) == list("abcd")


def test_the_seed_decides_everything_and_a_redone_block_is_dealt_anew() -> None:
    assert list(schedule_block(ARMS, 3, 0, 1)) == list(schedule_block(ARMS, 3, 0, 1))
    assert len({order(block) for block in range(100)}) == 24
    assert [order(b, seed=1) for b in range(20)] != [order(b, seed=2) for b in range(20)]
    assert [order(b, attempt=0) for b in range(20)] != [order(b, attempt=1) for b in range(20)]


def test_each_arm_stands_in_each_place_about_equally_often() -> None:
    places = collections.Counter((arm, i) for b in range(2000) for i, arm in enumerate(order(b)))
    assert min(places.values()) > 400
    assert max(places.values()) < 600


def test_layouts_cover_a_page_in_cache_lines_and_padding_its_range() -> None:
    slots = [slot for block in range(2000) for slot in schedule_block(ARMS, block, 0, 1)]
    assert {slot.buffer_offset for slot in slots} == set(range(0, 4096, 64))
    paddings = {slot.environment_padding for slot in slots}
    assert min(paddings) < 10
    assert max(paddings) > 4085
