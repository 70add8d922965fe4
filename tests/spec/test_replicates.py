"""`train.seeds: n` makes n models of each recipe, and says what is compared with what."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.errors import Problem
from runner.plan.abilities import refusals
from runner.spec.model import Spec

pytestmark = pytest.mark.fast

Read = Callable[[str], Spec]
MATRIX = "matrix: {quantize: [float32, int8]}\nbaseline: {quantize: float32}\n"


def test_each_recipe_has_a_variant_for_each_seed(read: Read, smallest: str) -> None:
    spec = read(f"{smallest}{MATRIX}train: {{seed: 7, seeds: 3}}\n")
    assert [variant.name for variant in spec.variants] == [
        "quantize=float32,train.seed=7",
        "quantize=float32,train.seed=8",
        "quantize=float32,train.seed=9",
        "quantize=int8,train.seed=7",
        "quantize=int8,train.seed=8",
        "quantize=int8,train.seed=9",
    ]
    last = spec.variants[-1]
    assert (last.recipe, last.replicate, last.train.seed) == ("quantize=int8", 2, 9)
    assert last.axes == {"quantize": "int8", "train.seed": "9"}
    assert "train.seeds" not in refusals(spec)


def test_a_model_is_compared_with_the_baseline_of_its_own_place(read: Read, smallest: str) -> None:
    spec = read(f"{smallest}{MATRIX}train: {{seeds: 2}}\n")
    assert spec.baseline == "quantize=float32,train.seed=0"
    assert spec.pairs == {
        "quantize=int8,train.seed=0": "quantize=float32,train.seed=0",
        "quantize=int8,train.seed=1": "quantize=float32,train.seed=1",
    }
    assert spec.recipe_pairs == {"quantize=int8": tuple(spec.pairs.items())}


def test_without_seeds_a_recipe_is_its_variant(read: Read, smallest: str) -> None:
    spec = read(f"{smallest}{MATRIX}")
    assert spec.recipes == {one.name: (one.name,) for one in spec.variants}
    assert all(one.recipe == one.name for one in spec.variants)
    assert spec.pairs == {"quantize=int8": "quantize=float32"}
    assert spec.recipe_pairs == {}


def test_a_recipe_without_a_matrix_is_trained_several_times(read: Read, smallest: str) -> None:
    spec = read(f"{smallest}train: {{seeds: 2}}\n")
    assert [one.name for one in spec.variants] == ["train.seed=0", "train.seed=1"]
    assert (spec.baseline, spec.pairs, spec.recipe_pairs) == ("train.seed=0", {}, {})


def test_a_single_file_stands_for_no_recipe(read: Read, smallest: str) -> None:
    spec = read(
        f"{smallest}matrix: {{train: {{once: {{}}, often: {{seeds: 3, epochs: 4}}}}}}\n"
        "baseline: {train: once}\n"
    )
    assert set(spec.pairs.values()) == {"train=once"}
    assert len(spec.pairs) == 3
    assert spec.recipe_pairs == {}


def test_recipes_that_share_a_model_time_it_once(read: Read, smallest: str) -> None:
    spec = read(
        f"{smallest}matrix: {{train: {{low: {{seeds: 2}}, high: {{seeds: 2, seed: 1}}}}}}\n"
        "baseline: {train: low}\n"
    )
    assert [one.train.seed for one in spec.variants] == [0, 1, 2]
    assert spec.aliases == {"train=high,train.seed=1": "train=low,train.seed=1"}
    assert spec.recipes["train=high"] == ("train=low,train.seed=1", "train=high,train.seed=2")


def test_recipes_that_do_not_train_differently_share_their_training(
    read: Read, smallest: str
) -> None:
    spec = read(f"{smallest}{MATRIX}train: {{seeds: 2}}\n")
    first, second, third, fourth = (one.train for one in spec.variants)
    assert first is third
    assert second is fourth


def test_an_expectation_is_about_all_models_of_a_recipe(read: Read, smallest: str) -> None:
    spec = read(
        f"{smallest}{MATRIX}train: {{seeds: 2}}\n"
        "expect: [{variant: {quantize: int8}, latency_ratio: {max: 1.1}}]\n"
    )
    assert spec.expectations[0].variants == spec.recipes["quantize=int8"]


def test_seeds_count_among_the_variants_that_are_allowed(
    problems: Callable[[str], list[Problem]], smallest: str
) -> None:
    text = smallest + MATRIX.replace("int8]", "int8], limit: 150")
    budget = "measure: {max_time: 9h}\n"
    (problem,) = problems(f"{text}{budget}train: {{seeds: 100}}\n")
    assert problem.message == "with train.seeds gives 200 variants; 150 are allowed"
    assert "matrix: {limit: 200}" in problem.remedy
