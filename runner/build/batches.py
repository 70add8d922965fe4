"""Images on the disk as batches for Keras; only what a batch needs is in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from runner.build.arrays import open_array
from runner.scaling import scale
from runner.spec.architectures import Scaling


def make_batches(
    data: Path, split: str, scaling: Scaling, batch_size: int, *, seed: int | None = None
) -> Any:
    """Batches of (images float32 NHWC, scaled; labels int64) as a tf.data.Dataset.

    Args:
        split: `train` or `test`.
        seed: of the order, another one every epoch; None keeps the order on the disk.
    """
    images = open_array(data / f"{split}_images.npy")
    labels = open_array(data / f"{split}_labels.npy")

    def load(chosen: Any) -> Any:
        return images[chosen], labels[chosen]

    def prepare(chosen: Any) -> Any:
        pixels, answers = tf.numpy_function(load, [chosen], (tf.uint8, tf.int64))
        pixels.set_shape((None, *images.shape[1:]))
        answers.set_shape((None,))
        return scale(tf.cast(pixels, tf.float32), scaling), answers

    order = tf.data.Dataset.range(len(labels))
    if seed is not None:
        order = order.shuffle(len(labels), seed=seed, reshuffle_each_iteration=True)
    options = tf.data.Options()
    # Its thread is asleep for up to seconds when an epoch ends, and the next one waits for it.
    options.autotune.enabled = False
    return order.batch(batch_size).map(prepare).prefetch(1).with_options(options)
