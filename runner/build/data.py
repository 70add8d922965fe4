"""Images and labels: loaded, cut into splits, resized, on disk as plain arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.build.arrays import ArrayWriter, save_array
from runner.build.protocol import Progress, Report
from runner.spec.sources import SOURCES

_DIGITS = Path(__file__).with_name("digits.npz")
_DIGITS_WHITE = 16
_IMAGES_AT_ONCE = 64


def make_data(params: Mapping[str, Any], output: Path, report: Report) -> dict[str, Any]:
    """Writes `{train,test}_images.npy`, `{train,test}_labels.npy` and `classes.json`.

    Images are uint8, shape (images, height, width, 3); labels are int64, shape (images,).

    Args:
        params: a `runner.spec.model.Data` as JSON.
    """
    images, labels = load_digits()
    is_test = split(labels, params["source"]["kind"], params["test_fraction"], params["seed"])
    size = (params["image_size"][0], params["image_size"][1])
    done = 0
    for name, chosen in (("train", ~is_test), ("test", is_test)):
        shape = (int(chosen.sum()), *size, 3)
        with ArrayWriter(output / f"{name}_images.npy", shape, np.uint8) as writer:
            for start in range(0, shape[0], _IMAGES_AT_ONCE):
                piece = resize(images[chosen][start : start + _IMAGES_AT_ONCE], size)
                writer.append(piece)
                done += len(piece)
                report(Progress(done, len(images), f"{name} images", "image"))
        save_array(output / f"{name}_labels.npy", labels[chosen])
    classes = [str(label) for label in np.unique(labels)]
    (output / "classes.json").write_text(json.dumps(classes), encoding="utf-8")
    return {
        "classes": len(classes),
        "train_images": int((~is_test).sum()),
        "test_images": int(is_test.sum()),
    }


def load_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Grey images (1797, 8, 8) with values from 0 to 255, and labels (1797,) from 0 to 9."""
    with np.load(_DIGITS, allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"]
    scaled = np.rint(images.astype(np.float32) * (255 / _DIGITS_WHITE)).astype(np.uint8)
    return scaled, labels.astype(np.int64)


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
    """Grey images (n, h, w) -> bilinearly resized (n, height, width, 3)."""
    import tensorflow as tf

    smooth = tf.image.resize(images[:, :, :, None].astype(np.float32), size).numpy()
    gray = np.clip(np.rint(smooth), 0, 255).astype(np.uint8)
    return np.repeat(gray, 3, axis=3)
