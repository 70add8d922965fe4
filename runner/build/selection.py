"""Which operators of a .tflite graph belong to a layer of the model, and what type they compute in.

The converter names an operator by the nodes that it was made of, as in
`model/relu_1/Relu6;model/conv_1/convolution`: a convolution with its activation fused in. A node
stands in the scope that its layer had when the graph was traced. That scope is not the layer's name
(TensorFlow numbers scopes that are opened again), so that it has to be noted while tracing.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from runner.build.failures import StageFailure

_NUMBER = re.compile(r"_\d+$")


@contextlib.contextmanager
def noted_scopes(owner: Any) -> Iterator[dict[str, str]]:
    """Scope in the graph -> the layer's name, of all layers that are called meanwhile.

    Args:
        owner: a Keras model; of anything else nothing is noted.
    """
    scopes: dict[str, str] = {}
    layers = [one for one in _layers(owner) if "call" not in vars(one)]
    for layer in layers:
        vars(layer)["call"] = _noting(layer, scopes)
    try:
        yield scopes
    finally:
        for layer in layers:
            del vars(layer)["call"]


def find_operators(
    content: bytes,
    scopes: Mapping[str, str],
    aliases: Mapping[str, str],
    patterns: Sequence[str],
) -> list[str]:
    """The names of the operators of those layers whose whole name one of the patterns matches.

    Args:
        content: a .tflite file.
        scopes: as `noted_scopes` has them; where there are none, the graph's own scopes count.
        aliases: name of an output of the graph -> that of the node that it stands for.

    Raises:
        StageFailure: a pattern matches no layer that has operators of its own.
    """
    owners = {name: _owners(aliases.get(name, name), scopes) for name in operator_names(content)}
    for pattern in patterns:
        if not any(re.fullmatch(pattern, owner) for some in owners.values() for owner in some):
            known = list(dict.fromkeys(owner for some in owners.values() for owner in some))
            raise StageFailure(
                "bad_input",
                f"quantize.keep_float: no layer's whole name matches {pattern!r}",
                why=f"layers with operators of their own: {', '.join(known[:5])} ... "
                f"{', '.join(known[-5:])}",
                remedy="write a regular expression for the whole name of a layer",
            )
    return [
        name
        for name, some in owners.items()
        if any(re.fullmatch(pattern, owner) for pattern in patterns for owner in some)
    ]


def operator_names(content: bytes) -> list[str]:
    """The name of each operator's first output, in their order."""
    graph, _ = _graph(content)
    return [_name(graph.tensors[operator.outputs[0]]) for operator in graph.operators]


def float_operators(content: bytes) -> set[str]:
    """The names of the operators that compute in float: no tensor of theirs is quantized.

    Where the answer of one is quantized at once, it goes by the answer's name too.
    """
    graph, names = _graph(content)
    found, made_by = set(), {}
    for operator in graph.operators:
        tensors = [graph.tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0]
        output = _name(graph.tensors[operator.outputs[0]])
        if names[operator.opcodeIndex] == "QUANTIZE" and operator.inputs[0] in made_by:
            found.add(output)
        if {one.type for one in tensors} <= {schema.TensorType.FLOAT32, schema.TensorType.INT32}:
            found.add(output)
            made_by[operator.outputs[0]] = output
    return found


def _noting(layer: Any, scopes: dict[str, str]) -> Any:
    call = layer.call

    def noting(*args: Any, **kwargs: Any) -> Any:
        scopes[tf.get_current_name_scope()] = layer.name
        return call(*args, **kwargs)

    return noting


def _layers(owner: Any) -> Iterator[Any]:
    if isinstance(owner, keras.Model):
        for layer in owner.layers:
            yield layer
            yield from _layers(layer)


def _graph(content: bytes) -> tuple[Any, list[str]]:
    """The primary subgraph, and the operators' kinds by their index."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    kinds = [
        str(flatbuffer_utils.opcode_to_name(model, index))
        for index in range(len(model.operatorCodes))
    ]
    return model.subgraphs[0], kinds


def _name(tensor: Any) -> str:
    return bytes(tensor.name).decode("utf-8", "replace")


def _owners(name: str, scopes: Mapping[str, str]) -> list[str]:
    """The layers that an operator was made of, and the models that these stand in."""
    nodes = name.split(";")
    if scopes:
        return [
            layer
            for scope, layer in scopes.items()
            if any(node.startswith(f"{scope}/") for node in nodes)
        ]
    parts = [part for node in nodes for part in node.split("/")]
    return list(dict.fromkeys([*parts, *(_NUMBER.sub("", part) for part in parts)]))
