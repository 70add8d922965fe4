"""Snapshots of a training: the weights that they hold, and what can be made of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.build.failures import StageFailure
from runner.build.protocol import Progress
from runner.errors import StageError
from tests.build.conftest import SCALING, Bench, head, train_params
from tests.build.test_compress import step
from tests.build.test_features import compute
from tests.build.test_phases import (
    BASE,
    HEAD,
    WHOLE,
    PowerLostError,
    dying,
    same,
    train,
    weights_of,
)

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]

# 96 images in batches of 32: three steps an epoch.
STEPS_PER_EPOCH = 3
MOMENTS = {"step": [0, 1, 3, 4, 6], "epoch": [0.5, 1.6]}
PARAMS = train_params(base=BASE, head=HEAD, epochs=2)


def with_snapshots(params: dict[str, Any], **moments: list[float]) -> dict[str, Any]:
    return params | {"snapshots": moments}


def snapshot(data: Path, training: Path, output: Path, **at: float) -> dict[str, Any]:
    from runner.build.snapshots import make_snapshot

    output.mkdir()
    params = {"at": at, "scaling": SCALING}
    inputs = {"training": training, "data": data}
    return make_snapshot(params, inputs, output, lambda progress: None)


@pytest.fixture(scope="module")
def reference(small_data: Path, tensorflow: Any) -> list[list[np.ndarray]]:
    """The weights after every step of a plain loop, without any of the training's own machinery."""
    import keras

    from runner.build.architecture import build_model
    from runner.build.batches import TrainingBatches

    keras.backend.clear_session()
    keras.utils.set_random_seed(PARAMS["train"]["seed"])
    model = build_model(PARAMS["model"], (32, 32), 10)
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    labels = np.load(small_data / "train_labels.npy")
    batches = TrainingBatches(
        small_data / "train_images.npy",
        labels,
        np.arange(len(labels)),
        PARAMS["train"],
        scaling=SCALING,
    )
    weights = [model.get_weights()]
    for epoch in range(PARAMS["train"]["epochs"]):
        batches.begin_epoch(epoch)
        for images, answers, _ in batches.dataset:
            model.train_on_batch(images, answers)
            weights.append(model.get_weights())
    return weights


