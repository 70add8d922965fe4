"""Labelled images before they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class UnreadableImageError(Exception):
    """One image can't be read; the others can."""


# What gives an image when it is called: an array (height, width) or (height, width, channels), or
# a Pillow image.
Loader = Callable[[], Any]


@dataclass(frozen=True)
class Collection:
    """Labelled images, in an order in which they can be read one after the other.

    Attributes:
        labels: the class of each image as an index, int64 of shape (images,).
        classes: their names.
        read: indices in rising order -> a loader for each, to be called before the next is taken.
            A loader raises UnreadableImageError.
        name: the index of an image -> what a person knows it by.
        is_test: which images are for testing, shape (images,); None where nothing is said.
        empty_classes: classes that no image belongs to.
    """

    labels: NDArray[np.int64]
    classes: Sequence[str]
    read: Callable[[NDArray[np.int64]], Iterator[Loader]]
    name: Callable[[int], str]
    is_test: NDArray[np.bool_] | None = None
    empty_classes: Sequence[str] = ()


def ready(image: Any) -> Loader:
    """A loader of an image that is in memory already."""
    return lambda: image


def number_classes(names: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
    """Labels as indices, and the classes that they count: numbers by size, names by alphabet."""
    different = sorted(set(names), key=_order)
    index = {name: number for number, name in enumerate(different)}
    return np.array([index[name] for name in names], np.int64), different


def number_labels(labels: NDArray[Any]) -> tuple[NDArray[np.int64], list[str]]:
    """As `number_classes`, for an array of integers or texts."""
    different, numbers = np.unique(labels, return_inverse=True)
    return numbers.astype(np.int64).reshape(-1), [str(one) for one in different]


def _order(name: str) -> tuple[int, int, str]:
    is_number = name.isascii() and name.isdigit()
    return (0, int(name), name) if is_number else (1, 0, name)
