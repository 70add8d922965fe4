"""The numbers that a training computes with: in 16 bits where that is asked, never afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

FLOAT32 = "float32"


@contextlib.contextmanager
def layers_in(precision: str) -> Iterator[None]:
    """Layers that are made meanwhile compute so.

    Args:
        precision: a dtype policy of Keras: `float32`; `mixed_float16` or `mixed_bfloat16`, with
            variables in float32, as P. Micikevicius et al. have it (Mixed Precision Training,
            2018). Keras scales the loss for `mixed_float16`, so that small gradients are no zeros.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def in_float32(model: keras.Model) -> keras.Model:
    """The network without its training's state and with layers that compute in float32.

    The variables were in float32 all along: their values are taken as they are, and no layer casts
    anything any more. A model that computed in float32 keeps its layers; another one is left as it
    is and gives a copy, which can be saved while the training goes on.
    """
    bare = keras.Model(model.input, model.output)
    if all(layer.compute_dtype == FLOAT32 for layer in model.layers):
        return bare
    copy = keras.models.clone_model(bare, clone_function=_made_anew)
    copy.set_weights(model.get_weights())
    return copy


def _made_anew(layer: Any) -> Any:
    return type(layer).from_config(layer.get_config() | {"dtype": FLOAT32})
