"""Compression, as it can be read from the .tflite file in the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.errors import StageError
from tests.build.conftest import SCALING, Bench, head, recipe, train_params
from tests.build.test_convert import distance, scores_of

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]

OPTIONS: dict[str, dict[str, Any]] = {
    "prune": {"sparsity": 0.75, "pattern": "unstructured", "start": 0.0, "epochs": 3},
    "cluster": {"clusters": 8, "initial": "linear", "keep_zeros": False, "epochs": 1},
    "quantization_aware": {"epochs": 2},
    "distill": {"temperature": 3.0, "teacher_share": 0.9, "epochs": 2},
}
Compress = Callable[..., tuple[Path, dict[str, Any]]]


def step(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "options": OPTIONS[name] | {"learning_rate": 1e-3} | changes}


def network(seed: int, classes: int = 10) -> Any:
    """What MobileNets are made of, as small as can be."""
    import keras

    keras.utils.set_random_seed(seed)
    layers: list[Any] = []
    for number, filters in enumerate((16, 32, 64)):
        size, name = (3, "conv") if number == 0 else (1, f"conv_pw_{number}")
        if number:
            layers += [keras.layers.DepthwiseConv2D(3, strides=2, use_bias=False)]
            layers += [keras.layers.BatchNormalization(momentum=0.7), keras.layers.ReLU(6.0)]
        layers += [keras.layers.Conv2D(filters, size, strides=2 - number % 2, name=name)]
        layers += [keras.layers.BatchNormalization(momentum=0.7), keras.layers.ReLU(6.0)]
    layers += [keras.layers.GlobalAveragePooling2D()]
    layers += [keras.layers.Dense(classes, "softmax", name="classifier")]
    given = passed = keras.Input((32, 32, 3))
    for layer in layers:
        passed = layer(passed)
    return keras.Model(given, passed)


@pytest.fixture(scope="module")
def source(tensorflow: Any, small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained network."""
    folder = tmp_path_factory.mktemp("source")
    model = network(1)
    model.compile("adam", "sparse_categorical_crossentropy")
    images = np.load(small_data / "train_images.npy") / 127.5 - 1
    model.fit(images, np.load(small_data / "train_labels.npy"), epochs=20, verbose=0)
    model.save(folder / "model.keras")
    given = np.load(small_data / "test_images.npy") / 127.5 - 1
    np.save(folder / "test_scores.npy", model.predict(given, verbose=0))
    return folder


@pytest.fixture(scope="module")
def compress(make_bench: Callable[[], Bench], small_data: Path, source: Path) -> Compress:
    """Compresses the trained network, in a worker of its own."""
    bench = make_bench()
    trained = source

    def compress(*steps: dict[str, Any], source: Path = trained, **inputs: Path) -> Any:
        params = {
            "steps": list(steps),
            "train": recipe(),
            "scaling": SCALING,
            "teacher_scaling": SCALING,
        }
        return bench.run("compress", params, source=source, data=small_data, **inputs)

    return compress


@pytest.fixture(scope="module")
def convert(bench: Bench, small_data: Path) -> Callable[..., tuple[bytes, list[dict[str, Any]]]]:
    """Converts: the file, and what its weights are like."""

    def convert(source: Path, mode: str = "float32") -> Any:
        quantize = {"mode": mode, "calibration_samples": 20, "seed": 0, "keep_float": []}
        params = {"quantize": quantize, "scaling": SCALING}
        folder, _ = bench.run("convert", params, source=source, data=small_data)
        audit = json.loads((folder / "weights.json").read_text())
        return (folder / "model.tflite").read_bytes(), audit

    return convert


