from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.errors import StageError
from runner.scaling import scale
from runner.spec.architectures import Scaling
from runner.spec.terms import CALIBRATED_MODES
from tests.build.conftest import SCALING, TEST_IMAGES, TRAIN_IMAGES, Bench, Trained

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]

# How far a mode may move the answers: half the sum of absolute differences of an image's softmax
# scores, which is 1 for answers that have nothing in common, in the mean over images. float32
# differs by rounding only, float16 keeps eleven bits of every weight, the others eight; a network
# that was trained on a hundred images is no steadier than this under int8.
TOLERANCE = {
    "float32": 1e-4,
    "float16": 0.02,
    "dynamic": 0.1,
    "int8": 0.3,
    "int8_io": 0.3,
    "int16x8": 0.1,
}


def distance(scores: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(scores - expected).sum(axis=1).mean() / 2)


Converted = tuple[bytes, dict[str, Any]]
Convert = Callable[..., Converted]


@pytest.fixture(scope="module")
def convert(bench: Bench, trained: Trained, small_data: Path) -> Convert:
    """Converts the training in a worker; each conversion once for all tests."""

    @functools.lru_cache
    def convert(mode: str, count: int = TRAIN_IMAGES, attempt: int = 0) -> Converted:
        quantize = {"mode": mode, "calibration_samples": count, "seed": 0}
        params = {"quantize": quantize, "scaling": SCALING}
        folder, summary = bench.run("convert", params, data=small_data, source=trained.folder)
        return (folder / "model.tflite").read_bytes(), summary

    return convert


def scores_of(tf: Any, model: bytes, images: np.ndarray, scaling: Scaling = SCALING) -> np.ndarray:
    """Runs a .tflite file on images, one at a time, with the built-in kernels."""
    interpreter = tf.lite.Interpreter(
        model_content=model,
        experimental_op_resolver_type=(
            tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        ),
    )
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scores = []
    for image in scale(images.astype(np.float32), scaling):
        if taken["dtype"] == np.int8:
            step, zero = taken["quantization"]
            image = np.clip(np.rint(image / step + zero), -128, 127).astype(np.int8)  # noqa: PLW2901
        interpreter.set_tensor(taken["index"], image[None])
        interpreter.invoke()
        answer = interpreter.get_tensor(given["index"])[0].astype(np.float32)
        if given["dtype"] == np.int8:
            step, zero = given["quantization"]
            answer = (answer - zero) * step
        scores.append(answer)
    return np.stack(scores)


@pytest.mark.parametrize("mode", TOLERANCE)
def test_a_converted_model_answers_as_keras_does(
    convert: Convert, trained: Trained, small_data: Path, tensorflow: Any, mode: str
) -> None:
    content, summary = convert(mode)
    scores = scores_of(tensorflow, content, np.load(small_data / "test_images.npy"))
    expected = np.load(trained.folder / "test_scores.npy")
    assert scores.shape == (TEST_IMAGES, 10)
    assert distance(scores, expected) <= TOLERANCE[mode]
    # The answers to another image are far away, so that near is no accident.
    assert distance(scores, np.roll(expected, 1, axis=0)) > 0.6
    assert summary["bytes"] == len(content)
    assert summary["operations"] == len(graph_of(content)[0])
    assert summary["input"]["type"] == ("int8" if mode == "int8_io" else "float32")
    assert summary["calibration_images"] == (TRAIN_IMAGES if mode in CALIBRATED_MODES else 0)
    assert not any("READ_VARIABLE" in name or "VAR_HANDLE" in name for name in summary["operators"])


def test_16_by_8_bits_convert(convert: Convert) -> None:
    assert convert("int16x8")[1]["operators"]["DEPTHWISE_CONV_2D"] == 13


def test_the_graph_is_the_one_that_from_keras_model_gives(tensorflow: Any) -> None:
    import keras

    from runner.build.convert import make_converter, trace
    from runner.build.networks import of_keras, with_shapes

    shape = (32, 32, 3)
    model = keras.applications.MobileNet(shape, alpha=0.25, weights=None, classes=10)
    fixed = keras.models.clone_model(model, input_tensors=keras.Input(batch_shape=(1, *shape)))
    fixed.set_weights(model.get_weights())
    usual = tensorflow.lite.TFLiteConverter.from_keras_model(fixed).convert()
    network = with_shapes(of_keras(model), [shape])
    ours = make_converter(trace(network), "float32").convert()
    images = np.random.default_rng(0).integers(0, 256, (4, *shape), np.uint8)
    assert (scores_of(tensorflow, ours, images) == scores_of(tensorflow, usual, images)).all()
    assert graph_of(ours) == graph_of(usual)


def graph_of(content: bytes) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The operators in their order, and the shapes and types of all tensors."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    names = [flatbuffer_utils.opcode_to_name(model, item.opcodeIndex) for item in graph.operators]
    return names, sorted((tuple(tensor.shape), tensor.type) for tensor in graph.tensors)


def test_the_model_has_a_named_signature_and_a_batch_of_one(
    convert: Convert, tensorflow: Any
) -> None:
    content, summary = convert("int8")
    interpreter = tensorflow.lite.Interpreter(model_content=content)
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["image"], "outputs": ["scores"]}
    }
    image = np.zeros((1, 32, 32, 3), np.float32)
    answer = interpreter.get_signature_runner()(image=image)["scores"]
    assert answer.shape == (1, 10)
    assert summary["input"]["shape"] == [1, 32, 32, 3]


def test_the_calibration_sample_decides_and_the_same_one_gives_the_same_bytes(
    convert: Convert,
) -> None:
    first, _ = convert("int8")
    again, _ = convert("int8", attempt=1)
    assert first == again
    fewer, summary = convert("int8", count=4)
    assert fewer != first
    assert summary["calibration_images"] == 4


def test_a_sample_is_drawn_once_each_and_never_larger_than_the_data(
    small_data: Path, tensorflow: Any
) -> None:
    from runner.build.convert import _calibration

    def chosen(count: int, seed: int) -> list[int]:
        quantize = {"mode": "int8", "calibration_samples": count, "seed": seed}
        sample = _calibration(quantize, SCALING, small_data, lambda progress: None)
        assert sample is not None
        (image,) = next(iter(sample()))
        assert (image.shape, image.dtype) == ((1, 32, 32, 3), np.float32)
        assert -1 <= image.min() < image.max() <= 1
        return sample.chosen.tolist()

    assert sorted(chosen(10_000, 0)) == list(range(TRAIN_IMAGES))
    assert chosen(20, 0) == chosen(20, 0) != chosen(20, 1)
    assert len(set(chosen(20, 0))) == 20


def test_what_the_converter_says_reaches_the_error(
    bench: Bench, small_data: Path, tensorflow: Any, tmp_path: Path
) -> None:
    import keras

    # An operation that TFLite has no kernel for.
    given = keras.Input((32, 32, 3))
    keras.Model(given, keras.ops.erfinv(given)).save(tmp_path / "model.keras")
    params = {"quantize": {"mode": "float32"}, "scaling": SCALING}
    with pytest.raises(StageError, match="the converter refused float32") as caught:
        bench.run("convert", params, data=small_data, source=tmp_path)
    assert caught.value.kind == "refused"
    assert "Erfinv" in caught.value.why
    assert "Traceback" not in caught.value.why
