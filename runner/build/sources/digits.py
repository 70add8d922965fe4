"""The handwritten digits that come with Retime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runner.build.sources.collection import Collection, Loader, ready

_DIGITS = Path(__file__).parents[1] / "digits.npz"
_WHITE = 16


def load_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Grey images (1797, 8, 8) with values from 0 to 255, and labels (1797,) from 0 to 9."""
    with np.load(_DIGITS, allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"]
    scaled = np.rint(images.astype(np.float32) * (255 / _WHITE)).astype(np.uint8)
    return scaled, labels.astype(np.int64)


def digits() -> Collection:
    """All of them."""
    images, labels = load_digits()
    return of_array(images, labels, [str(digit) for digit in range(10)])


def of_array(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    classes: list[str],
    is_test: NDArray[np.bool_] | None = None,
) -> Collection:
    """A collection of images in memory, shape (n, h, w) or (n, h, w, channels)."""

    def read(chosen: NDArray[np.int64]) -> Iterator[Loader]:
        for index in chosen:
            image = images[index]
            yield ready(image)

    return Collection(labels, classes, read, lambda index: f"image {index}", is_test)
