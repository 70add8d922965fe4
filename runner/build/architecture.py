"""From a recipe to a Keras model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from runner.build.protocol import StageFailure

_HEAD = {
    "global_average_pooling": keras.layers.GlobalAveragePooling2D,
    "global_max_pooling": keras.layers.GlobalMaxPooling2D,
    "flatten": keras.layers.Flatten,
    "dropout": keras.layers.Dropout,
    "batch_normalization": keras.layers.BatchNormalization,
    "dense": keras.layers.Dense,
    "conv": keras.layers.Conv2D,
}


def build_model(
    params: Mapping[str, Any], image_size: tuple[int, int], classes: int
) -> keras.Model:
    """The network: input (batch, height, width, 3) float32, output (batch, classes) softmax.

    Args:
        params: a `runner.spec.model.Model` as JSON.
    """
    base = _base(params["base"], image_size)
    _apply_policy(base, params["trainable"])
    _set_momentum(base, params["base"]["batch_norm_momentum"])
    given = base.output
    for layer in params["head"]:
        given = _head_layer(layer, classes)(given)
    return keras.Model(base.input, given)


def _base(params: Mapping[str, Any], image_size: tuple[int, int]) -> keras.Model:
    make = getattr(keras.applications, params["architecture"])
    options: dict[str, Any] = {"input_shape": (*image_size, 3), "include_top": False}
    if params["alpha"] is not None:
        options["alpha"] = params["alpha"]
    weights = params["weights"]
    try:
        base = make(weights="imagenet" if weights == "imagenet" else None, **options)
        if weights not in {"none", "imagenet"}:
            base.load_weights(weights)
    except Exception as error:
        if weights == "none":
            raise
        raise StageFailure(
            "refused",
            f"the weights {weights!r} can't be loaded",
            why=str(error),
            remedy="without a network, put the weights file where Keras looks for it "
            "(~/.keras/models), or name it: model: {base: {weights: FILE.weights.h5}}",
        ) from error
    return base


def _apply_policy(base: keras.Model, trainable: Mapping[str, Any]) -> None:
    policy, argument = trainable["policy"], trainable["argument"]
    names = [layer.name for layer in base.layers]
    if policy == "from" and argument not in names:
        raise StageFailure(
            "bad_input",
            f"the base has no layer {argument!r} to train from",
            remedy=f"its last layers are {', '.join(names[-5:])}",
        )
    chosen = _chosen(policy, argument, names)
    for layer, is_trained in zip(base.layers, chosen, strict=True):
        layer.trainable = is_trained
    if policy == "match" and not any(chosen):
        raise StageFailure(
            "bad_input",
            f"no layer's whole name matches {argument!r}",
            remedy=f"names look like {', '.join(names[-5:])}",
        )


def _chosen(policy: str, argument: Any, names: Sequence[str]) -> list[bool]:
    match policy:
        case "none":
            return [False] * len(names)
        case "all":
            return [True] * len(names)
        case "last":
            return [index >= len(names) - argument for index in range(len(names))]
        case "from":
            return [index >= names.index(argument) for index in range(len(names))]
        case _:
            return [re.fullmatch(argument, name) is not None for name in names]


def _set_momentum(base: keras.Model, momentum: float | None) -> None:
    if momentum is None:
        return
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum


def _head_layer(layer: Mapping[str, Any], classes: int) -> Any:
    kind, options = layer["kind"], layer["options"]
    if kind == "classifier":
        return keras.layers.Dense(classes, activation="softmax", name="classifier", **options)
    if kind == "conv":
        return keras.layers.Conv2D(padding="same", **options)
    return _HEAD[kind](**options)