def pruned(audit: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tensors that pruning changes: no depthwise convolutions."""
    return [one for one in audit if one["operator"] != "DEPTHWISE_CONV_2D"]


@pytest.mark.parametrize("epochs", [0, 3])
def test_pruning_sets_the_share_to_zero_that_was_asked_for(
    compress: Compress,
    convert: Any,
    epochs: int,
    small_data: Path,
    tensorflow: Any,
    source: Path,
) -> None:
    folder, summary = compress(step("prune", epochs=epochs))
    content, audit = convert(folder)
    for tensor in pruned(audit):
        assert tensor["zeros"] == pytest.approx(0.75, abs=0.01)
    assert all(t["zeros"] < 0.1 for t in audit if t["operator"] == "DEPTHWISE_CONV_2D")
    images = np.load(small_data / "test_images.npy")
    expected = np.load(folder / "test_scores.npy")
    assert distance(scores_of(tensorflow, content, images), expected) < 1e-4
    labels = np.load(small_data / "test_labels.npy")
    right = expected.argmax(axis=1) == labels
    assert summary["keras_accuracy"] == np.mean(right)
    was_right = np.load(source / "test_scores.npy").argmax(axis=1) == labels
    assert summary["compression"] == {
        "before": np.mean(was_right),
        "lost": np.sum(was_right & ~right),
        "gained": np.sum(right & ~was_right),
    }


def test_only_the_layers_that_are_named_are_pruned(compress: Compress, convert: Any) -> None:
    folder, _ = compress(step("prune", epochs=0, layers="conv_pw_[12]"))
    _, audit = convert(folder)
    assert sum(tensor["zeros"] > 0.7 for tensor in audit) == 2
    with pytest.raises(StageError, match="no layer to change") as caught:
        compress(step("prune", layers="nothing"))
    assert "conv_pw_1" in caught.value.why


@pytest.mark.parametrize("mode", ["float32", "int8"])
def test_two_of_every_four_weights_are_zero(compress: Compress, convert: Any, mode: str) -> None:
    folder, _ = compress(step("prune", pattern="2_of_4", sparsity=0.5, epochs=1))
    _, audit = convert(folder, mode)
    patterned = [tensor for tensor in pruned(audit) if tensor["shape"][-1] % 4 == 0]
    assert len(patterned) == 3
    assert all(tensor["two_of_four"] for tensor in patterned)


def test_blocks_of_four_are_zero_together(compress: Compress, convert: Any) -> None:
    folder, _ = compress(step("prune", pattern="block_1x4", sparsity=0.5, epochs=1))
    content, audit = convert(folder)
    assert audit[0]["zeros"] < 0.1  # a 3x3 convolution has no such blocks
    weights = weights_of(content)
    for name, values in weights.items():
        if "conv_pw" in name:
            # Four output channels that follow each other, of one input channel.
            blocks = values.reshape(values.shape[0] // 4, 4, -1)
            zero = (blocks == 0).all(axis=1)
            assert zero.mean() == pytest.approx(0.5, abs=0.02)
            assert ((blocks == 0).any(axis=1) == zero).mean() > 0.99


def weights_of(content: bytes) -> dict[str, np.ndarray]:
    from runner.build.weight_audit import _weights

    return {tensor.name.decode(): values for _, tensor, values in _weights(content)}


def test_clustering_leaves_few_different_weights(compress: Compress, convert: Any) -> None:
    folder, _ = compress(step("cluster"))
    _, audit = convert(folder)
    tensors = pruned(audit)
    assert max(tensor["distinct_a_channel"] for tensor in tensors) <= 8
    (dense,) = [tensor for tensor in tensors if tensor["operator"] == "FULLY_CONNECTED"]
    assert dense["distinct"] <= 8
    assert min(tensor["distinct_a_channel"] for tensor in tensors) > 2
    # Folding batch normalization gives each channel values of its own.
    assert max(tensor["distinct"] for tensor in tensors) > 8


def test_zeros_of_pruning_stay_through_clustering_where_that_is_asked(
    compress: Compress, convert: Any
) -> None:
    folder, _ = compress(step("prune", epochs=1), step("cluster", keep_zeros=True))
    _, audit = convert(folder)
    for tensor in pruned(audit):
        assert tensor["zeros"] >= 0.74
        assert tensor["distinct_a_channel"] <= 8


@pytest.mark.parametrize("mode", ["int8", "int8_io"])
def test_a_network_that_trained_quantized_converts_without_calibration(
    compress: Compress, convert: Any, small_data: Path, tensorflow: Any, mode: str
) -> None:
    folder, summary = compress(step("quantization_aware"))
    content, _ = convert(folder, mode)
    scores = scores_of(tensorflow, content, np.load(small_data / "test_images.npy"))
    expected = np.load(folder / "test_scores.npy")
    # Near, and not the same: it trained with one scale for all of a depthwise convolution, before
    # batch normalization was folded in.
    assert distance(scores, expected) < 0.15
    labels = np.load(small_data / "test_labels.npy")
    assert summary["keras_accuracy"] == np.mean(expected.argmax(axis=1) == labels)
    weights = weights_of(content)
    assert {values.dtype for values in weights.values()} == {np.dtype(np.int8)}


def test_quantization_aware_training_keeps_the_zeros_of_pruning(
    compress: Compress, convert: Any
) -> None:
    folder, _ = compress(step("prune", epochs=1), step("quantization_aware", epochs=1))
    _, audit = convert(folder, "int8")
    for tensor in pruned(audit):
        assert tensor["zeros"] >= 0.74


def test_a_layer_that_is_split_is_not_taken_for_another_one(
    compress: Compress, tensorflow: Any, tmp_path: Path
) -> None:
    """The halves of a separable convolution have names such as the model has already."""
    import keras

    given = keras.Input((32, 32, 3))
    passed = keras.layers.Conv2D(8, 3, strides=2, use_bias=False, name="conv2d")(given)
    passed = keras.layers.BatchNormalization()(passed)
    passed = keras.layers.SeparableConv2D(8, 3, use_bias=False, name="depthwise_conv2d")(passed)
    passed = keras.layers.GlobalAveragePooling2D()(keras.layers.BatchNormalization()(passed))
    model = keras.Model(given, keras.layers.Dense(10, "softmax")(passed))
    model.save(tmp_path / "model.keras")
    folder, _ = compress(step("quantization_aware", epochs=1), source=tmp_path)
    assert (folder / "saved_model").exists()


def test_a_student_learns_from_its_teacher(
    compress: Compress, source: Path, tmp_path: Path, small_data: Path
) -> None:
    import keras

    network(7).save(tmp_path / "model.keras")
    distill = step("distill", epochs=12, teacher_share=1.0, temperature=2.0)
    distill["options"]["learning_rate"] = 1e-2
    folder, _ = compress(distill, source=tmp_path, teacher=source)
    images = np.load(small_data / "train_images.npy") / 127.5 - 1
    teacher, before, after = (
        keras.models.load_model(one / "model.keras").predict(images, verbose=0)
        for one in (source, tmp_path, folder)
    )
    assert distance(after, teacher) < 0.6 * distance(before, teacher)
    loss = json.loads((folder / "history.json").read_text())["distill"]["loss"]
    assert loss[-1] < 0.7 * loss[0]


def test_a_teacher_that_answers_with_logits_is_known_by_its_answers(
    compress: Compress, source: Path, tmp_path: Path
) -> None:
    import keras

    trained = keras.models.load_model(source / "model.keras")
    classifier = trained.get_layer("classifier")
    bare = keras.layers.Dense(classifier.units, name="bare")
    logits = keras.Model(trained.input, bare(classifier.input))
    bare.set_weights(classifier.get_weights())
    # Only its answers tell: a SavedModel has no layers.
    logits.export(tmp_path / "saved_model", verbose=False)
    distill = step("distill", teacher_share=1.0)
    losses = [
        json.loads((compress(distill, teacher=teacher)[0] / "history.json").read_text())["distill"]
        for teacher in (source, tmp_path)
    ]
    assert losses[0]["loss"] == pytest.approx(losses[1]["loss"], rel=1e-2, abs=1e-4)


def test_scores_are_told_from_logits_whatever_rounded_them(tensorflow: Any) -> None:
    from runner.build.distillation import are_logits

    scores = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]])
    assert not are_logits(scores)
    assert not are_logits((scores * 255).round() / 256)
    assert are_logits(np.array([[0.5, 0.75, -0.25], [1.0, 0.0, 0.0]]))
    assert are_logits(np.array([[0.5, 0.25, 0.25], [3.0, 0.0, 0.0]]))


def test_a_teacher_that_does_not_fit_is_refused(
    compress: Compress, tensorflow: Any, tmp_path: Path
) -> None:
    import keras

    given = keras.Input((32, 32, 3))
    answer = keras.layers.Dense(7)(keras.layers.Flatten()(given))
    keras.Model(given, answer).save(tmp_path / "model.keras")
    with pytest.raises(StageError, match="teacher doesn't fit"):
        compress(step("distill"), teacher=tmp_path)
    with pytest.raises(StageError, match="would undo it"):
        compress(step("prune", epochs=0), step("distill"), teacher=tmp_path)


def test_a_layer_without_counterpart_is_refused_with_its_name(
    compress: Compress, bench: Bench, small_data: Path
) -> None:
    base = {"architecture": "MobileNetV3Small", "alpha": 0.35}
    folder, _ = bench.run("train", train_params(epochs=0, base=base), data=small_data)
    with pytest.raises(StageError, match="has no counterpart") as caught:
        compress(step("prune"), source=folder)
    assert "hard_silu" in caught.value.why


def test_the_teaching_loss_is_what_its_formula_says(tensorflow: Any) -> None:
    from runner.build.distillation import make_teaching_loss

    def softmax(logits: np.ndarray) -> np.ndarray:
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    student = np.array([[1.0, 2.0, 0.0], [0.5, 0.5, 3.0]], np.float32)
    teacher = np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 1.0]], np.float32)
    packed = np.concatenate([[[0.0], [2.0]], teacher], axis=1).astype(np.float32)
    loss = make_teaching_loss(
        lambda labels, scores: labels * 10,
        {"temperature": 2.0, "teacher_share": 0.75},
        is_linear=False,
    )
    wanted = softmax(teacher / 2)
    softened = softmax(student / 2)
    divergence = (wanted * np.log(wanted / softened)).sum(axis=1)
    expected = 0.75 * 4 * divergence + 0.25 * np.array([0, 20])
    assert np.asarray(loss(packed, softmax(student))) == pytest.approx(expected, rel=1e-4)


def test_a_head_of_many_kinds_has_a_twin_with_the_same_answers(tensorflow: Any) -> None:
    import keras

    from runner.build.architecture import build_model
    from runner.build.twins import check_equal, make_twin
    from tests.build.conftest import model_params

    keras.utils.set_random_seed(2)
    layers = head(
        ("conv", {"filters": 8, "kernel_size": 3, "activation": "relu6"}),
        "batch_normalization",
        "global_average_pooling",
        ("dense", {"units": 6, "activation": "swish"}),
        ("dropout", {"rate": 0.5}),
        "classifier",
    )
    model = build_model(model_params(head=layers, trainable=("last", 5)), (32, 32), 4)
    twin = make_twin(model)
    assert check_equal(model, twin) < 1e-5
    pairs = list(zip(twin.layers, model.layers, strict=True))[1:]
    assert all(one.trainable == other.trainable for one, other in pairs)
