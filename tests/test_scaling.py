"""Pixels are scaled as Keras's own functions do it, and alike wherever they are scaled."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest

from runner.scaling import scale
from runner.spec.architectures import Scaling
from runner.timing.evaluation_worker import _prepare

# One module of keras.applications for each scaling.
MODULES = {
    "minus_one_to_one": "mobilenet_v2",
    "raw": "efficientnet",
    # For finished networks only: no module of Keras has it.
    "zero_to_one": "",
    "centered_bgr": "resnet",
    "standardized": "densenet",
}
FLOAT32: Any = SimpleNamespace(type_name="float32")


def images() -> np.ndarray:
    """uint8, (3, 16, 16, 3): all values in all channels, which differ."""
    values = np.arange(256, dtype=np.uint8)
    channels = np.stack([values, values[::-1], np.roll(values, 100)], axis=-1)
    return np.stack([np.roll(channels, turn, axis=-1).reshape(16, 16, 3) for turn in range(3)])


@pytest.mark.fast
def test_every_scaling_is_held_against_keras() -> None:
    assert set(MODULES) == set(get_args(Scaling))


@pytest.mark.fast
def test_an_unknown_scaling_is_refused() -> None:
    unknown: Any = "caffe"
    with pytest.raises(ValueError, match="caffe"):
        scale(np.zeros((1, 1, 3), np.float32), unknown)


@pytest.mark.acceptance
@pytest.mark.usefixtures("tensorflow")
@pytest.mark.parametrize("scaling", [name for name, module in MODULES.items() if module])
def test_it_is_kerass_preprocessing_to_the_bit(scaling: Scaling) -> None:
    module = importlib.import_module(f"keras.applications.{MODULES[scaling]}")
    expected = module.preprocess_input(images().astype(np.float32))
    scaled = scale(images().astype(np.float32), scaling)
    assert scaled.dtype == np.float32
    assert (scaled == expected).all()


@pytest.mark.acceptance
@pytest.mark.usefixtures("tensorflow")
@pytest.mark.parametrize("scaling", MODULES)
def test_training_and_evaluation_see_the_same_bits(scaling: Scaling, tmp_path: Path) -> None:
    from runner.build.batches import make_batches

    np.save(tmp_path / "train_images.npy", images())
    np.save(tmp_path / "train_labels.npy", np.arange(3, dtype=np.int64))
    trained_on = np.concatenate([batch for batch, _ in make_batches(tmp_path, "train", scaling, 2)])
    assert trained_on.dtype == np.float32
    assert (trained_on == _prepare(images(), scaling, FLOAT32)).all()
