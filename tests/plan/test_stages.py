"""Which stages a spec has, and which variants share them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from runner.plan.records import Plan, Surroundings
from runner.plan.stages import make_plan
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


def test_every_training_says_whether_features_are_shared_and_why_not(tmp_path: Path) -> None:
    _, plan = planned(tmp_path, SMALL + GRID)
    notes = {stage.note for stage in plan.stages.values() if stage.kind == "train"}
    assert notes == {
        "features are computed once",
        "features are not shared: layers of the base are trained",
    }
    assert {stage.note for stage in plan.stages.values() if stage.kind != "train"} == {""}


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


MOMENTS = """\
matrix:
  train.snapshot: {start: {step: 0}, middle: {epoch: 1.5}, late: {step: 100}, end: end}
  quantize: [float32, int8]
baseline: {train.snapshot: end, quantize: float32}
"""


def test_one_training_serves_all_of_its_snapshots_and_its_end(tmp_path: Path) -> None:
    spec, plan = planned(tmp_path, SMALL + MOMENTS)
    assert counts(plan) == {
        "data": 1, "features": 1, "train": 1, "snapshot": 3, "convert": 8, "evaluate": 8,
    }  # fmt: skip
    (training,) = (stage for stage in plan.stages.values() if stage.kind == "train")
    assert training.params["snapshots"] == {"epoch": [1.5], "step": [0, 100]}
    assert "snapshot" not in training.params["train"]
    for variant in spec.variants:
        keys = plan.of_variant[variant.name]
        assert keys["train"] == training.key
        is_end = variant.axes["train.snapshot"] == "end"
        source = plan.stages[keys["convert"]].inputs["source"]
        assert source == (training.key if is_end else keys["snapshot"])
        assert plan.maker_of_model(variant.name) == source
        if not is_end:
            assert plan.stages[source].inputs["training"] == training.key


def test_labels_tell_snapshots_apart(tmp_path: Path) -> None:
    _, plan = planned(tmp_path, SMALL + MOMENTS)
    labels = [stage.label for stage in plan.stages.values() if stage.kind in {"train", "snapshot"}]
    assert labels == ["MobileNetV2 0.35, 3 snapshots", "step 0", "epoch 1.5", "step 100"]


def test_each_recipe_and_each_seed_has_the_snapshots_that_are_asked_of_it(tmp_path: Path) -> None:
    text = """\
train: {seeds: 2}
matrix:
  train.snapshot.step: [0, 7]
  train.batch_size: [16, 32]
  exclude: [{train.snapshot.step: 7, train.batch_size: 32}]
baseline: {train.snapshot.step: 0, train.batch_size: 16}
"""
    _, plan = planned(tmp_path, SMALL + text)
    assert counts(plan)["snapshot"] == 6
    asked = Counter(
        (stage.params["train"]["batch_size"], *stage.params["snapshots"]["step"])
        for stage in plan.stages.values()
        if stage.kind == "train"
    )
    assert asked == {(16, 0, 7): 2, (32, 0): 2}


def test_without_snapshots_a_training_is_what_it_was_before_there_were_any(tmp_path: Path) -> None:
    _, plan = planned(tmp_path, SMALL)
    (training,) = (stage for stage in plan.stages.values() if stage.kind == "train")
    assert not {"snapshot", "snapshots"} & {*training.params, *training.params["train"]}


def test_a_teacher_that_says_which_layers_are_trained_is_trained_so_in_all_phases(
    tmp_path: Path,
) -> None:
    policies = {}
    for own in ("", ", trainable: {from: block_16_project}"):
        teacher = f"{{base: {{architecture: MobileNetV2, alpha: 0.5, weights: none}}{own}}}"
        phases = "train: {phases: [{epochs: 1, trainable: none}, {epochs: 2, trainable: all}]}\n"
        text = SMALL + phases + f"compress: {{distill: {{teacher: {teacher}}}}}\n"
        spec, plan = planned(tmp_path, text)
        compress = plan.stages[plan.of_variant[spec.variants[0].name]["compress"]]
        for role in ("source", "teacher"):
            train = plan.stages[compress.inputs[role]].params
            policies[role, own] = [
                (phase["trainable"] or train["model"]["trainable"])["policy"]
                for phase in train["train"]["phases"]
            ]
    assert {tuple(one) for key, one in policies.items() if key != ("teacher", own)} == {
        ("none", "all")
    }
    assert policies["teacher", own] == ["from", "from"]


def test_a_snapshot_is_compressed_and_its_teacher_is_a_finished_one(tmp_path: Path) -> None:
    teacher = "{base: {architecture: MobileNetV2, alpha: 0.5, weights: none}}"
    text = (
        SMALL + f"compress: {{distill: {{teacher: {teacher}}}}}\ntrain: {{snapshot: {{step: 3}}}}\n"
    )
    spec, plan = planned(tmp_path, text)
    assert counts(plan)["snapshot"] == 1
    keys = plan.of_variant[spec.variants[0].name]
    compress = plan.stages[keys["compress"]]
    assert compress.inputs["source"] == keys["snapshot"]
    assert plan.stages[compress.inputs["teacher"]].kind == "train"
    assert "snapshots" not in plan.stages[compress.inputs["teacher"]].params
    assert plan.stages[keys["snapshot"]].inputs["training"] == keys["train"]


def test_the_quantizer_of_weights_determines_only_what_it_makes(tmp_path: Path) -> None:
    text = (
        SMALL + "matrix: {quantize: [float32, weight_only_int8]}\nbaseline: {quantize: float32}\n"
    )
    spec = expand(parse(text.encode(), file="spec.yaml", folder=tmp_path))
    libraries = {variant.name: "library" for variant in spec.variants}

    def keys(version: str) -> list[str]:
        versions: dict[str, str | None] = {"ai-edge-quantizer": version}
        plan = make_plan(spec, Surroundings(versions, {}, libraries, "host"))
        return [plan.of_variant[variant.name]["convert"] for variant in spec.variants]

    before, after = keys("1"), keys("2")
    assert before[0] == after[0]
    assert before[1] != after[1]
