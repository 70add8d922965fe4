"""Images on the disk as batches for Keras; only what a batch needs is in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from runner.build.arrays import open_array
from runner.build.augmentation import Augmenter
from runner.scaling import scale
from runner.spec.architectures import Scaling


def make_batches(
    data: Path,
    split: str,
    scaling: Scaling,
    batch_size: int,
    *,
    chosen: NDArray[np.int64] | None = None,
    features: Path | None = None,
) -> Any:
    """Batches of (images float32 NHWC, scaled; labels int64) in the order on the disk.

    Args:
        split: `train` or `test`.
        chosen: the images to take; None for all.
        features: a folder of features, which are taken in the images' place, as they are.
    """
    images = open_array(
        data / f"{split}_images.npy" if features is None else features / f"{split}_features.npy"
    )
    dtype = tf.as_dtype(images.dtype)
    labels = open_array(data / f"{split}_labels.npy")
    order = np.arange(len(labels)) if chosen is None else chosen

    def load(step: Any) -> Any:
        some = order[step * batch_size : (step + 1) * batch_size]
        return images[some], labels[some]

    def prepare(step: Any) -> Any:
        pixels, answers = tf.numpy_function(load, [step], (dtype, tf.int64))
        pixels.set_shape((None, *images.shape[1:]))
        answers.set_shape((None,))
        if features is not None:
            return pixels, answers
        return scale(tf.cast(pixels, tf.float32), scaling), answers

    return _steps(-(-len(order) // batch_size), prepare)


class TrainingBatches:
    """Batches of (images float32 NHWC, changed and scaled; labels int64; weights float32).

    Every epoch has its own order and its own random changes, which follow from the seed and the
    number of the epoch alone.

    Args:
        examples: a .npy file of images, or of features, which are taken as they are.
        labels: of all of them.
        chosen: the images to train on.
        weights: how much an image of each class counts, shape (classes,); None for all alike.

    Attributes:
        dataset: gives the batches of the epoch that was begun last.
        steps: batches an epoch.
        images: examples an epoch.
    """

    def __init__(
        self,
        examples: Path,
        labels: NDArray[np.int64],
        chosen: NDArray[np.int64],
        recipe: Mapping[str, Any],
        *,
        scaling: Scaling,
        weights: NDArray[np.float32] | None = None,
    ) -> None:
        self._examples = open_array(examples)
        self._labels = labels
        self._chosen = chosen
        self._order = chosen
        self._seed = recipe["seed"]
        self._batch_size = recipe["batch_size"]
        self._scaling = scaling
        self._weights = weights
        self._augmenter = Augmenter(recipe["augment"], self._seed) if recipe["augment"] else None
        self.images = len(chosen)
        self.steps = -(-len(chosen) // self._batch_size)
        self.dataset = _steps(self.steps, self._prepare)

    def begin_epoch(self, epoch: int) -> None:
        """Draws the order and the changes of an epoch, counted from 0 over all phases."""
        generator = np.random.default_rng([self._seed, epoch])
        self._order = generator.permutation(self._chosen)
        if self._augmenter:
            self._augmenter.begin_epoch(epoch)

    def _load(self, step: Any) -> Any:
        some = self._order[step * self._batch_size : (step + 1) * self._batch_size]
        labels = self._labels[some]
        weights = np.ones(len(some), np.float32) if self._weights is None else self._weights[labels]
        return self._examples[some], labels, weights

    def _prepare(self, step: Any) -> Any:
        dtype = tf.as_dtype(self._examples.dtype)
        given, labels, weights = tf.numpy_function(
            self._load, [step], (dtype, tf.int64, tf.float32)
        )
        given.set_shape((None, *self._examples.shape[1:]))
        labels.set_shape((None,))
        weights.set_shape((None,))
        if dtype == tf.uint8:
            pixels = tf.cast(given, tf.float32)
            given = scale(self._augmenter(pixels) if self._augmenter else pixels, self._scaling)
        return given, labels, weights


def _steps(count: int, prepare: Any) -> Any:
    options = tf.data.Options()
    # Its thread is asleep for up to seconds when an epoch ends, and the next one waits for it.
    options.autotune.enabled = False
    return tf.data.Dataset.range(count).map(prepare).prefetch(1).with_options(options)
