"""What conversion did to a model's answers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Accuracy:
    """A model before and after conversion, on the same test split.

    Attributes:
        keras: share of samples that the trained model classifies correctly.
        tflite: the same of the converted model in the runtime that is timed.
        agreement: share of samples to which both give the same class.
        largest_difference: of any score; None where some are not finite.
    """

    keras: float
    tflite: float
    samples: int
    agreement: float
    largest_difference: float | None


def compare_scores(
    keras_scores: NDArray[np.float32],
    tflite_scores: NDArray[np.float32],
    labels: NDArray[np.int64],
) -> Accuracy:
    """Compares both models' answers.

    Args:
        keras_scores: shape (samples, classes).
        tflite_scores: the same shape, dequantized.
        labels: shape (samples,), the index of the right class.

    Raises:
        ValueError: the shapes do not fit each other.
    """
    if keras_scores.shape != tflite_scores.shape or len(labels) != len(keras_scores):
        raise ValueError(
            f"scores of shape {keras_scores.shape} and {tflite_scores.shape} "
            f"for {len(labels)} labels"
        )
    keras_classes = keras_scores.argmax(axis=1)
    tflite_classes = tflite_scores.argmax(axis=1)
    largest = float(np.abs(keras_scores - tflite_scores).max())
    return Accuracy(
        keras=float(np.mean(keras_classes == labels)),
        tflite=float(np.mean(tflite_classes == labels)),
        samples=len(labels),
        agreement=float(np.mean(keras_classes == tflite_classes)),
        largest_difference=largest if math.isfinite(largest) else None,
    )
