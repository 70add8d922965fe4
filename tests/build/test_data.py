from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from runner.build.arrays import ArrayWriter, open_array, save_array
from runner.build.data import load_digits, split
from runner.build.failures import explain
from tests.build.conftest import Bench


@pytest.mark.fast
def test_the_digits_are_the_known_set() -> None:
    images, labels = load_digits()
    assert images.shape == (1797, 8, 8)
    assert (images.dtype, images.min(), images.max()) == (np.uint8, 0, 255)
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


@pytest.mark.fast
@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.5, 0.9])
def test_a_split_has_every_class_in_its_share(fraction: float) -> None:
    _, labels = load_digits()
    is_test = split(labels, "digits", fraction, 7)
    assert is_test.sum() == round(1797 * fraction)
    for digit in range(10):
        members = labels == digit
        assert abs(is_test[members].sum() - fraction * members.sum()) <= 1


@pytest.mark.fast
def test_a_split_follows_from_its_seed_alone() -> None:
    _, labels = load_digits()
    first, again, other = (split(labels, "digits", 0.2, seed) for seed in (7, 7, 8))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.fast
def test_an_array_written_in_pieces_is_the_array(tmp_path: Path) -> None:
    array = np.arange(70, dtype=np.int64).reshape(10, 7)[:, ::2]
    with ArrayWriter(tmp_path / "pieces.npy", array.shape, array.dtype) as writer:
        for start in range(0, 10, 3):
            writer.append(array[start : start + 3])
    save_array(tmp_path / "whole.npy", array)
    for name in ("pieces.npy", "whole.npy"):
        assert (open_array(tmp_path / name) == array).all()


@pytest.mark.fast
def test_a_full_disk_is_recognised_while_an_array_is_written(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space") as caught:
        save_array(small_disk / "large.npy", np.zeros(100_000))
    assert explain(caught.value).kind == "no_space"


@pytest.mark.acceptance
def test_the_stage_writes_every_image_once_at_the_size_asked_for(bench: Bench) -> None:
    params = {"source": {"kind": "digits", "options": {}}, "image_size": [16, 24], "seed": 7, "test_fraction": 0.2}
    folder, summary = bench.run("data", params)
    train, test = (np.load(folder / f"{name}_images.npy") for name in ("train", "test"))
    assert summary == {"classes": 10, "train_images": len(train), "test_images": len(test)}
    assert train.shape == (1438, 16, 24, 3)
    assert train.dtype == test.dtype == np.uint8
    labels = [np.load(folder / f"{name}_labels.npy") for name in ("train", "test")]
    _, all_labels = load_digits()
    assert (np.bincount(labels[0]) + np.bincount(labels[1]) == np.bincount(all_labels)).all()
    assert json.loads((folder / "classes.json").read_text()) == list("0123456789")
    # Half-pixel bilinear resizing: places inside the picture keep the mean, all channels agree.
    images, _ = load_digits()
    is_test = split(all_labels, "digits", 0.2, 7)
    assert np.abs(test.mean(axis=(1, 2, 3)) - images[is_test].mean(axis=(1, 2))).max() < 4
    assert (test[..., 0] == test[..., 2]).all()
    assert bench.events[-1].done == bench.events[-1].total == 1797


@pytest.mark.acceptance
def test_the_same_parameters_give_the_same_bytes(bench: Bench) -> None:
    params = {"source": {"kind": "digits", "options": {}}, "image_size": [8, 8], "seed": 7, "test_fraction": 0.2}
    first, second = (bench.run("data", params)[0] for _ in range(2))
    for file in first.iterdir():
        assert file.read_bytes() == (second / file.name).read_bytes()
    # At its own size a picture stays as it is.
    images, labels = load_digits()
    kept = images[split(labels, "digits", 0.2, 7)]
    assert (np.load(first / "test_images.npy")[..., 0] == kept).all()
