"""What training makes small: the losses of the spec language, as Keras has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf


def make_loss(
    loss: Mapping[str, Any], classes: int, *, from_logits: bool, library: Any = keras
) -> Any:
    """A loss of integer labels, shape (batch,), and scores, shape (batch, classes).

    Its method `per_image` gives a value for each image.

    Args:
        loss: a `runner.spec.recipe.Loss` as JSON.
        from_logits: whether scores are logits, as those of a classifier without softmax are. The
            mean squared error takes scores as they are in both cases.
        library: `keras`, or `tf_keras`, of which only `per_image` is to be used.
    """
    name, options = loss["name"], loss["options"]
    losses = library.losses
    if name == "cross_entropy" and not options["label_smoothing"]:
        inner = losses.SparseCategoricalCrossentropy(from_logits=from_logits)
        return _OfLabels(inner, None)
    match name:
        case "cross_entropy":
            inner = losses.CategoricalCrossentropy(from_logits=from_logits, **options)
        case "focal":
            # An alpha of 1, so that a gamma of 0 is cross entropy; class weights are another field.
            inner = losses.CategoricalFocalCrossentropy(
                alpha=1.0, from_logits=from_logits, **options
            )
        case _:
            inner = losses.MeanSquaredError()
    return _OfLabels(inner, classes)


class _OfLabels(keras.losses.Loss):
    """Gives a loss of one-hot answers the labels that it wants."""

    def __init__(self, inner: Any, classes: int | None) -> None:
        super().__init__(name=inner.name)
        self._inner = inner
        self._classes = classes

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.per_image(y_true, y_pred)

    def per_image(self, labels: Any, scores: Any) -> Any:
        """Shape (batch,)."""
        flat = tf.reshape(tf.cast(labels, tf.int64), (-1,))
        if self._classes is None:
            return self._inner.call(flat, scores)
        return self._inner.call(tf.one_hot(flat, self._classes), scores)
