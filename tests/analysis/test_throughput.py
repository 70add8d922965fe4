"""Sustained load as a rate, and its fall over time."""

import numpy as np
import pytest

from runner.analysis.throughput import study_throughput

pytestmark = pytest.mark.fast


def test_an_even_load_has_one_rate() -> None:
    found = study_throughput(np.full(2000, 5_000_000))
    assert found.per_second == pytest.approx(200)
    assert found.rates == pytest.approx([200] * 10)
    assert (found.decay, found.runs, found.seconds) == (pytest.approx(0), 2000, pytest.approx(10))


def test_a_processor_that_slows_down_to_half_has_decayed_by_half() -> None:
    # Five seconds at 1 ms, then five at 2 ms: 5000 and 2500 inferences.
    found = study_throughput(np.array([1_000_000] * 5000 + [2_000_000] * 2500))
    assert found.rates == pytest.approx([1000] * 5 + [500] * 5)
    assert found.decay == pytest.approx(0.5)
    assert found.per_second == pytest.approx(750)


def test_fewer_runs_than_tenths_still_have_rates_that_add_up() -> None:
    found = study_throughput(np.array([3_000_000_000, 1_000_000_000]))
    assert sum(found.rates) * found.seconds / 10 == pytest.approx(2)
    assert found.rates[0] == pytest.approx(1 / 3)
    assert found.rates[-1] == pytest.approx(1)
