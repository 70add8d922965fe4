"""Weights alone in eight or four bits: what is in the file, who runs it, how well it answers."""

from __future__ import annotations

import functools
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.analysis.accuracy import compare_scores
from runner.errors import StageError
from runner.scaling import scale
from runner.timing.evaluation import Evaluation, evaluate
from runner.timing.libraries import find_library
from tests.build.conftest import SCALING, Bench
from tests.build.test_convert import distance

pytest.importorskip("ai_edge_quantizer", reason="the extra quantizer is not installed")
pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]

# As `test_convert.TOLERANCE`; four bits leave a weight sixteen values.
TOLERANCE = {"weight_only_int8": 0.002, "weight_only_int4": 0.03, "dynamic_int4": 0.03}
BITS = {"weight_only_int8": "INT8", "weight_only_int4": "INT4", "dynamic_int4": "INT4"}

Convert = Callable[..., tuple[Path, dict[str, Any]]]


@pytest.fixture(scope="module")
def sturdy(tensorflow: Any, small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that four bits do not spoil, as MobileNets of this size are: wide and shallow."""
    import keras

    folder = tmp_path_factory.mktemp("sturdy")
    keras.utils.set_random_seed(1)
    given = keras.Input((32, 32, 3))
    passed = keras.layers.Conv2D(16, 3, strides=2, activation="relu")(given)
    passed = keras.layers.DepthwiseConv2D(3, activation="relu")(passed)
    passed = keras.layers.Conv2D(32, 3, strides=2, activation="relu")(passed)
    passed = keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(passed))
    model = keras.Model(given, passed)
    model.compile("adam", "sparse_categorical_crossentropy")
    train, labels = (np.load(small_data / f"train_{name}.npy") for name in ("images", "labels"))
    model.fit(scale(train.astype(np.float32), SCALING), labels, epochs=20, verbose=0)
    model.save(folder / "model.keras")
    test = scale(np.load(small_data / "test_images.npy").astype(np.float32), SCALING)
    np.save(folder / "test_scores.npy", np.asarray(model(test)))
    return folder


@pytest.fixture(scope="module")
def convert(bench: Bench, sturdy: Path) -> Convert:
    @functools.lru_cache
    def convert(mode: str, *, per_channel: bool = True) -> tuple[Path, dict[str, Any]]:
        params = {"quantize": {"mode": mode, "per_channel": per_channel}, "scaling": SCALING}
        return bench.run("convert", params, source=sturdy)

    return convert


def scores_of(model: Path, data: Path, folder: Path, library: str, delegate: str) -> np.ndarray:
    """What a runtime answers to the test images, through the harness."""
    evaluation = Evaluation(
        model=str(model / "model.tflite"),
        images=str(data / "test_images.npy"),
        scaling=SCALING,
        library=find_library(library, None).path,
        delegate=delegate,
        threads=1,
        output=str(folder),
    )
    evaluate(
        evaluation,
        variant="x",
        log=folder / "log",
        timeout_s=60,
        memory_bytes=None,
        unwanted=threading.Event(),
    )
    return np.load(folder / "scores.npy")


@pytest.mark.parametrize(
    ("mode", "library", "delegate"),
    [
        ("weight_only_int8", "tflite", "xnnpack"),
        ("weight_only_int8", "tflite", "none"),
        ("weight_only_int8", "litert", "xnnpack"),
        ("weight_only_int4", "litert", "xnnpack"),
        ("dynamic_int4", "litert", "xnnpack"),
    ],
)
def test_a_model_with_small_weights_answers_as_keras_does(
    *,
    convert: Convert,
    sturdy: Path,
    small_data: Path,
    tmp_path: Path,
    mode: str,
    library: str,
    delegate: str,
) -> None:
    scores = scores_of(convert(mode)[0], small_data, tmp_path, library, delegate)
    expected = np.load(sturdy / "test_scores.npy")
    assert distance(scores, expected) <= TOLERANCE[mode]
    # The answers to another image are far away, so that near is no accident.
    assert distance(scores, np.roll(expected, 1, axis=0)) > 0.6


def test_what_a_runtime_can_not_unpack_is_refused_in_its_own_words(
    convert: Convert, small_data: Path, tmp_path: Path
) -> None:
    with pytest.raises(StageError, match="AllocateTensors failed") as caught:
        scores_of(convert("weight_only_int4")[0], small_data, tmp_path, "tflite", "xnnpack")
    assert "DEQUANTIZE" in caught.value.why


@pytest.mark.parametrize("delegate", ["xnnpack", "none"])
def test_what_tflite_computes_wrong_from_four_bits_is_seen_in_the_comparison(
    convert: Convert, sturdy: Path, small_data: Path, tmp_path: Path, delegate: str
) -> None:
    scores = scores_of(convert("dynamic_int4")[0], small_data, tmp_path, "tflite", delegate)
    labels = np.load(small_data / "test_labels.npy")
    before = np.load(sturdy / "test_scores.npy")
    found = compare_scores(before, scores, labels, [str(digit) for digit in range(10)])
    assert found.finite == (delegate == "none")
    assert found.keras is not None
    assert found.tflite < 0.5
    assert found.keras > 0.9


def weights_of(content: bytes) -> list[tuple[str, str, int]]:
    """Operator's kind, type of its weights and how many scales they have."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    unpacked = {
        operator.outputs[0]: operator.inputs[0]
        for operator in graph.operators
        if flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex) == "DEQUANTIZE"
    }
    found = []
    for operator in graph.operators:
        kind = flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
        if kind in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}:
            tensor = graph.tensors[unpacked.get(operator.inputs[1], operator.inputs[1])]
            scales = getattr(tensor.quantization, "scale", None)
            count = 0 if scales is None else len(scales)
            found.append((kind, flatbuffer_utils.type_to_name(tensor.type), count))
    # No weight lies behind the flatbuffer, where TFLite does not find it.
    assert not any(buffer.offset for buffer in model.buffers)
    return found


