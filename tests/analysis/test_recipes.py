"""A recipe is judged over the models that were trained from it."""

import math

import numpy as np
import pytest
from scipy import stats

from runner.analysis.recipes import RecipeComparison, compare_recipes
from runner.analysis.summaries import ProcessSummary
from runner.analysis.verdicts import Design, Verdict
from tests.analysis.simulation import process

pytestmark = pytest.mark.fast

DESIGN = Design(effect=0.02, confidence=0.95)
Arms = dict[str, dict[int, ProcessSummary]]


def arms_of(levels: dict[str, list[float]]) -> Arms:
    return {
        name: {block: process(13 + level, block) for block, level in enumerate(values)}
        for name, values in levels.items()
    }


def judge(arms: Arms, **recipes: int) -> dict[str, RecipeComparison]:
    pairs = {
        name: [(f"{name}{seed}", f"base{seed}") for seed in range(seeds)]
        for name, seeds in recipes.items()
    }
    return {one.recipe: one for one in compare_recipes(arms, pairs, "base", DESIGN)}


def test_the_interval_is_students_over_the_means_of_seeds() -> None:
    # Differences over two blocks: 0.02 and 0.04, 0.05 and 0.05, 0.06 and 0.08.
    arms = arms_of(
        {f"base{seed}": [0.0, 0.5] for seed in range(3)}
        | {"wide0": [0.02, 0.54], "wide1": [0.05, 0.55], "wide2": [0.06, 0.58]}
    )
    found = judge(arms, wide=3)["wide"]
    half = 4.302653 * 0.02 / math.sqrt(3)  # t of two degrees, means 0.03, 0.05, 0.07
    assert found.ratio == pytest.approx(math.exp(0.05))
    assert found.interval == pytest.approx((math.exp(0.05 - half), math.exp(0.05 + half)))
    assert found.p_value == pytest.approx(stats.ttest_1samp([0.03, 0.05, 0.07], 0).pvalue)
    assert (found.seeds, found.verdict) == (3, Verdict.SLOWER)
    # Of 19 seeds the half-width is 0.0096, of 18 it is 0.00995; half the effect is 0.00990.
    assert found.needed_seeds == 19


def test_recipes_are_a_family_of_their_own() -> None:
    generator = np.random.default_rng(2)
    levels = {f"base{seed}": [0.0] * 4 for seed in range(5)}
    for name, center in (("one", 0.03), ("two", 0.03)):
        levels |= {f"{name}{seed}": [center + generator.normal(0, 0.01)] * 4 for seed in range(5)}
    found = judge(arms_of(levels), one=5, two=5)
    p_values = sorted(one.p_value for one in found.values())
    assert min(one.adjusted_p_value for one in found.values()) == pytest.approx(2 * p_values[0])


def test_a_seed_that_was_not_timed_beside_its_baseline_does_not_count() -> None:
    arms = arms_of({"base0": [0.0, 0.0], "base1": [0.0, 0.0], "wide0": [0.01, 0.01]})
    found = judge(arms, wide=2)["wide"]
    assert (found.seeds, found.interval, found.needed_seeds) == (1, None, None)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert judge({}, wide=2)["wide"].ratio is None


def test_models_that_differ_by_their_seed_alone_raise_no_alarm_about_their_recipe() -> None:
    """Pooled over blocks, the same files would be told apart in most experiments."""
    generator = np.random.default_rng(3)
    experiments, seeds, blocks = 400, 5, 20
    alarms = covered = 0
    for _ in range(experiments):
        levels = {
            f"{name}{seed}": list(generator.normal(0, 0.03) + generator.normal(0, 0.01, blocks))
            for name in ("base", "same")
            for seed in range(seeds)
        }
        found = judge(arms_of(levels), same=seeds)["same"]
        alarms += found.verdict in (Verdict.SLOWER, Verdict.FASTER)
        covered += found.interval[0] <= 1 <= found.interval[1]
    assert alarms <= stats.binom.ppf(0.999, experiments, 0.05)
    assert covered >= stats.binom.ppf(0.001, experiments, 0.95)
