"""What valid specs mean: names, aliases, baselines and expectations of matrices, and records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import Problem
from runner.spec.expand import read_spec
from runner.spec.measurement import Device
from runner.spec.model import Spec

pytestmark = pytest.mark.fast

Read = Callable[[str], Spec]
VALID = Path(__file__).parent / "valid"


def names(spec: Spec) -> list[str]:
    return [variant.name for variant in spec.variants]


def test_inclusions_come_after_the_product_with_names_of_their_own() -> None:
    spec = read_spec(VALID / "include_and_exclude.yaml")
    assert names(spec) == [
        "model.head=stock,quantize=float32",
        "model.head=stock,quantize=int8",
        "model.head=wide,quantize=float32",
        "model.head=wide,quantize=dynamic,runtime.threads=2",
        "model.head=stock,quantize=int8,train.seed=3",
        "model.base.alpha=0.5",
    ]
    assert spec.baseline == names(spec)[0]
    last = spec.variants[-1]
    assert last.model.base is not None
    assert (last.model.base.alpha, last.quantize.mode) == (0.5, "float32")
    assert spec.expectations[0].variants == (names(spec)[3],)


def test_inclusions_alone_are_all_the_variants() -> None:
    spec = read_spec(VALID / "include_alone.yaml")
    assert names(spec) == ["quantize=float32", "quantize=int8,runtime.threads=2"]


def test_an_exclusion_needs_all_of_its_alternatives(read: Read, smallest: str) -> None:
    spec = read(
        f"{smallest}matrix:\n  quantize: [float32, int8]\n  runtime.threads: [1, 2]\n"
        "  exclude: [{quantize: int8, runtime.threads: 2}]\n"
        "baseline: {quantize: float32, runtime.threads: 1}\n"
    )
    assert names(spec) == [
        "quantize=float32,runtime.threads=1",
        "quantize=float32,runtime.threads=2",
        "quantize=int8,runtime.threads=1",
    ]


def test_what_is_excluded_can_be_included_again(read: Read, smallest: str) -> None:
    spec = read(
        f"{smallest}matrix:\n  quantize: [float32, int8, dynamic]\n"
        "  exclude: [{quantize: int8}, {quantize: dynamic}]\n  include: [{quantize: int8}]\n"
        "baseline: {quantize: float32}\n"
    )
    assert names(spec) == ["quantize=float32", "quantize=int8"]


def test_an_inclusion_that_is_there_already_adds_nothing(read: Read, smallest: str) -> None:
    spec = read(
        f"{smallest}matrix:\n  quantize: [float32, int8]\n"
        "  include: [{quantize: float32}, {quantize: int16x8}, {quantize: int16x8}]\n"
        "baseline: {quantize: float32}\n"
    )
    assert names(spec) == ["quantize=float32", "quantize=int8", "quantize=int16x8"]
    assert spec.aliases == {}
    assert spec.baseline == "quantize=float32"
    twice = read(
        f"{smallest}matrix:\n  quantize: [float32, int8]\n"
        "  include: [{quantize: int16x8}, {quantize: int16x8}]\nbaseline: {quantize: int16x8}\n"
    )
    assert twice.baseline == "quantize=int16x8"


def test_the_same_content_under_two_names_is_one_variant(read: Read, smallest: str) -> None:
    spec = read(
        f"{smallest}matrix:\n  quantize: {{a: int8, b: {{mode: int8}}, c: float32}}\n"
        "  include: [{quantize: c, runtime.threads: 1}]\n"
        "baseline: {quantize: b}\n"
        "expect: [{variant: {quantize: b}, accuracy: {min: 1%}}, {latency_ratio: {max: 2}}]\n"
    )
    assert names(spec) == ["quantize=a", "quantize=c"]
    assert spec.aliases == {
        "quantize=b": "quantize=a",
        "quantize=c,runtime.threads=1": "quantize=c",
    }
    assert spec.baseline == "quantize=a"
    assert [one.variants for one in spec.expectations] == [
        ("quantize=a",),
        ("quantize=a", "quantize=c"),
    ]


def test_an_expectation_means_every_variant_that_has_its_alternatives(
    read: Read, smallest: str
) -> None:
    spec = read(
        f"{smallest}matrix:\n  quantize: [float32, int8]\n  runtime.threads: [1, 2]\n"
        "  include: [{quantize: int8, train.seed: 9}]\n"
        "baseline: {quantize: float32, runtime.threads: 1}\n"
        "expect:\n  - {variant: {quantize: int8}, latency_ratio: {max: 1}}\n"
        "  - {variant: {train.seed: 9}, accuracy: {min: 10%}}\n"
    )
    assert spec.expectations[0].variants == (
        "quantize=int8,runtime.threads=1",
        "quantize=int8,runtime.threads=2",
        "quantize=int8,train.seed=9",
    )
    assert spec.expectations[1].variants == ("quantize=int8,train.seed=9",)


def test_a_baseline_that_names_all_of_an_inclusion_means_it(read: Read, smallest: str) -> None:
    spec = read(
        f"{smallest}matrix:\n  quantize: [float32, int8]\n"
        "  include: [{quantize: int8, runtime.threads: 2}]\n"
        "baseline: {quantize: int8, runtime.threads: 2}\n"
    )
    assert spec.baseline == "quantize=int8,runtime.threads=2"
    shorter = read(
        f"{smallest}matrix:\n  quantize: [float32, int8]\n"
        "  include: [{quantize: int8, runtime.threads: 2}]\nbaseline: {quantize: int8}\n"
    )
    assert shorter.baseline == "quantize=int8"


def test_epochs_are_the_sum_of_the_phases() -> None:
    variant = read_spec(VALID / "training.yaml").variants[0]
    assert variant.train.epochs == 1 + 2 + 4 + 8 + 16
    assert variant.train.phases[0].freeze_batch_norm is None
    assert variant.train.phases[1].freeze_batch_norm is False
    assert variant.train.phases[0].optimizer is None


def test_an_extent_and_a_pair_of_it_are_one(read: Read, smallest: str) -> None:
    layers = [f"{{conv: {{filters: 8, kernel_size: {size}}}}}" for size in ("5", "[5, 5]")]
    both = [read(f"{smallest}  head: [{layer}, flatten, classifier]\n") for layer in layers]
    assert both[0].variants == both[1].variants
    assert both[0].variants[0].model.head[0].options["kernel_size"] == [5, 5]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("quantize: int8", "quantize: {mode: int8, per_channel: true, keep_float: []}"),
        ("compress: none", "train: {}"),
        ("compress: prune", "compress: [{prune: {sparsity: 0.5}}]"),
        ("compress: {prune: {}}", "compress: [prune]"),
        ("train: {loss: focal}", "train: {loss: {focal: {gamma: 2}}}"),
        ("train: {augment: [zoom]}", "train: {augment: [{zoom: {amount: 0.1}}]}"),
        ("train: {optimizer: adamw}", "train: {optimizer: {adamw: {weight_decay: 0.004}}}"),
        ("runtime: {delegate: xnnpack}", "runtime: {delegate: {xnnpack: {flags: []}}}"),
        ("runtime: {}", "runtime: {threads: 1, delegate: xnnpack}"),
        ("measure: {effect: 2%}", "measure: {effect: 0.02, limits: {load: 1}}"),
        ("measure: {max_time: 120s}", "measure: {max_time: 2m}"),
        ("report: {}", "report: {sort: spec, formats: [html], percentiles: []}"),
    ],
)
def test_two_spellings_are_one(read: Read, smallest: str, short: str, long: str) -> None:
    first, second = read(f"{smallest}{short}\n"), read(f"{smallest}{long}\n")
    assert first.variants == second.variants
    assert first.measure == second.measure
    assert first.report == second.report


def test_devices_are_completed(
    read: Read, smallest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOARD", "pi@board")
    spec = read(
        f"{smallest}target: pi\ntargets:\n"
        "  pi: {ssh: {host: '${BOARD}', key: keys/board}}\n  phone: {adb: {}}\n"
    )
    assert spec.targets["pi"] == Device(
        "ssh", {"host": "pi@board", "key": str(tmp_path / "keys/board"), "folder": "retime"}
    )
    assert spec.targets["phone"].options == {"folder": "/data/local/tmp/retime"}
    assert spec.variants[0].target == "pi"


def test_the_limit_counts_what_there_is(
    read: Read, problems: Callable[[str], list[Problem]], smallest: str
) -> None:
    seeds = ", ".join(map(str, range(300)))
    text = (
        f"{smallest}measure: {{max_time: 9h, effect: 50%}}\nmatrix:\n  train.seed: [{seeds}]\n"
        "baseline: {train.seed: 0}\n"
    )
    (problem,) = problems(text)
    assert "300 variants; at most 256" in problem.message
    raised = text.replace("matrix:\n", "matrix:\n  limit: 300\n")
    assert len(read(raised).variants) == 300
