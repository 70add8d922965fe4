"""How much an image counts in training, by its class."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from runner.build.failures import StageFailure


def weigh_classes(
    wanted: str | Mapping[str, float], classes: Sequence[str], labels: NDArray[np.int64]
) -> NDArray[np.float32] | None:
    """A weight for each class, float32 of shape (classes,); None where all count alike.

    Args:
        wanted: `none`; `balanced`, so that every class counts the same in all, and an image 1 on
            average; or class -> weight, where classes that are left out count 1.
        labels: of the images that are trained on.

    Raises:
        StageFailure: the data has no class of a name.
    """
    if wanted == "none":
        return None
    if isinstance(wanted, str):
        counts = np.bincount(labels, minlength=len(classes))
        return (len(labels) / (len(classes) * np.maximum(counts, 1))).astype(np.float32)
    unknown = [name for name in wanted if name not in classes]
    if unknown:
        near = difflib.get_close_matches(unknown[0], classes, n=1)
        raise StageFailure(
            "bad_input",
            f"train.class_weights names {unknown[0]!r}, and the data has no such class",
            why=f"its classes: {', '.join(classes[:20])}{' ...' if len(classes) > 20 else ''}",
            remedy=f"write {near[0]!r}" if near else "write the name of one of these classes",
        )
    return np.array([wanted.get(name, 1.0) for name in classes], np.float32)
