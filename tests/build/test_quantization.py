"""One scale a tensor, layers left in float, modes that are refused: as the .tflite file tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.errors import StageError
from tests.build.conftest import SCALING, Bench, Trained
from tests.build.test_convert import TOLERANCE, distance, scores_of

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]

Convert = Callable[..., tuple[bytes, dict[str, Any]]]


@pytest.fixture(scope="module")
def convert(bench: Bench, trained: Trained, small_data: Path) -> Convert:
    def convert(mode: str, source: Path = trained.folder, **changes: Any) -> Any:
        quantize = {"mode": mode, "calibration_samples": 20, "seed": 0}
        quantize |= {"per_channel": True, "keep_float": []} | changes
        params = {"quantize": quantize, "scaling": SCALING}
        folder, summary = bench.run("convert", params, data=small_data, source=source)
        return (folder / "model.tflite").read_bytes(), summary

    return convert


def scales(content: bytes) -> list[int]:
    """How many scales each tensor of int8 weights has."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    weights = [
        graph.tensors[operator.inputs[1]]
        for operator in graph.operators
        if flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
        in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
    ]
    names = [flatbuffer_utils.type_to_name(tensor.type) for tensor in weights]
    # Dynamic quantization leaves small tensors as they are.
    assert set(names) <= {"INT8", "FLOAT32"}
    return [
        len(tensor.quantization.scale)
        for tensor, name in zip(weights, names, strict=True)
        if name == "INT8"
    ]


@pytest.mark.parametrize("mode", ["dynamic", "int8", "int8_io"])
def test_per_tensor_gives_every_tensor_of_weights_one_scale(convert: Convert, mode: str) -> None:
    assert max(scales(convert(mode)[0])) > 1
    assert set(scales(convert(mode, per_channel=False)[0])) == {1}


def types_of(content: bytes) -> dict[str, tuple[str, set[str]]]:
    """First output's name -> the operator's kind, and the types of its tensors but biases."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    found = {}
    for operator in graph.operators:
        tensors = [graph.tensors[i] for i in (*operator.inputs[:2], operator.outputs[0]) if i >= 0]
        kind = flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
        types = {flatbuffer_utils.type_to_name(tensor.type) for tensor in tensors}
        found[graph.tensors[operator.outputs[0]].name.decode()] = (kind, types)
    return found


@pytest.mark.parametrize("mode", ["int8", "int8_io"])
def test_named_layers_stay_float_and_no_others_do(
    convert: Convert, trained: Trained, small_data: Path, tensorflow: Any, mode: str
) -> None:
    content, summary = convert(mode, keep_float=["classifier", "conv_pw_1_relu", "conv_dw_1[23]"])
    floats = {
        name: kind for name, (kind, types) in types_of(content).items() if types == {"FLOAT32"}
    }
    # A convolution has its activation fused in; a dense layer has its own softmax.
    assert sorted(floats.values()) == [
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "DEPTHWISE_CONV_2D",
        "FULLY_CONNECTED",
        "SOFTMAX",
    ]
    assert summary["kept_float"] == 5
    names = " ".join(floats)
    assert "conv_pw_1_relu" in names
    assert "conv_pw_10" not in names
    images = np.load(small_data / "test_images.npy")
    expected = np.load(trained.folder / "test_scores.npy")
    assert distance(scores_of(tensorflow, content, images), expected) <= TOLERANCE[mode]


def test_with_every_layer_left_in_float_the_answers_are_those_of_float32(
    convert: Convert, trained: Trained, small_data: Path, tensorflow: Any
) -> None:
    content, _ = convert("int8", keep_float=[".*"])
    images = np.load(small_data / "test_images.npy")
    expected = np.load(trained.folder / "test_scores.npy")
    assert distance(scores_of(tensorflow, content, images), expected) <= TOLERANCE["float32"]


def test_a_pattern_that_matches_nothing_and_a_mode_that_cannot_fail_with_their_reasons(
    convert: Convert,
) -> None:
    with pytest.raises(StageError, match="matches 'conv_99'") as caught:
        convert("int8", keep_float=["conv_99"])
    assert "conv1" in caught.value.why
    with pytest.raises(StageError, match="with int16x8") as caught:
        convert("int16x8", keep_float=["classifier"])
    assert caught.value.kind == "refused"
    # The converter's own words, where it only finds out by itself.
    with pytest.raises(StageError, match="refused int16x8") as caught:
        convert("int16x8", per_channel=False)
    assert "quantization parameters do not match" in caught.value.why


def test_layers_whose_names_end_in_numbers_are_told_apart(
    convert: Convert, tensorflow: Any, tmp_path: Path
) -> None:
    import keras

    given = keras.Input((32, 32, 3))
    passed = keras.layers.Flatten()(given)
    for name in ("dense", "dense_1", "dense_1_1"):
        passed = keras.layers.Dense(8, name=name)(passed)
    keras.Model(given, passed).save(tmp_path / "model.keras")
    for number, name in enumerate(("dense", "dense_1", "dense_1_1")):
        content, _ = convert("int8", tmp_path, keep_float=[name])
        dense = [types for kind, types in types_of(content).values() if kind == "FULLY_CONNECTED"]
        assert [types == {"FLOAT32"} for types in dense] == [i == number for i in range(3)]
