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
        keras: share of samples that the trained model classifies correctly; None where there is
            no trained model, only a finished .tflite file.
        tflite: the same of the converted model in the runtime that is timed.
        agreement: share of samples to which both give the same class; None as for `keras`.
        largest_difference: of any score; None as for `keras`, and where some are not finite.
        finite: whether all of the converted model's scores are numbers.
    """

    keras: float | None
    tflite: float
    samples: int
    agreement: float | None
    largest_difference: float | None
    finite: bool


def compare_scores(
    keras_scores: NDArray[np.float32] | None,
    tflite_scores: NDArray[np.float32],
    labels: NDArray[np.int64],
) -> Accuracy:
    """Compares both models' answers.

    Args:
        keras_scores: shape (samples, classes); None where there is no trained model.
        tflite_scores: the same shape, dequantized.
        labels: shape (samples,), the index of the right class.

    Raises:
        ValueError: the shapes do not fit each other.
    """
    right = float(np.mean(tflite_scores.argmax(axis=1) == labels))
    finite = bool(np.isfinite(tflite_scores).all())
    if keras_scores is None:
        return Accuracy(None, right, len(labels), None, None, finite)
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
        tflite=right,
        samples=len(labels),
        agreement=float(np.mean(keras_classes == tflite_classes)),
        largest_difference=largest if math.isfinite(largest) else None,
        finite=finite and math.isfinite(largest),
    )
