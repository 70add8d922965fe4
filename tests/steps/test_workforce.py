"""Workers and threads follow from the machine alone."""

from __future__ import annotations

import pytest

from runner.steps.workforce import Workforce, workforce, workforce_here

pytestmark = pytest.mark.fast

GIB = 2**30


@pytest.mark.parametrize(
    ("cores", "memory_gib", "expected"),
    [
        (1, 8, Workforce(1, 1)),
        (2, 8, Workforce(2, 1)),
        (4, 16, Workforce(2, 2)),
        (8, 16, Workforce(4, 2)),
        (64, 256, Workforce(4, 16)),
        # A board with many cores and little memory.
        (8, 4, Workforce(2, 4)),
        (4, 1, Workforce(1, 4)),
    ],
)
def test_cores_are_shared_out_and_memory_sets_a_bound(
    cores: int, memory_gib: int, expected: Workforce
) -> None:
    assert workforce(cores, memory_gib * GIB) == expected
    assert expected.workers * expected.threads <= cores


def test_this_machine_has_a_workforce() -> None:
    assert workforce_here().workers >= 1
