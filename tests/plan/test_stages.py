"""Which stages a spec has, and which variants share them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from runner.plan.stages import Plan, Surroundings, make_plan
from runner.spec.expand import expand
from runner.spec.load import parse
from runner.spec.model import Spec

pytestmark = pytest.mark.fast

SMALL = """\
spec: 1
name: sample
data: {source: digits}
model:
  base: {architecture: MobileNetV2, alpha: 0.35, weights: none}
"""
GRID = """\
matrix:
  model.head:
    stock: [global_average_pooling, classifier]
    wide: [global_average_pooling, {dense: {units: 64}}, classifier]
  model.trainable: {frozen: none, tuned: all}
  quantize: [float32, int8]
baseline: {model.head: stock, model.trainable: frozen, quantize: float32}
"""


def planned(tmp_path: Path, text: str) -> tuple[Spec, Plan]:
    spec = expand(parse(text.encode(), file="spec.yaml", folder=tmp_path))
    libraries = {variant.name: "library" for variant in spec.variants}
    return spec, make_plan(spec, Surroundings({}, {}, libraries, "host"))


def counts(plan: Plan) -> Counter[str]:
    return Counter(stage.kind for stage in plan.stages.values())


def test_heads_of_a_frozen_base_share_its_features(tmp_path: Path) -> None:
    spec, plan = planned(tmp_path, SMALL + GRID)
    assert len(spec.variants) == 8
    assert counts(plan) == {"data": 1, "features": 1, "train": 4, "convert": 8, "evaluate": 8}
    for variant in spec.variants:
        keys = plan.of_variant[variant.name]
        has_features = "features" in plan.stages[keys["train"]].inputs
        assert has_features == (variant.axes["model.trainable"] == "frozen")
        assert ("features" in keys) == has_features


@pytest.mark.parametrize(
    "extra", ["train: {augment: [flip]}\n", "train: {phases: [{epochs: 1, trainable: all}]}\n"]
)
def test_what_changes_images_or_the_base_needs_plain_training(tmp_path: Path, extra: str) -> None:
    _, plan = planned(tmp_path, SMALL + extra)
    assert counts(plan)["features"] == 0


def test_stages_follow_their_inputs(tmp_path: Path) -> None:
    _, plan = planned(tmp_path, SMALL + GRID + "compress: prune\n")
    seen: set[str] = set()
    for key, stage in plan.stages.items():
        assert set(stage.inputs.values()) <= seen
        seen.add(key)


def test_a_teacher_is_trained_once_and_is_not_taken_for_the_network(tmp_path: Path) -> None:
    teacher = "{base: {architecture: MobileNetV2, alpha: 0.5, weights: none}}"
    text = SMALL + f"compress: {{distill: {{teacher: {teacher}}}}}\n"
    text += "matrix: {quantize: [float32, int8]}\nbaseline: {quantize: float32}\n"
    spec, plan = planned(tmp_path, text)
    assert counts(plan)["train"] == 2
    assert counts(plan)["compress"] == 1
    keys = plan.of_variant[spec.variants[0].name]
    compress = plan.stages[keys["compress"]]
    bases = {
        role: plan.stages[compress.inputs[role]].params["model"]["base"]["alpha"]
        for role in ("source", "teacher")
    }
    assert bases == {"source": 0.35, "teacher": 0.5}
    assert compress.inputs["source"] == keys["train"]
    assert "teacher" not in compress.params["steps"][0]["options"]
