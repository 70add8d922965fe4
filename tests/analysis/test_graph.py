"""Multiply-adds are counted from a file's bytes alone, and any bytes are survived."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.analysis.graph import count_multiply_adds
from tests.native_models import NEG, TensorSpec, write_model

pytestmark = pytest.mark.fast

CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED = 3, 4, 9


def model(operator: int, weights: tuple[int, ...], output: tuple[int, ...]) -> bytes:
    tensors = [TensorSpec("in"), TensorSpec("weights", weights), TensorSpec("out", output)]
    return write_model(tensors, operator, [0, 1], [2])


@pytest.mark.parametrize(
    ("operator", "weights", "output", "expected"),
    [
        # 8 filters of 3x3 over 3 channels, at 10x12 places.
        (CONV_2D, (8, 3, 3, 3), (1, 10, 12, 8), 8 * 27 * 120),
        (DEPTHWISE_CONV_2D, (1, 3, 3, 16), (1, 10, 12, 16), 9 * 16 * 120),
        (FULLY_CONNECTED, (10, 128), (1, 10), 1280),
        (FULLY_CONNECTED, (10, 128), (5, 10), 6400),
        (NEG, (10, 128), (1, 10), 0),
    ],
)
def test_each_weight_counts_once_for_each_place_where_it_is_used(
    operator: int, weights: tuple[int, ...], output: tuple[int, ...], expected: int
) -> None:
    assert count_multiply_adds(model(operator, weights, output)) == expected


@given(st.data())
def test_bytes_that_are_no_whole_file_are_no_error(data: st.DataObject) -> None:
    content = bytearray(model(CONV_2D, (8, 3, 3, 3), (1, 10, 12, 8)))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    cut = bytes(content[: data.draw(st.integers(0, len(content)))])
    counted = count_multiply_adds(cut)
    assert counted is None or counted >= 0
    assert count_multiply_adds(b"") is None
