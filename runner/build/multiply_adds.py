"""How many multiplications with addition a .tflite file needs for one inference."""

from __future__ import annotations

import math
from typing import Any

from tensorflow.lite.tools import flatbuffer_utils


def count_multiply_adds(content: bytes) -> int:
    """The multiply-adds of all convolutions and dense layers of the primary subgraph.

    As the papers on MobileNets count them: one for each weight and each place where it is used;
    biases, activations, pooling and additions are left out.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    return sum(
        _of_operator(
            str(flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)),
            [tuple(graph.tensors[i].shape) for i in operator.inputs if i >= 0],
            tuple(graph.tensors[operator.outputs[0]].shape),
        )
        for operator in graph.operators
    )


def _of_operator(kind: str, inputs: list[tuple[Any, ...]], output: tuple[Any, ...]) -> int:
    if kind not in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}:
        return 0
    weights = inputs[1]
    if kind == "FULLY_CONNECTED":
        rows = math.prod(output) // weights[0]
        return int(rows * math.prod(weights))
    # Weights of a convolution are (filters, height, width, channels); depthwise ones have 1 first.
    places = math.prod(output[:3])
    return int(places * math.prod(weights))
