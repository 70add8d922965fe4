"""What the weights of a .tflite file are like: zeros, subnormals, different values, patterns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_TYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT8: np.int8,
}


def audit_weights(content: bytes) -> list[dict[str, Any]]:
    """A record for each tensor of weights, in the order of the operators that use them.

    Batch normalization is folded into convolutions by then: it multiplies every output channel by a
    number of its own. Zeros stay zeros; a tensor that had 16 different values has 16 a channel.

    Returns:
        `operator`, `name`, `shape`, `zeros` (the share of weights that is zero), `subnormal` (the
        share so small that the number has lost digits: in float32, below 1.18e-38, which many
        processors work out more slowly; never in integers), `distinct` (different values),
        `distinct_a_channel` (the most of any output channel) and `two_of_four` (whether of every
        four that follow each other along the last axis two are zero).
    """
    return [
        {
            "operator": kind,
            "name": bytes(tensor.name).decode("utf-8", "replace"),
            "shape": list(map(int, values.shape)),
            "zeros": float(np.mean(values == 0)),
            "subnormal": _share_of_subnormals(values),
            "distinct": len(np.unique(values)),
            "distinct_a_channel": _distinct_a_channel(values, kind),
            "two_of_four": _is_two_of_four(values),
        }
        for kind, tensor, values in _weights(content)
    ]


def share_of_zeros(content: bytes) -> float:
    """The share of all weights that is zero."""
    zeros = total = 0
    for _, _, values in _weights(content):
        zeros += int(np.sum(values == 0))
        total += values.size
    return zeros / total if total else 0.0


def _weights(content: bytes) -> Iterator[tuple[str, Any, NDArray[Any]]]:
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    # float16 weights pass through an operator that widens them.
    widened = {
        operator.outputs[0]: operator.inputs[0]
        for operator in graph.operators
        if flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex) == "DEQUANTIZE"
    }
    for operator in graph.operators:
        kind = str(flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex))
        if kind not in _WEIGHTED:
            continue
        index = operator.inputs[1]
        tensor = graph.tensors[widened.get(index, index)]
        data = model.buffers[tensor.buffer].data
        if data is None or tensor.type not in {*_TYPES, schema.TensorType.INT4}:
            continue
        if tensor.type == schema.TensorType.INT4:
            values = _unpack(bytes(data))[: math.prod(tensor.shape)]
        else:
            values = np.frombuffer(bytes(data), _TYPES[tensor.type])
        yield kind, tensor, values.reshape(tensor.shape)


def _share_of_subnormals(values: NDArray[Any]) -> float:
    if not np.issubdtype(values.dtype, np.floating):
        return 0.0
    # Compared as bits: a processor that flushes subnormals takes them for zeros.
    bits = values.view(f"u{values.itemsize}") & np.iinfo(f"i{values.itemsize}").max
    smallest = np.finfo(values.dtype).tiny.view(bits.dtype)
    return float(np.mean((bits > 0) & (bits < smallest)))


def _unpack(packed: bytes) -> NDArray[np.int8]:
    """Two numbers of four bits with a sign in every byte, the lower half first."""
    both = np.frombuffer(packed, np.int8)
    # The shift to the right copies the sign.
    return np.stack([(both << 4).astype(np.int8) >> 4, both >> 4], axis=1).reshape(-1)


def _distinct_a_channel(values: NDArray[Any], kind: str) -> int:
    # Weights of depthwise convolutions have their channels last, all others first.
    channels = np.moveaxis(values, -1, 0) if kind == "DEPTHWISE_CONV_2D" else values
    return max(len(np.unique(channel)) for channel in channels)


def _is_two_of_four(values: NDArray[Any]) -> bool:
    if values.shape[-1] % 4:
        return False
    groups = values.reshape(-1, 4)
    return bool(((groups != 0).sum(axis=1) <= 2).all())