@pytest.mark.parametrize("mode", BITS)
def test_the_weights_have_so_many_bits_and_depthwise_ones_no_four(
    convert: Convert, mode: str
) -> None:
    folder, summary = convert(mode)
    content = (folder / "model.tflite").read_bytes()
    of_depthwise = "FLOAT32" if BITS[mode] == "INT4" else "INT8"
    types = {(kind, name) for kind, name, _ in weights_of(content)}
    assert types == {
        ("CONV_2D", BITS[mode]),
        ("DEPTHWISE_CONV_2D", of_depthwise),
        ("FULLY_CONNECTED", BITS[mode]),
    }
    assert ("DEQUANTIZE" in summary["operators"]) == mode.startswith("weight_only")
    assert max(count for *_, count in weights_of(content)) > 1
    coarse = (convert(mode, per_channel=False)[0] / "model.tflite").read_bytes()
    assert {count for *_, count in weights_of(coarse)} <= {0, 1}
    audit = json.loads((folder / "weights.json").read_text())
    assert len(audit) == len(weights_of(content))
    # Symmetric: four bits are -7 to 7.
    limit = 15 if BITS[mode] == "INT4" else 255
    assert all(one["distinct"] <= limit for one in audit if one["operator"] != "DEPTHWISE_CONV_2D")
    assert max(one["distinct"] for one in audit if one["operator"] == "CONV_2D") >= limit / 2


def test_weights_that_lie_behind_the_flatbuffer_are_put_back_inside(
    convert: Convert, tensorflow: Any
) -> None:
    from tensorflow.lite.tools import flatbuffer_utils

    from runner.build.weight_quantization import _with_weights_inside

    content = (convert("weight_only_int8")[0] / "model.tflite").read_bytes()
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    place = 2**20
    largest = max((one for one in model.buffers if one.data is not None), key=lambda x: len(x.data))
    data, largest.data = bytes(largest.data), None
    largest.offset, largest.size = place, len(data)
    outside = bytes(flatbuffer_utils.convert_object_to_bytearray(model)).ljust(place, b"\0") + data
    inside = _with_weights_inside(outside)
    assert weights_of(inside) == weights_of(content)
    assert data in inside
    assert len(inside) < place


def test_four_bits_are_unpacked_with_their_signs(tensorflow: Any) -> None:
    from runner.build.weight_audit import _unpack

    numbers = np.array([-8, 7, -1, 0, 3, -5], np.int8)
    packed = bytes((numbers[::2] & 15 | (numbers[1::2] & 15) << 4).astype(np.uint8))
    assert _unpack(packed).tolist() == numbers.tolist()


def test_without_the_package_the_extra_to_install_is_named(
    tensorflow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runner.build.failures import StageFailure
    from runner.build.weight_quantization import quantize_weights

    monkeypatch.setitem(sys.modules, "ai_edge_quantizer", None)
    with pytest.raises(StageFailure, match="not installed") as caught:
        quantize_weights(b"", "weight_only_int8", per_channel=True)
    assert caught.value.kind == "missing_package"
    assert "retime[quantizer]" in caught.value.remedy


def test_what_the_quantizer_can_not_read_is_refused_in_its_own_words(tensorflow: Any) -> None:
    from runner.build.failures import StageFailure
    from runner.build.weight_quantization import quantize_weights

    with pytest.raises(StageFailure, match="the quantizer refused weight_only_int8") as caught:
        quantize_weights(b"no model at all", "weight_only_int8", per_channel=True)
    assert caught.value.why
