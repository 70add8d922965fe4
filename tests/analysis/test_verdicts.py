"""Verdicts: by hand on small numbers, and by simulation for their error rates."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from runner.analysis.precision import Precision
from runner.analysis.verdicts import (
    Decision,
    Design,
    Verdict,
    check_delayed,
    check_identical,
    compare,
)
from tests.analysis.simulation import MIN_BLOCKS, Machine, process, simulate

pytestmark = pytest.mark.fast

DESIGN = Design(effect=0.02, confidence=0.95)


def arms_of(**differences: list[float]) -> dict[str, dict[int, object]]:
    count = max(len(values) for values in differences.values())
    base = {block: process(13.0 + 0.1 * block, block) for block in range(count)}
    others = {
        name: {block: process(base[block].log_median + d, block) for block, d in enumerate(values)}
        for name, values in differences.items()
    }
    return {"base": base, **others}


def pairs_of(arms: dict[str, dict[int, object]]) -> dict[str, str]:
    return {name: "base" for name in arms if name != "base"}


def is_narrow(arms: dict[str, dict[int, object]], least_blocks: int) -> bool:
    precision = Precision(DESIGN)
    precision.take_up(arms, pairs_of(arms))
    return precision.is_reached(least_blocks)


def judge(**differences: list[float]) -> dict[str, object]:
    arms = arms_of(**differences)
    comparisons = compare(arms, pairs_of(arms), DESIGN, np.random.default_rng(1))
    return {comparison.variant: comparison for comparison in comparisons}


def spread(center: float, noise: float, count: int = 12) -> list[float]:
    return [center + noise * (1 if block % 2 else -1) for block in range(count)]


def test_a_clear_difference_is_slower_or_faster_and_its_ratio_is_the_mean_of_paired_logs() -> None:
    found = judge(up=spread(0.05, 0.01), down=spread(-0.05, 0.01))
    assert found["up"].verdict is Verdict.SLOWER
    assert found["down"].verdict is Verdict.FASTER
    assert found["up"].ratio == pytest.approx(math.exp(0.05))
    assert found["up"].interval[0] < found["up"].ratio < found["up"].interval[1]
    assert not found["up"].below_effect


def test_drift_that_blocks_share_does_not_widen_an_interval() -> None:
    # The baseline climbs by 10 % a block; differences inside blocks are what counts.
    assert judge(same=spread(0.0, 0.001))["same"].verdict is Verdict.EQUIVALENT


def test_a_sure_difference_inside_the_margin_is_slower_but_by_less_than_the_effect() -> None:
    found = judge(up=spread(0.008, 0.002))["up"]
    assert found.verdict is Verdict.SLOWER
    assert found.below_effect


def test_a_wide_interval_is_inconclusive_and_says_how_many_blocks_would_do() -> None:
    found = judge(up=spread(0.01, 0.06))["up"]
    assert found.verdict is Verdict.INCONCLUSIVE
    needed = found.needed_blocks
    deviation = float(np.std(spread(0.01, 0.06), ddof=1))
    half_width = float(stats.t.ppf(0.975, needed - 1)) * deviation / math.sqrt(needed)
    assert half_width <= DESIGN.margin / 2


def test_a_family_with_every_verdict_worked_out_by_hand() -> None:
    """Eleven differences each, half of them 0.01 above their mean and half below, and one at it.

    The standard deviation is 0.01, the error of the mean 0.01 / sqrt(11) = 0.003015, the degrees of
    freedom 10. Of three comparisons, Holm holds the smallest p against 0.05 / 3 (|t| > 2.87), and
    the next against 0.05 / 2 (2.63); equivalence asks each one-sided test for 0.05 / 3 (2.47).
    """

    def around(mean: float) -> list[float]:
        return [mean + 0.01] * 5 + [mean - 0.01] * 5 + [mean]

    found = judge(up=around(0.03), same=around(0.0), between=around(0.006))
    assert found["up"].p_value == pytest.approx(2 * stats.t.sf(0.03 / 0.0030151, 10), rel=1e-3)
    verdicts = {name: (one.verdict, one.below_effect) for name, one in found.items()}
    assert verdicts == {
        # t = 9.95.
        "up": (Verdict.SLOWER, False),
        # The margin is log(1.02) = 0.0198: (0.0198 - 0) / 0.003015 = 6.57 on either side.
        "same": (Verdict.EQUIVALENT, False),
        # t = 1.99 is no difference; (0.0198 - 0.006) / 0.003015 = 4.58 is inside the margin.
        "between": (Verdict.EQUIVALENT, False),
    }
    alone = judge(between=around(0.0145))
    # t = 4.81 is a difference, (0.0198 - 0.0145) / 0.003015 = 1.76 not beyond 1.81: either side.
    assert (alone["between"].verdict, alone["between"].below_effect) == (Verdict.SLOWER, False)
    low, high = found["up"].family_interval
    # Each of three has 98.33 %: 2.87 errors either way, where 95 % are 2.23.
    assert math.log(high / low) / 2 == pytest.approx(2.870 * 0.0030151, rel=1e-3)
    assert math.log(found["up"].interval[1] / low) < math.log(high / low)


def test_one_block_concludes_nothing() -> None:
    found = judge(up=[0.5])["up"]
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.ratio == pytest.approx(math.exp(0.5))
    assert found.interval is None
    assert found.needed_blocks is None


def test_a_variant_that_stopped_early_is_compared_on_the_blocks_it_has() -> None:
    found = judge(whole=spread(0.05, 0.01), part=spread(0.05, 0.01, count=7))
    assert (found["whole"].blocks, found["part"].blocks) == (12, 7)


def test_the_identical_control_fails_only_when_it_differs() -> None:
    arms = arms_of(same=spread(0.0, 0.01), other=spread(0.02, 0.001))
    assert check_identical(arms["same"], arms["base"]).passed
    assert not check_identical(arms["other"], arms["base"]).passed
    assert not check_identical({}, arms["base"]).passed


def test_the_delayed_control_must_be_found_and_have_the_right_size() -> None:
    base_ns = math.exp(13.0)
    flat = {block: process(13.0, block) for block in range(12)}

    def shifted(by: float, noise: float) -> dict[int, object]:
        return {block: process(13.0 + d, block) for block, d in enumerate(spread(by, noise))}

    delay_ns = round(0.02 * base_ns)
    right = check_delayed(shifted(math.log1p(0.02), 0.001), flat, delay_ns, DESIGN)
    assert right.passed
    assert not right.out_of_step
    assert right.expected == pytest.approx(1.02, abs=1e-6)
    assert not check_delayed(shifted(0.0, 0.001), flat, delay_ns, DESIGN).passed
    assert not check_delayed(shifted(math.log1p(0.02), 0.1), flat, delay_ns, DESIGN).passed
    assert not check_delayed(shifted(math.log1p(0.04), 0.001), flat, delay_ns, DESIGN).passed


def test_a_delay_that_is_not_the_effect_proves_nothing_even_if_it_is_found() -> None:
    flat = {block: process(13.0, block) for block in range(12)}
    twice = math.log1p(0.04)
    late = {block: process(13.0 + d, block) for block, d in enumerate(spread(twice, 0.001))}
    control = check_delayed(late, flat, round(0.04 * math.exp(13.0)), DESIGN)
    assert control.ratio == pytest.approx(control.expected, abs=1e-3)
    assert not control.passed
    assert control.out_of_step


def test_precision_looks_at_widths_alone() -> None:
    narrow, wide = spread(0.3, 0.005), spread(0.0, 0.05)
    assert is_narrow(arms_of(a=narrow), 10)
    assert not is_narrow(arms_of(a=narrow, b=wide), 10)
    assert not is_narrow(arms_of(a=narrow), 13)


def test_each_of_several_intervals_must_be_narrow_at_the_level_of_its_own_verdict() -> None:
    values = spread(0.0, 0.0145)
    assert is_narrow(arms_of(a=values), 10)
    several = {f"v{index}": values for index in range(11)}
    assert not is_narrow(arms_of(**several), 10)
    needed = {one.needed_blocks for one in judge(**several).values()}
    assert min(needed) > 12 >= judge(a=values)["a"].needed_blocks


def test_precision_taken_up_block_by_block_is_that_of_all_blocks_at_once() -> None:
    generator = np.random.default_rng(3)
    arms = arms_of(a=list(generator.normal(0, 0.02, 40)), b=list(generator.normal(1, 0.03, 40)))
    del arms["a"][17]
    step_by_step = Precision(DESIGN)
    for count in range(1, 41):
        begun = {
            name: {block: one for block, one in arm.items() if block < count}
            for name, arm in arms.items()
        }
        at_once = Precision(DESIGN)
        for precision in (step_by_step, at_once):
            precision.take_up(begun, pairs_of(arms))
        assert step_by_step.needed_blocks() == at_once.needed_blocks()
        assert step_by_step.is_reached(2) == at_once.is_reached(2)
    found = compare(arms, pairs_of(arms), DESIGN, generator)
    assert at_once.needed_blocks() == max(one.needed_blocks for one in found)


EXPERIMENTS = 400
# On a quiet one all intervals become narrow at the same time, none of them early.
MACHINES = [Machine(), Machine(spike_share=0.0)]
# What a test run shows at a true rate, beyond which it fails once in a thousand runs.
MOST_ALARMS = stats.binom.ppf(0.999, EXPERIMENTS, 0.05)


def is_different(decision: Decision) -> bool:
    return decision.verdict in (Verdict.SLOWER, Verdict.FASTER)


def test_means_and_percentiles_are_judged_beside_medians() -> None:
    arms = arms_of(up=spread(0.001, 0.002))
    arms["up"] = {
        block: dataclasses.replace(
            one,
            log_mean=one.log_median + 0.05,
            log_p90=one.log_median - 0.05,
        )
        for block, one in arms["up"].items()
    }
    (found,) = compare(arms, pairs_of(arms), DESIGN, np.random.default_rng(1))
    assert found.verdict is Verdict.EQUIVALENT
    assert (found.mean_verdict, found.p90_verdict) == (Verdict.SLOWER, Verdict.FASTER)
    assert found.mean_ratio == pytest.approx(math.exp(0.051))
    assert found.p90_ratio == pytest.approx(math.exp(-0.049))


def test_each_variant_is_compared_with_its_own_baseline_and_missing_arms_are_passed_over() -> None:
    arms = arms_of(one=spread(0.05, 0.001), two=spread(0.05, 0.001), base2=spread(0.05, 0.001))
    pairs = {"one": "base", "two": "base2", "gone": "base", "base2": "never"}
    found = compare(arms, pairs, DESIGN, np.random.default_rng(1))
    verdicts = {(one.variant, one.baseline): one.verdict for one in found}
    assert verdicts == {
        ("one", "base"): Verdict.SLOWER,
        ("two", "base2"): Verdict.EQUIVALENT,
    }


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("variants", [2, 4, 12])
def test_identical_models_raise_a_false_alarm_in_at_most_one_of_twenty_experiments(
    variants: int, machine: Machine
) -> None:
    generator = np.random.default_rng(20_261_123)
    found = simulate([1.0] * variants, DESIGN, machine, 60, EXPERIMENTS, generator)
    assert sum(any(map(is_different, one.decisions)) for one in found) <= MOST_ALARMS


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("variants", [2, 4, 12])
def test_a_model_slowed_by_the_effect_is_found_and_its_interval_covers_the_truth(
    variants: int, machine: Machine
) -> None:
    generator = np.random.default_rng(7)
    ratios = [1.0, 1.02] + [1.0] * (variants - 2)
    found = simulate(ratios, DESIGN, machine, 200, EXPERIMENTS, generator)
    precise = [one.decisions[0].verdict for one in found if one.is_precise]
    # Of twelve, one is likely to have a spike that no number of blocks makes up for.
    assert len(precise) > EXPERIMENTS / 5
    assert precise.count(Verdict.SLOWER) >= stats.binom.ppf(0.001, len(precise), 0.9)
    intervals = [one.decisions[0].interval for one in found]
    covered = sum(one.low <= math.log(1.02) <= one.high for one in intervals)
    # Stopping where the spread looks small costs a little of the 95 %.
    assert covered >= stats.binom.ppf(0.001, EXPERIMENTS, 0.94)
    # The others are identical to the baseline: a family of nine in ten true hypotheses.
    assert sum(any(map(is_different, one.decisions[1:])) for one in found) <= MOST_ALARMS


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_an_experiment_that_is_precise_leaves_no_comparison_inconclusive(
    share: float, machine: Machine
) -> None:
    generator = np.random.default_rng(5)
    ratios = [1.0, 1 + 0.02 * share, *[1.0] * 10]
    found = simulate(ratios, DESIGN, machine, 200, 200, generator)
    precise = [one for one in found if one.is_precise]
    assert len(precise) > 40
    verdicts = {decision.verdict for one in precise for decision in one.decisions}
    assert Verdict.INCONCLUSIVE not in verdicts


def test_simulated_experiments_end_where_the_real_rule_ends_them() -> None:
    generator = np.random.default_rng(11)
    for one in simulate([1.0, 1.0, 1.02], DESIGN, Machine(), 60, 40, generator):
        arms = arms_of(
            **{f"v{index}": list(values) for index, values in enumerate(one.differences.T)}
        )
        before = {name: dict(list(arm.items())[:-1]) for name, arm in arms.items()}
        assert is_narrow(arms, MIN_BLOCKS) == one.is_precise
        assert not is_narrow(before, MIN_BLOCKS)