@pytest.fixture(scope="module")
def training(small_data: Path, tensorflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("snapshots") / "training"
    train(small_data, folder, with_snapshots(PARAMS, **MOMENTS))
    return folder


@pytest.mark.parametrize(
    ("at", "steps"),
    [
        *((("step", steps), steps) for steps in MOMENTS["step"]),
        # 1.5 steps are nearest to the second, 4.8 to the fifth.
        (("epoch", 0.5), 2),
        (("epoch", 1.6), 5),
    ],
)
def test_a_snapshot_has_the_bits_of_a_training_that_ended_there(
    training: Path,
    reference: list[list[np.ndarray]],
    small_data: Path,
    tmp_path: Path,
    at: tuple[str, float],
    steps: int,
) -> None:
    summary = snapshot(small_data, training, tmp_path / "snapshot", **dict([at]))
    assert (summary["step"], summary["epoch"]) == (steps, pytest.approx(steps / STEPS_PER_EPOCH))
    for one, other in zip(weights_of(tmp_path / "snapshot"), reference[steps], strict=True):
        assert (one == other).all()


@pytest.mark.parametrize("epochs", [0, 1])
def test_after_an_epoch_it_has_the_bits_and_answers_of_a_training_of_so_many(
    training: Path, small_data: Path, tmp_path: Path, epochs: int
) -> None:
    shorter = PARAMS | {"train": PARAMS["train"] | {"epochs": epochs}}
    its = train(small_data, tmp_path / "shorter", shorter)
    ours = snapshot(small_data, training, tmp_path / "snapshot", step=epochs * STEPS_PER_EPOCH)
    assert same(tmp_path / "shorter", tmp_path / "snapshot")
    scores = [np.load(tmp_path / one / "test_scores.npy") for one in ("shorter", "snapshot")]
    assert (scores[0] == scores[1]).all()
    for name in ("parameters", "layers", "keras_accuracy", "trainable_parameters"):
        assert ours[name] == its[name]


def test_taking_snapshots_changes_nothing_about_the_training(
    training: Path, small_data: Path, tmp_path: Path
) -> None:
    train(small_data, tmp_path / "plain", PARAMS)
    assert same(tmp_path / "plain", training)


def test_snapshots_count_steps_over_all_phases(small_data: Path, tmp_path: Path) -> None:
    first, second = WHOLE["train"]["phases"]
    recipe = WHOLE["train"] | {"early_stopping": None, "epochs": 3}
    both = WHOLE | {"train": recipe | {"phases": [first, second | {"epochs": 1}]}}
    # 77 images that are not kept aside: three steps an epoch.
    train(small_data, tmp_path / "both", with_snapshots(both, step=[6], epoch=[1.0]))
    alone = WHOLE | {"train": recipe | {"phases": [first], "epochs": 2}}
    train(small_data, tmp_path / "alone", alone)
    snapshot(small_data, tmp_path / "both", tmp_path / "snapshot", step=6)
    assert same(tmp_path / "alone", tmp_path / "snapshot")


@pytest.mark.parametrize("damage", ["none", "cut", "missing"])
def test_a_training_that_was_killed_has_the_same_snapshots_in_the_end(
    training: Path, small_data: Path, tmp_path: Path, damage: str
) -> None:
    scratch, params = tmp_path / "scratch", with_snapshots(PARAMS, **MOMENTS)
    with pytest.raises(PowerLostError):
        train(small_data, tmp_path / "first", params, scratch=scratch, report=dying(1.5))
    kept = sorted((scratch / "snapshots").glob("step-*.npz"))
    assert [file.name for file in kept][:3] == ["step-0.npz", "step-1.npz", "step-2.npz"]
    if damage == "cut":
        kept[1].write_bytes(kept[1].read_bytes()[: kept[1].stat().st_size // 2])
    elif damage == "missing":
        kept[1].unlink()
    summary = train(small_data, tmp_path / "second", params, scratch=scratch)
    # Without one of its first snapshots, the training has to begin anew.
    assert summary["resumed_after"] == (1 if damage == "none" else 0)
    files = {file.name for file in (training / "snapshots").iterdir()}
    assert files == {file.name for file in (tmp_path / "second" / "snapshots").iterdir()}
    for name in files - {"training.json"}:
        one, other = (np.load(f / "snapshots" / name) for f in (training, tmp_path / "second"))
        assert one.files == other.files
        assert all((one[array] == other[array]).all() for array in one.files)


def test_a_moment_that_early_stopping_took_out_fails_alone_and_says_when_it_was_over(
    small_data: Path, tmp_path: Path, tensorflow: Any
) -> None:
    stopping = {"monitor": "loss", "patience": 1, "min_delta": 100.0, "restore_best": True}
    changes = {"validation_fraction": 0.2, "early_stopping": stopping}
    params = train_params(base=BASE, epochs=9, train=changes)
    # No epoch improves by so much: the second is the last.
    train(small_data, tmp_path / "training", with_snapshots(params, step=[6, 7], epoch=[8.0]))
    summary = snapshot(small_data, tmp_path / "training", tmp_path / "last", step=6)
    assert summary["epoch"] == 2
    # As the step left it, though the training itself then went back to its best epoch.
    assert not same(tmp_path / "training", tmp_path / "last")
    for at in ({"step": 7}, {"epoch": 8.0}):
        with pytest.raises(StageFailure, match="training ended before") as caught:
            snapshot(small_data, tmp_path / "training", tmp_path / str(at), **at)
        assert "after step 6, which is epoch 2" in caught.value.why
        assert "up to step 6" in caught.value.remedy


def test_a_head_that_learns_from_features_has_the_same_snapshots(
    small_data: Path, tensorflow: Any, tmp_path: Path
) -> None:
    params = with_snapshots(
        train_params(base=BASE, head=HEAD, trainable=("none", None)), step=[0, 4]
    )
    compute(small_data, tmp_path / "features", params)
    train(small_data, tmp_path / "plain", params)
    train(small_data, tmp_path / "shared", params, features=tmp_path / "features")
    for steps in (0, 4):
        for name in ("plain", "shared"):
            snapshot(small_data, tmp_path / name, tmp_path / f"{name}-{steps}", step=steps)
        assert same(tmp_path / f"plain-{steps}", tmp_path / f"shared-{steps}")
    assert not same(tmp_path / "plain-0", tmp_path / "plain-4")


def graph_of(file: Path) -> tuple[list[Any], list[bytes]]:
    """Everything in a .tflite file but the numbers of its constants; and these numbers, by use.

    Constants that are equal are kept once in a file, as the biases of an untrained network are, so
    each operator is told with the shapes of its own.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(str(file))
    (graph,) = model.subgraphs
    made = {index: ("input", place) for place, index in enumerate(graph.inputs)}
    operators: list[Any] = []
    numbers: list[bytes] = []
    for place, operator in enumerate(graph.operators):
        given: list[Any] = []
        for index in operator.inputs:
            if index < 0:  # left out, as a bias can be
                given.append("nothing")
                continue
            tensor = graph.tensors[index]
            given.append((made.get(index, "constant"), list(tensor.shape), tensor.type))
            if index not in made:
                numbers.append(bytes(model.buffers[tensor.buffer].data))
        made |= dict.fromkeys(operator.outputs, ("made by", place))
        shapes = [list(graph.tensors[index].shape) for index in operator.outputs]
        kind = flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
        options = vars(operator.builtinOptions) if operator.builtinOptions else {}
        operators.append((kind, given, shapes, options))
    return [*operators, [made[index] for index in graph.outputs]], numbers


def test_files_of_snapshots_and_of_the_end_differ_in_their_numbers_alone(
    bench: Bench, small_data: Path
) -> None:
    layers = ("global_average_pooling", ("dense", {"units": 8, "activation": "relu"}), "classifier")
    params = train_params(base=BASE, head=head(*layers))
    training, _ = bench.run("train", with_snapshots(params, step=[0, 1, 4]), data=small_data)
    folders = [training]
    for steps in (1, 4, 0):
        at = {"at": {"step": steps}, "scaling": SCALING}
        folder, summary = bench.run("snapshot", at, training=training, data=small_data)
        assert summary["step"] == steps
        assert isinstance(bench.events[-1], Progress)
        folders.append(folder)
    convert = {"quantize": {"mode": "float32"}, "scaling": SCALING}
    files = [bench.run("convert", convert, source=folder)[0] / "model.tflite" for folder in folders]
    (last, weights), first, middle, (untrained, _) = map(graph_of, files)
    assert len(last) > 25
    for operators, its in (first, middle):
        assert operators == last
        assert list(map(len, its)) == list(map(len, weights))
        assert its != weights
    assert len({file.stat().st_size for file in files[:3]}) == 1
    # Before the first step biases are zero, and the converter leaves those of dense layers out.
    assert len(untrained) == len(last)
    for one, other in zip(untrained, last, strict=True):
        if one != other:
            assert one[0] == other[0] == "FULLY_CONNECTED"
            assert one[1] == [*other[1][:2], "nothing"]
            assert one[2:] == other[2:]


def test_a_snapshot_can_be_compressed(
    make_bench: Callable[[], Bench], small_data: Path, training: Path, tmp_path: Path
) -> None:
    snapshot(small_data, training, tmp_path / "snapshot", step=4)
    params = {
        "steps": [step("prune", sparsity=0.5, epochs=0)],
        "train": PARAMS["train"],
        "scaling": SCALING,
        "teacher_scaling": "",
    }
    folder, _ = make_bench().run("compress", params, source=tmp_path / "snapshot", data=small_data)
    before, after = (weights_of(one) for one in (tmp_path / "snapshot", folder))
    for one, other in zip(before, after, strict=True):
        is_pointwise = one.ndim == 4 and one.shape[:2] == (1, 1)
        assert (other == 0).mean() == pytest.approx(0.5, abs=0.02) or not is_pointwise
        assert (one == other)[other != 0].all()


def test_a_snapshot_that_was_damaged_since_it_was_checked_says_what_makes_it_anew(
    small_data: Path, training: Path, bench: Bench, tmp_path: Path
) -> None:
    shutil.copytree(training, tmp_path / "training")
    file = tmp_path / "training" / "snapshots" / "step-4.npz"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    at = {"at": {"step": 4}, "scaling": SCALING}
    with pytest.raises(StageError, match="step 4 can't be read") as caught:
        bench.run("snapshot", at, training=tmp_path / "training", data=small_data)
    assert "same command again" in caught.value.remedy


def test_facts_of_the_training_are_beside_its_snapshots(training: Path) -> None:
    facts = json.loads((training / "snapshots" / "training.json").read_text())
    assert (facts["steps"], facts["steps_per_epoch"]) == (6, 3)
