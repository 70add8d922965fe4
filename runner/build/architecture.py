"""From a recipe to a Keras model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import regex

from runner.build.failures import StageFailure, excerpt
from runner.build.head import make_layer
from runner.build.weights import make_base
from runner.spec.architectures import ARCHITECTURES


def build_model(
    params: Mapping[str, Any], image_size: tuple[int, int], classes: int
) -> keras.Model:
    """The network: input (batch, height, width, 3) float32, output (batch, classes) softmax.

    The base's layers stand in the model itself, not in a model inside it.

    Args:
        params: a `runner.spec.recipe.Model` as JSON.

    Raises:
        StageFailure: the recipe asks for what Keras refuses, or names what is not there.
    """
    try:
        base = build_base(params["base"], image_size)
        choose_trainable(
            base.layers, params["trainable"], freeze_batch_norm=params["freeze_batch_norm"]
        )
        given = base.output
        for layer in params["head"]:
            given = make_layer(layer, classes)(given)
    except (TypeError, ValueError) as error:
        raise StageFailure(
            "bad_input",
            "Keras can't build this model",
            why=excerpt(error),
            remedy="change the part of model that Keras names; where feature maps are too small "
            "for a layer, raise data.image_size",
        ) from error
    if len(given.shape) != 2:
        raise StageFailure(
            "bad_input",
            "the head gives an answer for every place of the feature maps",
            why=f"its output has the shape {given.shape}",
            remedy="put global_average_pooling or flatten before its classifier",
        )
    _set_momentum(base, params["base"]["batch_norm_momentum"])
    return keras.Model(base.input, given)


def choose_trainable(
    layers: Sequence[keras.layers.Layer],
    trainable: Mapping[str, Any],
    *,
    freeze_batch_norm: bool = False,
) -> None:
    """Marks each layer of a base as trained or frozen.

    A frozen batch normalization also keeps its moving averages, as Keras has it.

    Args:
        trainable: a `runner.spec.recipe.Trainable` as JSON.
        freeze_batch_norm: whether no batch normalization is trained, whatever the policy says.
    """
    policy, argument = trainable["policy"], trainable["argument"]
    names = [layer.name for layer in layers]
    if policy == "from" and argument not in names:
        raise StageFailure(
            "bad_input",
            f"the base has no layer {argument!r} to train from",
            remedy=f"its last layers are {', '.join(names[-5:])}",
        )
    chosen = _chosen(policy, argument, names)
    if policy == "match" and not any(chosen):
        raise StageFailure(
            "bad_input",
            f"no layer's whole name matches {argument!r}",
            remedy=f"names look like {', '.join(names[-5:])}",
        )
    for layer, is_trained in zip(layers, chosen, strict=True):
        is_norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = is_trained and not (freeze_batch_norm and is_norm)


def build_base(params: Mapping[str, Any], image_size: tuple[int, int]) -> keras.Model:
    """A base without its top, filled with its weights.

    Args:
        params: a `runner.spec.recipe.Base` as JSON.
        image_size: height and width.
    """
    options: dict[str, Any] = {"input_shape": (*image_size, 3), "include_top": False}
    for option in ARCHITECTURES[params["architecture"]].options:
        if params.get(option.name) is not None:
            options[option.name] = params[option.name]
    if params["alpha"] is not None:
        options["alpha"] = params["alpha"]
    make = getattr(keras.applications, params["architecture"])
    return make_base(make, params["weights"], **options)


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
            return [regex.fullmatch(argument, name) is not None for name in names]


def _set_momentum(base: keras.Model, momentum: float | None) -> None:
    """Sets the base's own; a head's layers have options of their own."""
    if momentum is None:
        return
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
