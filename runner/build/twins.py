"""A Keras 3 model rebuilt in tf-keras, which is what the compression library works on, and back.

The two libraries share no objects. Layers are made anew from their options, weights are carried
over layer by layer, and both models must give the same answers before anything is compressed.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tf_keras

from runner.build.failures import StageFailure, excerpt
from runner.spec.terms import TWIN_ACTIVATIONS

# Layers that mean the same in both libraries, by the same options.
_LAYERS = (
    "Activation", "Add", "Average", "AveragePooling2D", "BatchNormalization", "Concatenate",
    "Conv2D", "Dense", "DepthwiseConv2D", "Dropout", "Flatten", "GlobalAveragePooling2D",
    "GlobalMaxPooling2D", "LayerNormalization", "MaxPooling2D", "Multiply", "ReLU", "Rescaling",
    "Reshape", "SeparableConv2D", "Softmax", "SpatialDropout2D", "ZeroPadding2D",
)  # fmt: skip
# What tf-keras calls differently.
_RENAMED = {"silu": "swish"}
# Weights are carried over, so that how they began says nothing.
_LEFT_OUT = ("initializer", "constraint", "dtype")
_PROBES = 4
_TOLERANCE = 1e-4


def make_twin(model: keras.Model) -> Any:
    """The same network in tf-keras, with the same weights, layer names and frozen layers.

    Raises:
        StageFailure: it has a layer that tf-keras doesn't know, or the answers differ.
    """
    made: dict[int, Any] = {}
    inputs = []
    for given in model.inputs:
        twin = tf_keras.Input(given.shape[1:], name=given.name)
        made[id(given)] = twin
        inputs.append(twin)
    for operation in _in_order(model):
        (node,) = operation._inbound_nodes  # noqa: SLF001 - Keras has no other way to a graph
        sources = [made[id(tensor)] for tensor in node.input_tensors]
        made[id(node.output_tensors[0])] = _twin_layer(operation)(
            sources if len(sources) > 1 else sources[0]
        )
    twin = tf_keras.Model(inputs, [made[id(output)] for output in model.outputs])
    copy_weights(model, twin)
    check_equal(model, twin)
    return twin


def copy_weights(source: Any, target: Any) -> None:
    """Carries weights over between layers of the same name, from either library to the other."""
    for layer in source.layers:
        if layer.weights:
            target.get_layer(layer.name).set_weights(layer.get_weights())


def check_equal(model: keras.Model, twin: Any) -> float:
    """The largest difference of the answers to random inputs.

    Raises:
        StageFailure: it is too large.
    """
    shape = (_PROBES, *(size or 32 for size in model.inputs[0].shape[1:]))
    given = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    ours = np.asarray(model(given, training=False))
    theirs = np.asarray(twin(given, training=False))
    largest = float(np.abs(ours - theirs).max())
    if not largest <= _TOLERANCE * max(1.0, float(np.abs(ours).max())):
        raise StageFailure(
            "exception",
            "the model answers differently in tf-keras, so that it can't be compressed",
            why=f"the largest difference is {largest:.3g}",
            remedy="report this with your spec; another architecture may be possible",
        )
    return largest


def _in_order(model: keras.Model) -> list[Any]:
    """Layers and operations, each after what it takes."""
    if isinstance(model, keras.Sequential):
        return [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    return [one for one in model.operations if not isinstance(one, keras.layers.InputLayer)]


def _twin_layer(operation: Any) -> Any:
    kind = type(operation).__name__
    if kind not in _LAYERS or not isinstance(operation, keras.layers.Layer):
        raise _refusal(operation.name, f"it is of the kind {kind}")
    if len(operation._inbound_nodes) != 1:  # noqa: SLF001 - as above
        raise _refusal(operation.name, "it stands in several places")
    make = getattr(tf_keras.layers, kind)
    try:
        layer = make(**_options(operation, inspect.signature(make.__init__).parameters))
    except (TypeError, ValueError) as error:
        raise _refusal(operation.name, excerpt(error)) from error
    layer.trainable = operation.trainable
    return layer


def _options(operation: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    options = {}
    for name, value in operation.get_config().items():
        if any(word in name for word in _LEFT_OUT) or value is None:
            continue
        if name == "activation":
            options[name] = _activation(operation, value)
        elif name.endswith("regularizer"):
            options[name] = tf_keras.regularizers.L1L2(**_penalty(value))
        elif name in known or "kwargs" in known:
            options[name] = value
    options.pop("trainable", None)
    return options


def _activation(operation: Any, value: Any) -> str:
    name = value["config"] if isinstance(value, dict) else str(value)
    if name not in TWIN_ACTIVATIONS:
        raise _refusal(operation.name, f"its activation is {name}")
    return str(_RENAMED.get(name, name))


def _penalty(config: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(config["config"].get(name, 0.0)) for name in ("l1", "l2")}


def _refusal(layer: str, why: str) -> StageFailure:
    return StageFailure(
        "refused",
        f"the layer {layer} has no counterpart that can be compressed",
        why=why,
        remedy="MobileNet and MobileNetV2 can be compressed; distill and quantize take any network",
    )
