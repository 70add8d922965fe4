"""From the matrix to variants: names, contents, defaults and paths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import Problem
from runner.spec.measurement import Bounds, Expectation
from runner.spec.model import Spec
from runner.spec.recipe import HeadLayer, Optimizer, Trainable

pytestmark = pytest.mark.fast

Read = Callable[[str], Spec]


def test_smallest_spec_takes_every_default(read: Read, smallest: str) -> None:
    spec = read(smallest)
    (variant,) = spec.variants
    assert variant.name == spec.name == spec.baseline == "sample"
    assert variant.axes == {}
    assert spec.question == ""
    assert spec.expectations == ()
    assert variant.data.image_size == (96, 96)
    assert variant.model.base.weights == "imagenet"
    assert variant.model.base.batch_norm_momentum is None
    assert variant.model.head == (
        HeadLayer("global_average_pooling", {}),
        HeadLayer("classifier", {"activation": "softmax", "use_bias": True}),
    )
    assert variant.model.trainable == Trainable("none", None)
    assert variant.train.optimizer.options["learning_rate"] == pytest.approx(1e-3)
    assert variant.quantize.mode == "float32"
    assert variant.runtime.path is None
    assert variant.target == "local"
    assert spec.measure.max_time_s == 120
    assert spec.measure.warmup_time_s == pytest.approx(0.2)
    assert spec.measure.seed is None


def test_short_and_long_forms_are_one(read: Read, smallest: str) -> None:
    short = read(f"{smallest}train: {{optimizer: sgd}}\nquantize: int8\n")
    long = read(
        f"{smallest}train: {{optimizer: {{sgd: {{learning_rate: 0.01}}}}, epochs: 3}}\n"
        "quantize: {mode: int8, calibration_samples: 100, seed: 0}\n"
    )
    assert short.variants == long.variants
    assert short.variants[0].train.optimizer == Optimizer(
        "sgd", {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}
    )


def test_axes_turn_in_the_order_of_the_file(read: Read, smallest: str) -> None:
    spec = read(
        f"{smallest}matrix:\n"
        "  runtime.threads: {two: 2, one: 1}\n"
        "  model.base.alpha: [0.35, 1, 1.40]\n"
        "baseline: {runtime.threads: one, model.base.alpha: 1.0}\n"
    )
    assert [variant.name for variant in spec.variants] == [
        "runtime.threads=two,model.base.alpha=0.35",
        "runtime.threads=two,model.base.alpha=1",
        "runtime.threads=two,model.base.alpha=1.4",
        "runtime.threads=one,model.base.alpha=0.35",
        "runtime.threads=one,model.base.alpha=1",
        "runtime.threads=one,model.base.alpha=1.4",
    ]
    assert spec.baseline == "runtime.threads=one,model.base.alpha=1"
    last = spec.variants[-1]
    assert (last.runtime.threads, last.model.base.alpha) == (1, 1.4)
    assert last.axes == {"runtime.threads": "one", "model.base.alpha": "1.4"}


def test_an_alternative_replaces_the_whole_field(read: Read, smallest: str) -> None:
    spec = read(
        f"{smallest}train: {{epochs: 7, seed: 3}}\n"
        "matrix:\n  train:\n    short: {epochs: 1}\n    as_set: {epochs: 7, seed: 3}\n"
        "baseline: {train: as_set}\n"
    )
    short, as_set = (variant.train for variant in spec.variants)
    assert (short.epochs, short.seed) == (1, 0)
    assert (as_set.epochs, as_set.seed) == (7, 3)


def test_an_axis_may_make_mappings_that_the_spec_leaves_out(read: Read, smallest: str) -> None:
    spec = read(
        f"{smallest}matrix:\n  train.optimizer.sgd.momentum: [0, 0.9]\n"
        "baseline: {train.optimizer.sgd.momentum: 0}\n"
    )
    assert [one.train.optimizer.options["momentum"] for one in spec.variants] == [0.0, 0.9]


def test_booleans_and_words_name_themselves(read: Read, smallest: str) -> None:
    spec = read(
        f"{smallest}matrix:\n  train.optimizer.sgd.nesterov: [yes, no]\n"
        "baseline: {train.optimizer.sgd.nesterov: false}\n"
    )
    assert spec.baseline == "train.optimizer.sgd.nesterov=false"


def test_one_variant_needs_no_baseline(read: Read, smallest: str) -> None:
    spec = read(f"{smallest}matrix:\n  quantize: [int8]\n")
    assert spec.baseline == spec.variants[0].name == "quantize=int8"


def test_expectations_keep_alternatives_and_bounds(read: Read, smallest: str) -> None:
    spec = read(
        f"{smallest}matrix:\n  model.base.alpha: [0.35, 1.0]\n"
        "baseline: {model.base.alpha: 1.0}\n"
        "expect:\n"
        "  - {variant: {model.base.alpha: 0.350}, latency_ratio: {max: 0.9}}\n"
        "  - accuracy: {min: 90%, max: 1}\n"
    )
    assert spec.expectations == (
        Expectation(("model.base.alpha=0.35",), Bounds(None, 0.9), None),
        Expectation(("model.base.alpha=0.35", "model.base.alpha=1"), None, Bounds(0.9, 1.0)),
    )


def test_paths_are_read_from_the_folder_of_the_spec(
    read: Read, smallest: str, tmp_path: Path
) -> None:
    (tmp_path / "base.weights.h5").touch()
    (tmp_path / "lib.so").touch()
    weighted = smallest.replace("alpha: 1.0", "alpha: 0.6, weights: ./x/../base.weights.h5")
    (variant,) = read(f"{weighted}runtime: {{path: {tmp_path}/lib.so}}\n").variants
    assert variant.model.base.weights == str(tmp_path / "base.weights.h5")
    assert variant.runtime.path == str(tmp_path / "lib.so")


def test_own_folder_is_understood(
    read: Read, smallest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "lib.so").touch()
    (variant,) = read(f"{smallest}runtime: {{path: ~/lib.so}}\n").variants
    assert variant.runtime.path == str(tmp_path / "lib.so")


def test_numbers_have_the_type_of_their_field(read: Read, smallest: str) -> None:
    text = smallest.replace("alpha: 1.0", "alpha: 1") + "train: {batch_size: 16.0}\n"
    (variant,) = read(text).variants
    assert isinstance(variant.model.base.alpha, float)
    assert isinstance(variant.train.batch_size, int)


def test_problems_with_a_combination_name_the_variant(
    problems: Callable[[str], list[Problem]], smallest: str
) -> None:
    text = smallest.replace("alpha: 1.0", "alpha: 0.6")
    (problem,) = problems(
        f"{text}matrix:\n  model.base.weights: [imagenet, none]\n  quantize: [float32, int8]\n"
        "baseline: {model.base.weights: none, quantize: int8}\n"
    )
    assert (problem.line, problem.column) == (5, 44)
    assert problem.message.endswith(
        "(in the variant model.base.weights=imagenet,quantize=float32 and 1 more)"
    )
