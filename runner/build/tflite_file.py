"""A .tflite file as records: what it holds, and the name it lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

INPUT = "image"
OUTPUT = "scores"
_SIGNATURE = "serving_default"


def add_signature(content: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """Names the inputs and outputs, in their order, under the signature `serving_default`.

    The converter does so by itself only on the slow way through a SavedModel.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    signature = schema.SignatureDefT()
    signature.signatureKey = _SIGNATURE
    signature.subgraphIndex = 0
    signature.inputs = list(map(_name_tensor, inputs, graph.inputs))
    signature.outputs = list(map(_name_tensor, outputs, graph.outputs))
    model.signatureDefs = [signature]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def describe(content: bytes) -> dict[str, Any]:
    """Facts about the primary subgraph, as JSON.

    Returns:
        `bytes`, `operations`, `operators` (name -> count), `tensors`, and for `input` and `output`
        their `type`, `shape`, and `scale` and `zero_point` where they are quantized.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    operators = Counter(_operator_name(model, operator) for operator in graph.operators)
    return {
        "bytes": len(content),
        "operations": len(graph.operators),
        "operators": dict(operators.most_common()),
        "tensors": len(graph.tensors),
        "input": _describe_tensor(graph.tensors[graph.inputs[0]]),
        "output": _describe_tensor(graph.tensors[graph.outputs[0]]),
    }


def _name_tensor(name: str, index: Any) -> Any:
    entry = schema.TensorMapT()
    entry.name = name
    entry.tensorIndex = int(index)
    return entry


def _operator_name(model: Any, operator: Any) -> str:
    return str(flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex))


def _describe_tensor(tensor: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "type": flatbuffer_utils.type_to_name(tensor.type).lower(),
        "shape": [int(size) for size in tensor.shape],
    }
    quantization = tensor.quantization
    if quantization is not None and quantization.scale is not None and len(quantization.scale):
        facts["scale"] = float(np.asarray(quantization.scale)[0])
        facts["zero_point"] = int(np.asarray(quantization.zeroPoint)[0])
    return facts
