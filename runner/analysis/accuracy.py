"""What conversion did to a model's answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# With as many classes or fewer, the right one is always among the best so many.
TOP = 5
# Rows that are compared at once: scores of many images stay on the disk.
_ROWS = 4096

Scores = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class ClassAccuracy:
    """How one class is recognized, before and after conversion.

    Attributes:
        samples: of the test split that belong to it.
        keras: share of them that the trained model classifies correctly; None where there are
            none, or no trained model.
        tflite: the same of the converted model; None where there are none.
        lost: samples that only the trained model classifies correctly; None where there is none.
        gained: samples that only the converted one does; None as for `lost`.
    """

    name: str
    samples: int
    keras: float | None
    tflite: float | None
    lost: int | None
    gained: int | None


@dataclass(frozen=True)
class Accuracy:
    """A model before and after conversion, on the same test split.

    Of equal scores the first class's counts as the highest, as `argmax` has it; what is no number
    is never right.

    Attributes:
        keras: share of samples that the trained model classifies correctly; None where there is
            no trained model, only a finished .tflite file.
        tflite: the same of the converted model in the runtime that is timed.
        keras_top5: share of samples whose class is among the trained model's five best; None as
            for `keras`, and where there are five classes or fewer.
        tflite_top5: the same of the converted model; None where there are five classes or fewer.
        agreement: share of samples to which both give the same class; None as for `keras`.
        largest_difference: of any score; None as for `keras`, and where some are not finite.
        lost: samples that only the trained model classifies correctly; None as for `keras`.
        gained: samples that only the converted model does; None as for `keras`.
        finite: whether all of the converted model's scores are numbers.
        classes: each class by itself, in their order.
    """

    keras: float | None
    tflite: float
    keras_top5: float | None
    tflite_top5: float | None
    samples: int
    agreement: float | None
    largest_difference: float | None
    lost: int | None
    gained: int | None
    finite: bool
    classes: tuple[ClassAccuracy, ...]


def compare_scores(
    keras_scores: Scores | None, tflite_scores: Scores, labels: Labels, classes: Sequence[str]
) -> Accuracy:
    """Compares both models' answers.

    Args:
        keras_scores: shape (samples, classes); None where there is no trained model.
        tflite_scores: the same shape, dequantized.
        labels: shape (samples,), the index of the right class.
        classes: their names.

    Raises:
        ValueError: the shapes do not fit each other.
    """
    for scores in [tflite_scores] if keras_scores is None else [keras_scores, tflite_scores]:
        if scores.shape != (len(labels), len(classes)):
            raise ValueError(
                f"scores of shape {scores.shape} for {len(labels)} labels of {len(classes)} classes"
            )
    after = _Answers.of(tflite_scores, labels)
    before = None if keras_scores is None else _Answers.of(keras_scores, labels)
    has_top = len(classes) > TOP
    return Accuracy(
        keras=_share(before.right) if before else None,
        tflite=_share(after.right),
        keras_top5=_share(before.place < TOP) if before and has_top else None,
        tflite_top5=_share(after.place < TOP) if has_top else None,
        samples=len(labels),
        agreement=_share(before.chosen == after.chosen) if before else None,
        largest_difference=None
        if keras_scores is None
        else _largest_difference(keras_scores, tflite_scores),
        lost=int(np.sum(before.right & ~after.right)) if before else None,
        gained=int(np.sum(~before.right & after.right)) if before else None,
        finite=after.finite,
        classes=tuple(_by_class(before, after, labels, classes)),
    )


def chance_of_loss(lost: int, gained: int) -> float:
    """How likely so many more answers are lost than gained where conversion favours neither.

    One-sided and exact, on the samples whose answer changed: McNemar's test (Psychometrika 12,
    1947).
    """
    from scipy.special import bdtr

    return float(bdtr(gained, lost + gained, 0.5)) if lost > gained else 1.0


@dataclass(frozen=True)
class _Answers:
    """One model's answers to all samples.

    Attributes:
        chosen: the class with the highest score, shape (samples,); -1 where none is a number.
        place: how many classes come before the right one, shape (samples,).
    """

    chosen: Labels
    place: Labels
    finite: bool

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the right class has the highest score, shape (samples,)."""
        return np.equal(self.place, 0)

    @classmethod
    def of(cls, scores: Scores, labels: Labels) -> _Answers:
        chosen, place = np.empty(len(labels), np.int64), np.empty(len(labels), np.int64)
        finite, numbers = True, np.arange(scores.shape[1])
        for rows in _slices(len(labels)):
            some, own = np.asarray(scores[rows]), labels[rows, None]
            finite = finite and bool(np.isfinite(some).all())
            is_number = ~np.isnan(some)
            some = np.where(is_number, some, -np.inf)
            mine = np.take_along_axis(some, own, axis=1)
            is_before = (some > mine) | ((some == mine) & (numbers < own))
            has_mine = np.take_along_axis(is_number, own, axis=1)[:, 0]
            place[rows] = np.where(has_mine, is_before.sum(axis=1), scores.shape[1])
            chosen[rows] = np.where(is_number.any(axis=1), some.argmax(axis=1), -1)
        return cls(chosen, place, finite)


def _by_class(
    before: _Answers | None, after: _Answers, labels: Labels, classes: Sequence[str]
) -> Iterator[ClassAccuracy]:
    def count(flags: NDArray[np.bool_]) -> list[int]:
        found: list[int] = np.bincount(labels[flags], minlength=len(classes)).tolist()
        return found

    samples, after_right = count(np.ones(len(labels), np.bool_)), count(after.right)
    before_right = count(before.right) if before else None
    lost = count(before.right & ~after.right) if before else None
    gained = count(~before.right & after.right) if before else None
    for index, name in enumerate(classes):
        total = samples[index]
        yield ClassAccuracy(
            name=name,
            samples=total,
            keras=before_right[index] / total if before_right and total else None,
            tflite=after_right[index] / total if total else None,
            lost=lost[index] if lost else None,
            gained=gained[index] if gained else None,
        )


def _largest_difference(one: Scores, other: Scores) -> float | None:
    largest = 0.0
    # What is not finite has no difference: the answer is None then.
    with np.errstate(invalid="ignore", over="ignore"):
        for rows in _slices(len(one)):
            found = float(np.abs(np.asarray(one[rows]) - other[rows]).max())
            if not math.isfinite(found):
                return None
            largest = max(largest, found)
    return largest


def _slices(samples: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS) for start in range(0, samples, _ROWS))


def _share(flags: NDArray[np.bool_]) -> float:
    return float(np.mean(flags))
