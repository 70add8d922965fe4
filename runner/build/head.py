"""The layers of a head, as Keras has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

_LAYERS: Mapping[str, Callable[..., Any]] = {
    "global_average_pooling": keras.layers.GlobalAveragePooling2D,
    "global_max_pooling": keras.layers.GlobalMaxPooling2D,
    "average_pooling": keras.layers.AveragePooling2D,
    "max_pooling": keras.layers.MaxPooling2D,
    "flatten": keras.layers.Flatten,
    "conv": keras.layers.Conv2D,
    "depthwise_conv": keras.layers.DepthwiseConv2D,
    "separable_conv": keras.layers.SeparableConv2D,
    "dense": keras.layers.Dense,
    "activation": keras.layers.Activation,
    "batch_normalization": keras.layers.BatchNormalization,
    "layer_normalization": keras.layers.LayerNormalization,
    "dropout": keras.layers.Dropout,
    "spatial_dropout": keras.layers.SpatialDropout2D,
}
# Options whose name in Keras is another one.
_RENAMED = {"dilation": "dilation_rate", "function": "activation"}
_POOLING = ("average_pooling", "max_pooling")
_REGULARIZED = {
    "depthwise_conv": ("depthwise_regularizer",),
    "separable_conv": ("depthwise_regularizer", "pointwise_regularizer"),
}


def make_layer(layer: Mapping[str, Any], classes: int) -> Any:
    """One layer of a head, not yet connected.

    Args:
        layer: a `runner.spec.recipe.HeadLayer` as JSON.
        classes: how many the output tells apart.
    """
    kind, given = layer["kind"], dict(layer["options"])
    options = _keras_options(kind, given)
    if kind == "classifier":
        # In 16 bits scores and losses would lose what the rest of a mixed precision keeps.
        return keras.layers.Dense(classes, name="classifier", dtype="float32", **options)
    return _LAYERS[kind](**options)


def _keras_options(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    regularizer = given.pop("regularizer", None)
    options = {_RENAMED.get(name, name): _as_tuple(value) for name, value in given.items()}
    if kind in _POOLING:
        options["pool_size"] = options.pop("size")
    if regularizer is not None:
        penalty = keras.regularizers.L1L2(**regularizer)
        names = _REGULARIZED.get(kind, ("kernel_regularizer",))
        options |= dict.fromkeys(names, penalty)
    return options


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
