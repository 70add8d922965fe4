"""Phases, early stopping and checkpoints in whole trainings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.build.protocol import Progress
from tests.build.conftest import Bench, head, train_params

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]

BASE = {"architecture": "MobileNet", "alpha": 0.25}
HEAD = head("global_average_pooling", ("dropout", {"rate": 0.5}), "classifier")
COSINE = {"cosine": {"initial": 1e-3, "final": 0.1, "warmup_epochs": 1.0}}
# Everything at once that a checkpoint has to hold.
WHOLE = train_params(
    base=BASE,
    head=HEAD,
    epochs=6,
    train={
        "augment": [{"name": "translation", "options": {"amount": 0.2}}],
        "validation_fraction": 0.2,
        "early_stopping": {
            "monitor": "loss",
            "patience": 2,
            "min_delta": 0.0,
            "restore_best": True,
        },
        "class_weights": "balanced",
        "phases": [
            {
                "epochs": 2,
                "trainable": {"policy": "none", "argument": None},
                "freeze_batch_norm": None,
                "optimizer": None,
            },
            {
                "epochs": 4,
                "trainable": {"policy": "from", "argument": "conv_pw_12"},
                "freeze_batch_norm": True,
                "optimizer": {"name": "adamw", "options": {"learning_rate": COSINE}},
            },
        ],
    },
)


class PowerLostError(Exception):
    """What a test raises where a machine would lose power."""


def train(data: Path, output: Path, params: dict[str, Any], **options: Any) -> dict[str, Any]:
    from runner.build.train import train_model

    output.mkdir()
    report = options.pop("report", lambda progress: None)
    return train_model(params, data, output, report, **options)


def weights_of(folder: Path) -> list[np.ndarray]:
    import keras

    return keras.models.load_model(folder / "model.keras").get_weights()


def same(first: Path, second: Path) -> bool:
    pairs = zip(weights_of(first), weights_of(second), strict=True)
    return all((one == other).all() for one, other in pairs)


def dying(epoch: float) -> Any:
    def report(progress: Progress) -> None:
        if progress.done > epoch:
            raise PowerLostError

    return report


@pytest.fixture(scope="module")
def whole(
    small_data: Path, tensorflow: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("whole") / "output"
    return folder, train(small_data, folder, WHOLE)


def history_of(folder: Path) -> dict[str, list[float]]:
    history = json.loads((folder / "history.json").read_text())
    history.pop("seconds")
    return history


def test_each_phase_trains_its_layers_with_its_optimizer(
    whole: tuple[Path, dict[str, Any]], small_data: Path
) -> None:
    folder, summary = whole
    history = history_of(folder)
    assert history["phase"][:3] == [0, 0, 1]
    rates = dict(zip(history["phase"], history["learning_rate"], strict=True))
    assert rates[0] == pytest.approx(1e-3)
    assert rates[1] <= 1e-3
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= history.keys()
    assert summary["epochs"] == len(history["loss"])
    assert summary["validation_images"] == round(0.2 * 96)
    # Two pointwise and one depthwise convolution, without their normalizations; and the head.
    trained = 128 * 256 + 256 * 256 + 9 * 256 + 256 * 10 + 10
    assert summary["trainable_parameters"] == trained


def test_what_a_phase_freezes_stays_as_it_was(
    whole: tuple[Path, dict[str, Any]], small_data: Path, tmp_path: Path
) -> None:
    import keras

    params = WHOLE | {"train": WHOLE["train"] | {"epochs": 0, "phases": []}}
    train(small_data, tmp_path / "none", params)
    before, after = (
        keras.models.load_model(folder / "model.keras") for folder in (tmp_path / "none", whole[0])
    )
    changed = {
        layer.name
        for layer, other in zip(before.layers, after.layers, strict=True)
        for one, two in zip(layer.get_weights(), other.get_weights(), strict=True)
        if (one != two).any()
    }
    assert changed == {"conv_pw_12", "conv_dw_13", "conv_pw_13", "classifier"}


@pytest.mark.parametrize("epoch", [0.5, 1.5, 2.0, 3.5])
def test_a_training_that_was_killed_goes_on_and_gives_the_same_bits(
    whole: tuple[Path, dict[str, Any]], small_data: Path, tmp_path: Path, epoch: float
) -> None:
    scratch = tmp_path / "scratch"
    with pytest.raises(PowerLostError):
        train(small_data, tmp_path / "first", WHOLE, scratch=scratch, report=dying(epoch))
    summary = train(small_data, tmp_path / "second", WHOLE, scratch=scratch)
    assert summary["resumed_after"] == int(epoch)
    assert same(whole[0], tmp_path / "second")
    assert history_of(whole[0]) == history_of(tmp_path / "second")
    scores = [np.load(f / "test_scores.npy") for f in (whole[0], tmp_path / "second")]
    assert (scores[0] == scores[1]).all()


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_checkpoint_is_left_out(
    whole: tuple[Path, dict[str, Any]], small_data: Path, tmp_path: Path, damage: str
) -> None:
    scratch = tmp_path / "scratch"
    with pytest.raises(PowerLostError):
        train(small_data, tmp_path / "first", WHOLE, scratch=scratch, report=dying(1.5))
    (file,) = scratch.iterdir()
    content = bytearray(file.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    else:
        content[len(content) // 2] ^= 1
    file.write_bytes(content)
    summary = train(small_data, tmp_path / "second", WHOLE, scratch=scratch)
    assert summary["resumed_after"] == 0
    assert same(whole[0], tmp_path / "second")


def test_early_stopping_ends_a_training_and_takes_the_best_epoch(
    small_data: Path, tmp_path: Path, tensorflow: Any
) -> None:
    stopping = {"monitor": "loss", "patience": 2, "min_delta": 0.0, "restore_best": True}
    # A rate at which the loss soon rises.
    changes = {"validation_fraction": 0.2, "early_stopping": stopping}
    params = train_params(base=BASE, trainable=("none", None), epochs=60, rate=0.5, train=changes)
    summary = train(small_data, tmp_path / "stopped", params)
    losses = history_of(tmp_path / "stopped")["val_loss"]
    best = int(np.argmin(losses))
    assert len(losses) == best + 3 < 60
    assert summary["epochs"] == len(losses)
    fewer = params | {"train": params["train"] | {"epochs": best + 1, "early_stopping": None}}
    train(small_data, tmp_path / "fewer", fewer)
    assert same(tmp_path / "stopped", tmp_path / "fewer")


def test_a_linear_classifier_learns_from_its_logits(bench: Bench, small_data: Path) -> None:
    layers = head("global_average_pooling", ("classifier", {"activation": "linear"}))
    params = train_params(
        base=BASE | {"batch_norm_momentum": 0.7}, head=layers, epochs=8, rate=3e-3
    )
    folder, _ = bench.run("train", params, data=small_data)
    assert np.load(folder / "test_scores.npy").min() < 0
    assert json.loads((folder / "history.json").read_text())["accuracy"][-1] > 0.6


def test_a_class_that_is_not_there_fails_with_its_name(bench: Bench, small_data: Path) -> None:
    from runner.errors import StageError

    params = train_params(base=BASE, train={"class_weights": {"ten": 2.0}})
    with pytest.raises(StageError, match="names 'ten'"):
        bench.run("train", params, data=small_data)
