"""The forecast's arithmetic stays close to the exact one that verdicts use."""

from __future__ import annotations

import pytest

from runner.analysis import approximation, statistics

pytestmark = pytest.mark.fast

BLOCKS = [10, 12, 20, 45, 300]


@pytest.mark.parametrize("blocks", BLOCKS)
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99, 0.995])
def test_half_widths_are_those_of_the_exact_distribution(blocks: int, confidence: float) -> None:
    exact = statistics.expected_half_width(0.02, blocks, confidence)
    assert approximation.expected_half_width(0.02, blocks, confidence) == pytest.approx(
        exact, rel=2e-3
    )


@pytest.mark.parametrize("blocks", BLOCKS)
@pytest.mark.parametrize("power", [0.8, 0.9, 0.95])
def test_the_smallest_effect_is_within_a_twentieth_of_the_exact_one(
    blocks: int, power: float
) -> None:
    options = {"power": power, "confidence": 0.95}
    exact = statistics.smallest_effect(0.02, blocks, **options)
    assert approximation.smallest_effect(0.02, blocks, **options) == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("deviation", [0.005, 0.01, 0.02, 0.05])
def test_as_many_blocks_are_needed_as_the_exact_distribution_says(deviation: float) -> None:
    exact = statistics.blocks_for_half_width(deviation, 0.005, 0.95)
    assert abs(approximation.blocks_for_half_width(deviation, 0.005, 0.95) - exact) <= 1


def test_less_than_two_blocks_find_nothing() -> None:
    assert approximation.smallest_effect(0.02, 1, power=0.9, confidence=0.95) == float("inf")
