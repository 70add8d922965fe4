"""Drawn images: each dial changes what it says, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.build.sources.shapes import shapes
from tests.build.conftest import data_params
from tests.build.test_data import make

pytestmark = pytest.mark.fast

DIALS = ("pose", "scale", "color", "clutter", "noise")
STILL = dict.fromkeys(DIALS, 0.0)


def options(**changes: Any) -> dict[str, Any]:
    rest = {"images": 160, "classes": 4, "variability": 0.5, "overlap": 0.0, "seed": 3}
    return rest | dict.fromkeys(DIALS) | changes


def draw(size: tuple[int, int] = (32, 32), **changes: Any) -> np.ndarray:
    """All images, by class: (classes, images, height, width, 3)."""
    asked = options(**changes)
    collection = shapes(asked, size)
    everything = np.arange(asked["images"])
    images = np.stack([load() for load in collection.read(everything)])
    return np.stack([images[collection.labels == label] for label in range(asked["classes"])])


def spread(images: np.ndarray) -> float:
    """How much the images of a class differ."""
    return float(images.astype(np.float32).std(axis=1).mean())


def test_without_variability_every_image_of_a_class_is_the_same() -> None:
    images = draw(variability=0.0)
    assert (images == images[:, :1]).all()
    assert len(np.unique(images[:, 0].reshape(4, -1), axis=0)) == 4


@pytest.mark.parametrize("dial", DIALS)
def test_each_dial_makes_images_differ_more(dial: str) -> None:
    spreads = [spread(draw(**STILL | {dial: amount})) for amount in (0.0, 0.4, 1.0)]
    assert spreads[0] == 0 < spreads[1] < spreads[2]


def test_a_dial_that_is_left_out_is_as_variability_says() -> None:
    named = draw(variability=0.0, **dict.fromkeys(DIALS, 0.3))
    assert (draw(variability=0.3) == named).all()


def test_overlap_makes_the_shapes_of_classes_alike() -> None:
    def apart(overlap: float) -> float:
        images = draw(**STILL | {"overlap": overlap}).astype(np.float32)
        return float(images[:, 0].std(axis=0).mean())

    assert apart(0.0) > apart(0.5) > apart(1.0) == 0


def test_images_follow_from_the_seed_wherever_reading_starts() -> None:
    first, again, other = draw(), draw(), draw(seed=4)
    assert (first == again).all()
    assert (first != other).any()
    collection = shapes(options(), (32, 32))
    (late,) = (load() for load in collection.read(np.array([130])))
    assert (late == first[130 % 4][130 // 4]).all()


def test_the_stage_draws_at_the_size_asked_for_with_all_classes_alike(tmp_path: Path) -> None:
    params = data_params("shapes", image_size=[24, 40], own=options(classes=16))
    arrays, summary = make(tmp_path, params)
    assert arrays["train_images"].shape == (120, 24, 40, 3)
    assert {sum(counts) for counts in summary["class_counts"].values()} == {10}
    assert "star" in summary["class_counts"]
