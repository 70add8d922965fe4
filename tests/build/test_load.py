"""Finished networks: what is taken over, what is scored, and what is never run."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from runner.errors import StageError
from tests.build.conftest import SCALING, TEST_IMAGES, Bench
from tests.build.test_convert import scores_of

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]

FORMS = ("m.keras", "m.h5", "m")
Make = Callable[..., Path]


@pytest.fixture
def make(tensorflow: Any, tmp_path: Path) -> Make:
    """A small network in a file of the form that its name says."""
    import keras

    def make(name: str, size: int | None = 32, classes: int = 10) -> Path:
        keras.utils.set_random_seed(3)
        # Answers that differ from image to image.
        strong = keras.initializers.RandomNormal(stddev=8)
        layers = [
            keras.layers.Conv2D(4, 3, strides=4, activation="relu"),
            keras.layers.DepthwiseConv2D(3),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(classes, "softmax", kernel_initializer=strong, name="answer"),
        ]
        model = keras.Sequential([keras.Input((size, size, 3)), *layers])
        path = tmp_path / name
        model.export(path, verbose=False) if name == "m" else model.save(path)
        return path

    return make


def load(bench: Bench, path: Path, **inputs: Path) -> tuple[Path, dict[str, Any]]:
    return bench.run("load", {"file": str(path), "scaling": SCALING}, **inputs)


def convert(bench: Bench, source: Path, mode: str, **inputs: Path) -> tuple[bytes, dict[str, Any]]:
    quantize = {"mode": mode, "calibration_samples": 20, "seed": 0}
    params = {"quantize": quantize, "scaling": SCALING}
    folder, summary = bench.run("convert", params, source=source, **inputs)
    return (folder / "model.tflite").read_bytes(), summary


@pytest.mark.parametrize("name", FORMS)
def test_a_finished_network_is_counted_scored_and_converted(
    bench: Bench, make: Make, small_data: Path, tensorflow: Any, name: str
) -> None:
    folder, summary = load(bench, make(name), data=small_data)
    weights = (3 * 3 * 3 * 4 + 4) + (3 * 3 * 4 + 4) + (4 * 10 + 10)
    assert (summary["parameters"], summary["trainable_parameters"]) == (weights, weights)
    assert summary["layers"] == (0 if name == "m" else 4)
    scores = np.load(folder / "test_scores.npy")
    assert (scores.shape, scores.dtype) == ((TEST_IMAGES, 10), np.float32)
    labels = np.load(small_data / "test_labels.npy")
    assert summary["keras_accuracy"] == np.mean(scores.argmax(axis=1) == labels)
    for mode in ("float32", "int8"):
        content, facts = convert(bench, folder, mode, data=small_data)
        assert facts["input"]["shape"] == [1, 32, 32, 3]
        answers = scores_of(tensorflow, content, np.load(small_data / "test_images.npy"))
        assert np.abs(answers - scores).max() < {"float32": 1e-5, "int8": 0.1}[mode]
        assert np.ptp(scores, axis=0).max() > 0.02


@pytest.mark.parametrize("mode", ["float32", "float16", "dynamic"])
def test_a_file_converts_without_images(bench: Bench, make: Make, mode: str) -> None:
    folder, summary = load(bench, make("m"))
    assert summary["keras_accuracy"] is None
    assert not (folder / "test_scores.npy").exists()
    assert convert(bench, folder, mode)[1]["output"]["shape"] == [1, 10]


def test_an_open_size_is_taken_from_the_images_or_asked_for(
    bench: Bench, make: Make, small_data: Path
) -> None:
    path = make("m.keras", size=None)
    folder, _ = load(bench, path, data=small_data)
    assert convert(bench, folder, "float32")[1]["input"]["shape"] == [1, 32, 32, 3]
    folder, _ = load(bench, path)
    with pytest.raises(StageError, match="leaves the size") as caught:
        convert(bench, folder, "float32")
    assert "image_size" in caught.value.remedy


def test_images_that_do_not_fit_are_refused_with_the_size_to_write(
    bench: Bench, make: Make, small_data: Path
) -> None:
    with pytest.raises(StageError, match="doesn't take the images") as caught:
        load(bench, make("m.keras", size=48), data=small_data)
    assert "image_size: [48, 48]" in caught.value.remedy
    with pytest.raises(StageError, match="score for each class") as caught:
        load(bench, make("m.keras", classes=7), data=small_data)
    assert "10 classes" in caught.value.why


def test_several_inputs_and_outputs_convert_and_are_not_scored(
    bench: Bench, tmp_path: Path, small_data: Path, tensorflow: Any
) -> None:
    import keras

    first, second = keras.Input((8, 8, 3), name="left"), keras.Input((5,), name="right")
    seen = keras.layers.Dense(3, name="seen")(keras.layers.Flatten()(first))
    both = keras.layers.Concatenate()([seen, second])
    keras.Model([first, second], [both, seen]).save(tmp_path / "two.keras")
    folder, summary = load(bench, tmp_path / "two.keras", data=small_data)
    assert summary["keras_accuracy"] is None
    content, _ = convert(bench, folder, "float32")
    (signature,) = tensorflow.lite.Interpreter(model_content=content).get_signature_list().values()
    assert signature["inputs"] == ["left", "right"]
    assert len(signature["outputs"]) == 2
    with pytest.raises(StageError, match="can't be calibrated"):
        convert(bench, folder, "int8", data=small_data)


@pytest.mark.parametrize("name", ["lambda.keras", "lambda.h5"])
def test_a_lambda_layer_is_refused_and_not_run(
    bench: Bench, tmp_path: Path, tensorflow: Any, name: str
) -> None:
    import keras

    mark = tmp_path / "was_here"
    place, given = str(mark), keras.Input((4,))
    code = keras.layers.Lambda(
        lambda x: (os.makedirs(place, exist_ok=True), x)[1],  # noqa: PTH103 - known by its name
        output_shape=(4,),
    )
    model = keras.Model(given, code(given))
    model.save(tmp_path / name)
    with pytest.raises(StageError, match="must not run code") as caught:
        load(bench, tmp_path / name)
    assert caught.value.kind == "refused"
    assert "Lambda" in caught.value.why
    assert not mark.exists()


def test_a_class_from_outside_keras_is_refused_before_it_is_imported(
    bench: Bench, make: Make
) -> None:
    path = make("m.keras")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    config["config"]["layers"][1] |= {"module": "subprocess", "class_name": "Popen"}
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(StageError, match="must not run code") as caught:
        load(bench, path)
    assert "Popen in subprocess" in caught.value.why


@pytest.mark.parametrize("operator", ["ReadFile", "WriteFile", "PyFunc"])
def test_a_saved_model_that_reaches_out_of_its_graph_is_refused(
    bench: Bench, tmp_path: Path, tensorflow: Any, operator: str
) -> None:
    tf = tensorflow
    secret = tmp_path / "secret"
    secret.write_text("1")

    class Reaching(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32)], autograph=False)
        def __call__(self, given: Any) -> Any:
            if operator == "ReadFile":
                return given * tf.strings.to_number(tf.io.read_file(str(secret)))
            if operator == "WriteFile":
                with tf.control_dependencies([tf.io.write_file(str(secret), "2")]):
                    return given * 1.0
            answer = tf.numpy_function(lambda x: x, [given], tf.float32)
            return tf.ensure_shape(answer, (None, 4))

    module = Reaching()
    tf.saved_model.save(
        module, str(tmp_path / "m"), signatures={"serving_default": module.__call__}
    )
    with pytest.raises(StageError, match="must not run code") as caught:
        load(bench, tmp_path / "m")
    assert operator in caught.value.why
    assert secret.read_text() == "1"


def test_files_that_are_no_models_say_what_they_are(
    bench: Bench, make: Make, tmp_path: Path, tensorflow: Any
) -> None:
    import keras

    keras.models.load_model(make("m.keras")).save_weights(tmp_path / "w.weights.h5")
    (tmp_path / "text.keras").write_text("no archive")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "saved_model.pb").write_bytes(b"\xff\xfe nothing")
    for name, words in (
        ("w.weights.h5", "weights only"),
        ("text.keras", "not a zip file"),
        ("broken", ""),
    ):
        with pytest.raises(StageError) as caught:
            load(bench, tmp_path / name)
        assert caught.value.kind == "bad_input"
        assert words in caught.value.why


def test_an_old_h5_file_with_groups_in_its_depthwise_layers_is_read(
    bench: Bench, make: Make, small_data: Path
) -> None:
    path = make("m.h5")
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        (layer,) = [x for x in config["config"]["layers"] if x["class_name"] == "DepthwiseConv2D"]
        layer["config"]["groups"] = 1
        file.attrs["model_config"] = json.dumps(config)
    assert load(bench, path, data=small_data)[1]["parameters"] == 202
