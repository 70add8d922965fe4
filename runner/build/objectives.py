"""What training makes small: the losses of the spec language, as Keras has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras


def make_loss(loss: Mapping[str, Any], classes: int, *, from_logits: bool) -> keras.losses.Loss:
    """A loss of integer labels, shape (batch,), and scores, shape (batch, classes).

    Args:
        loss: a `runner.spec.model.Loss` as JSON.
        from_logits: whether scores are logits, as those of a classifier without softmax are. The
            mean squared error takes scores as they are in both cases.
    """
    name, options = loss["name"], loss["options"]
    if name == "cross_entropy" and not options["label_smoothing"]:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    match name:
        case "cross_entropy":
            inner = keras.losses.CategoricalCrossentropy(from_logits=from_logits, **options)
        case "focal":
            # An alpha of 1, so that a gamma of 0 is cross entropy; class weights are another field.
            inner = keras.losses.CategoricalFocalCrossentropy(
                alpha=1.0, from_logits=from_logits, **options
            )
        case _:
            inner = keras.losses.MeanSquaredError()
    return _OfLabels(inner, classes)


class _OfLabels(keras.losses.Loss):
    """Gives a loss of one-hot answers the labels that it wants."""

    def __init__(self, inner: Any, classes: int) -> None:
        super().__init__(name=inner.name)
        self._inner = inner
        self._classes = classes

    def call(self, y_true: Any, y_pred: Any) -> Any:
        labels = keras.ops.reshape(keras.ops.cast(y_true, "int32"), (-1,))
        return self._inner.call(keras.ops.one_hot(labels, self._classes), y_pred)
