"""Each function against a worked example, a textbook's or one from an independent program."""

import math
import tracemalloc

import numpy as np
import pytest
from scipy import stats

from runner.analysis.statistics import (
    blocks_for_half_width,
    blocks_for_power,
    equivalence_p_value,
    holm,
    median_absolute_deviation,
    power_of_t_test,
    runs_per_process,
    sign_flip_p_value,
    smallest_effect,
    t_interval,
    t_p_value,
)

pytestmark = pytest.mark.fast

# Student's own example (1908): extra hours of sleep of ten patients, hyoscyamine minus hyoscine.
SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
# Darwin's Zea mays heights as Fisher (1935) lays them out, crossed minus selfed, in 1/8 inch.
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def test_the_t_interval_of_students_sleep_data_is_the_published_one() -> None:
    interval = t_interval(SLEEP, 0.95)
    assert interval.mean == pytest.approx(1.58)
    assert interval.low == pytest.approx(0.7001142, abs=1e-6)
    assert interval.high == pytest.approx(2.4598858, abs=1e-6)
    assert interval.half_width == pytest.approx(0.8798858, abs=1e-6)
    assert t_p_value(SLEEP) == pytest.approx(0.002833, abs=1e-6)


def test_fewer_than_two_values_give_no_bounds_and_no_significance() -> None:
    for values in ([], [0.3]):
        interval = t_interval(values, 0.95)
        assert (interval.low, interval.high) == (-math.inf, math.inf)
        assert t_p_value(values) == 1.0
        assert equivalence_p_value(values, 0.02) == 1.0


def test_values_without_spread_are_decided_by_their_mean_alone() -> None:
    assert t_p_value([0.0, 0.0, 0.0]) == 1.0
    assert t_p_value([0.1, 0.1, 0.1]) == 0.0
    assert equivalence_p_value([0.01, 0.01, 0.01], 0.02) == 0.0


def test_two_one_sided_tests_agree_with_scipy_on_both_sides() -> None:
    values = np.array([0.004, -0.006, 0.009, 0.001, -0.003, 0.005])
    expected = max(
        stats.ttest_1samp(values, -0.02, alternative="greater").pvalue,
        stats.ttest_1samp(values, 0.02, alternative="less").pvalue,
    )
    assert equivalence_p_value(values, 0.02) == pytest.approx(expected)
    assert equivalence_p_value(values + 0.02, 0.02) > 0.3


def test_holm_adjusts_as_in_its_worked_example() -> None:
    # Wright (1992), Biometrics 48, table 1's first p-values by Holm's steps.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.7, 0.9]) == [1.0, 1.0]


def test_fishers_own_permutation_test_of_darwins_maize_comes_out_as_he_printed_it() -> None:
    # 1,726 of 32,768 sign patterns are as extreme in both directions: 5.267 %.
    p_value = sign_flip_p_value(MAIZE, np.random.default_rng(1))
    assert p_value == pytest.approx(0.05267, abs=0.01)


def test_small_permutation_tests_are_exact_and_never_zero() -> None:
    generator = np.random.default_rng(1)
    assert sign_flip_p_value([1.0, 2.0, 3.0], generator) == pytest.approx(2 / 8)
    assert sign_flip_p_value([0.1] * 40, generator) == pytest.approx(1 / 10_001)
    assert sign_flip_p_value([], generator) == 1.0


def test_a_permutation_test_of_very_many_blocks_draws_its_signs_a_part_at_a_time() -> None:
    values = np.random.default_rng(1).normal(0.03, 1.0, 3000)
    tracemalloc.start()
    try:
        p_value = sign_flip_p_value(values, np.random.default_rng(1))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 10e6
    assert p_value == pytest.approx(t_p_value(values), abs=0.02)


@pytest.mark.parametrize(
    ("deviation", "blocks"), [(0.005, 5), (0.01, 13), (0.02, 44), (0.03, 97), (0.05, 265)]
)
def test_the_blocks_that_find_one_percent_are_those_of_the_measurement_guide(
    deviation: float, blocks: int
) -> None:
    assert blocks_for_power(deviation, 0.01, power=0.9) == blocks


def test_power_and_smallest_effect_are_each_others_inverse() -> None:
    effect = smallest_effect(0.018, 30, power=0.9)
    assert power_of_t_test(0.018, effect, 30, 0.95) == pytest.approx(0.9, abs=1e-6)
    assert power_of_t_test(0.001, 0.5, 30, 0.95) == 1.0
    assert smallest_effect(0.018, 1) == math.inf
    assert smallest_effect(0.0, 5) == 0.0


def test_blocks_for_a_half_width_are_the_least_that_reach_it() -> None:
    blocks = blocks_for_half_width(0.018, 0.01, 0.95)

    def half_width(count: int) -> float:
        return float(stats.t.ppf(0.975, count - 1)) * 0.018 / math.sqrt(count)

    assert half_width(blocks) <= 0.01 < half_width(blocks - 1)


def test_runs_per_process_follow_the_cost_formula_and_its_limits() -> None:
    def runs(**changes: float) -> int:
        costs = {
            "process_cost": 0.5,
            "run_cost": 0.005,
            "variance_within": 4e-4,
            "variance_between": 1e-4,
        }
        return runs_per_process(**(costs | changes), least=10, most=1000)

    assert runs() == 20  # sqrt(100 * 4)
    assert runs(variance_between=0.0) == 100  # as long as the process costs
    assert runs(variance_within=4.0) == 1000
    assert runs(variance_between=1.0) == 10


def test_the_median_absolute_deviation_ignores_one_wild_value() -> None:
    assert median_absolute_deviation(np.array([1.0, 1, 2, 2, 4, 6, 900])) == 1.0
