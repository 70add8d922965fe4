"""A frozen base's answers to all images, computed once for every head that learns from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from runner.build.architecture import build_base
from runner.build.arrays import ArrayWriter, open_array
from runner.build.batches import make_batches
from runner.build.head import make_layer
from runner.build.protocol import Progress, Report

_MOST_AT_ONCE = 64


def compute_features(
    params: Mapping[str, Any], data: Path, output: Path, report: Report
) -> dict[str, Any]:
    """Writes `{train,test}_features.npy`, float32 of shape (images, channels).

    Args:
        params: as `runner.plan.features.feature_params` has them.

    Returns:
        `train_images`, `test_images` and `channels`.
    """
    images = open_array(data / "train_images.npy")
    keras.backend.clear_session()
    # Random weights are those that a training with this seed begins with.
    keras.utils.set_random_seed(params["seed"] or 0)
    base = build_base({"batch_norm_momentum": None, **params["base"]}, images.shape[1:3])
    pooled = make_layer({"kind": params["pooling"], "options": {}}, 0)(base.output)
    network = keras.Model(base.input, pooled)
    counts = {name: len(open_array(data / f"{name}_labels.npy")) for name in ("train", "test")}

    @tf.function(autograph=False, reduce_retracing=True)  # type: ignore[untyped-decorator]
    def infer(pixels: Any) -> Any:
        return network(pixels, training=False)

    done = 0
    for name, count in counts.items():
        shape = (count, int(pooled.shape[-1]))
        with ArrayWriter(output / f"{name}_features.npy", shape, np.float32) as writer:
            for pixels, _ in make_batches(data, name, params["scaling"], at_once(count)):
                writer.append(np.asarray(infer(pixels)))
                done += len(pixels)
                report(Progress(done, sum(counts.values()), "features", "image"))
    return {f"{name}_images": count for name, count in counts.items()} | {
        "channels": int(pooled.shape[-1])
    }


def at_once(count: int) -> int:
    """How many images a batch has, so that the last one has more than one, if there are more.

    An image that is alone in its batch is answered with other last bits.
    """
    sizes = range(_MOST_AT_ONCE, 1, -1)
    return next((size for size in sizes if count % size != 1), _MOST_AT_ONCE)


def head_of(model: keras.Model, head_layers: int) -> keras.Model:
    """The model's own layers behind its first head layer, as a model of features.

    They are the same layers: what the head learns, the model knows.

    Args:
        head_layers: how many of the model's last layers are its head.
    """
    first, *rest = model.layers[len(model.layers) - head_layers :]
    given = passed = keras.Input(first.output.shape[1:])
    for layer in rest:
        passed = layer(passed)
    return keras.Model(given, passed)
