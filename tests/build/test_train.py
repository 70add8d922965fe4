from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.build.protocol import Progress
from runner.errors import StageError
from tests.build.conftest import (
    EPOCHS,
    TEST_IMAGES,
    Bench,
    Trained,
    train_params,
)

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]


def test_training_leaves_a_model_its_history_and_its_answers(
    trained: Trained, small_data: Path
) -> None:
    names = sorted(file.name for file in trained.folder.iterdir())
    assert names == ["history.json", "model.keras", "test_scores.npy"]
    history = json.loads((trained.folder / "history.json").read_text())
    assert {len(history[name]) for name in ("loss", "accuracy", "seconds")} == {EPOCHS}
    scores = np.load(trained.folder / "test_scores.npy")
    assert (scores.shape, scores.dtype) == ((TEST_IMAGES, 10), np.float32)
    assert scores.sum(axis=1) == pytest.approx(1, abs=1e-5)
    labels = np.load(small_data / "test_labels.npy")
    assert trained.summary["keras_accuracy"] == np.mean(scores.argmax(axis=1) == labels)
    # MobileNet 0.25 without its top has 218,544 parameters, as Keras documents, of which 5,472 are
    # moving averages; its head has ten classes.
    assert trained.summary["parameters"] == 218_544 + 256 * 10 + 10
    assert trained.summary["trainable_parameters"] == 213_072 + 256 * 10 + 10
    assert trained.summary["layers"] == 88


def test_progress_tells_every_epoch_and_ends_at_the_end(trained: Trained) -> None:
    done = [event.done for event in trained.events]
    assert done == sorted(done)
    assert {event.total for event in trained.events} == {EPOCHS}
    assert (done[-1], trained.events[-1].note) == (EPOCHS, "scoring the test images")
    assert trained.events[0].note == "building the training step"
    notes = " ".join(event.note for event in trained.events)
    assert f"epoch 1/{EPOCHS}, accuracy 0." in notes
    assert f"epoch {EPOCHS}/{EPOCHS}" in notes


def test_the_same_seed_gives_the_same_weights_and_the_step_is_traced_once(
    trained: Trained,
    small_data: Path,
    tmp_path: Path,
    tensorflow: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import keras

    from runner.build.train import train_model

    # Something else first: what a worker did before must not matter.
    np.random.default_rng().random()
    keras.layers.Dense(3)(np.zeros((1, 2), np.float32))
    step, traces = keras.Model.train_step, []

    def counted(model: Any, data: Any) -> Any:
        traces.append(data)
        return step(model, data)

    monkeypatch.setattr(keras.Model, "train_step", counted)
    summary = train_model(trained.params, small_data, tmp_path, lambda progress: None)
    assert len(traces) == 1
    assert summary == trained.summary
    first, second = (
        keras.models.load_model(folder / "model.keras") for folder in (trained.folder, tmp_path)
    )
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        assert (one == other).all()
    scores = [np.load(folder / "test_scores.npy") for folder in (trained.folder, tmp_path)]
    assert (scores[0] == scores[1]).all()


def test_no_epochs_leave_the_network_untrained(bench: Bench, small_data: Path) -> None:
    folder, summary = bench.run("train", train_params(epochs=0), data=small_data)
    assert json.loads((folder / "history.json").read_text()) == {}
    assert 0 <= summary["keras_accuracy"] <= 1
    assert summary["parameters"] == 410_208 + 1280 * 10 + 10


def test_a_loss_that_turns_nan_ends_the_training_with_the_reason(
    bench: Bench, small_data: Path
) -> None:
    params = train_params(rate=1e38, trainable=("none", None))
    with pytest.raises(StageError, match="NaN or infinite") as caught:
        bench.run("train", params, data=small_data)
    assert caught.value.kind == "nan_loss"
    assert "epoch 1, batch" in caught.value.why
    assert "learning rate" in caught.value.remedy
    assert all(isinstance(event, Progress) for event in bench.events)


def test_a_recipe_that_keras_refuses_is_the_inputs_fault(bench: Bench, small_data: Path) -> None:
    params = train_params()
    params["train"]["optimizer"]["options"] = {"speed": 3}
    with pytest.raises(StageError, match="options of adam") as caught:
        bench.run("train", params, data=small_data)
    assert caught.value.kind == "bad_input"
    assert "speed" in caught.value.why
