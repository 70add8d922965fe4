"""Images and labels: loaded, cut into splits, resized, on disk as plain arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.spec.sources import SOURCES

_DIGITS = Path(__file__).with_name("digits.npz")
_DIGITS_WHITE = 16


def make_data(params: Mapping[str, Any], output: Path) -> dict[str, Any]:
    """Writes `{train,test}_images.npy` (uint8, NHWC) and `{train,test}_labels.npy` (int64)."""
    images, labels = _load(params["source"])
    is_test = split(labels, params["source"], params["test_fraction"], params["seed"])
    resized = resize(images, tuple(params["image_size"]))
    for name, chosen in (("train", ~is_test), ("test", is_test)):
        np.save(output / f"{name}_images.npy", resized[chosen])
        np.save(output / f"{name}_labels.npy", labels[chosen])
    classes = [str(label) for label in np.unique(labels)]
    (output / "classes.json").write_text(json.dumps(classes), encoding="utf-8")
    return {
        "classes": len(classes),
        "train_images": int((~is_test).sum()),
        "test_images": int(is_test.sum()),
    }


def split(
    labels: NDArray[np.int64], source: str, test_fraction: float, seed: int
) -> NDArray[np.bool_]:
    """Which images are for testing: a seeded choice with every class in its share.

    Images are dealt class by class in random order; the first of every class, then the second and
    so on, until the split is full.

    Args:
        labels: shape (images,).
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(labels))
    rank = np.empty(len(labels))
    for label in np.unique(labels):
        members = order[labels[order] == label]
        rank[members] = (np.arange(len(members)) + generator.random()) / len(members)
    test = np.argsort(rank, kind="stable")[: SOURCES[source].test_images(test_fraction)]
    chosen = np.zeros(len(labels), dtype=bool)
    chosen[test] = True
    return chosen


def resize(images: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Grey images (n, h, w) -> bilinearly resized (n, height, width, 3), a batch at a time."""
    import tensorflow as tf

    resized = np.empty((len(images), *size, 3), dtype=np.uint8)
    for start in range(0, len(images), 256):
        batch = images[start : start + 256, :, :, None].astype(np.float32)
        gray = np.clip(np.rint(tf.image.resize(batch, size).numpy()), 0, 255).astype(np.uint8)
        resized[start : start + 256] = gray
    return resized


def _load(source: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Grey images with values from 0 to 255, and labels."""
    assert source == "digits"  # noqa: S101 - the schema admits no other
    with np.load(_DIGITS, allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"]
    scaled = np.rint(images.astype(np.float32) * (255 / _DIGITS_WHITE)).astype(np.uint8)
    return scaled, labels.astype(np.int64)
