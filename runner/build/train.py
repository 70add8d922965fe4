"""Training: a recipe and a data set in, a Keras model and its answers out."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from runner.build.architecture import build_model
from runner.build.protocol import Progress, StageFailure
from runner.build.scaling import scale

_OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
}


def train_model(
    params: Mapping[str, Any], data: Path, output: Path, report: Callable[[Progress], None]
) -> dict[str, Any]:
    """Writes `model.keras`, `history.json` and `test_scores.npy` (float32, (samples, classes))."""
    recipe = params["train"]
    images = np.load(data / "train_images.npy", mmap_mode="r")
    classes = len(json.loads((data / "classes.json").read_text(encoding="utf-8")))
    keras.backend.clear_session()
    keras.utils.set_random_seed(recipe["seed"])
    model = build_model(params["model"], images.shape[1:3], classes)
    optimizer = recipe["optimizer"]
    model.compile(
        optimizer=_OPTIMIZERS[optimizer["name"]](**optimizer["options"]),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    history = _fit(model, recipe, params["scaling"], data, report)
    scores = _predict(model, data, params["scaling"])
    labels = np.load(data / "test_labels.npy")
    model.save(output / "model.keras")
    np.save(output / "test_scores.npy", scores)
    (output / "history.json").write_text(json.dumps(history), encoding="utf-8")
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    return {
        "parameters": model.count_params(),
        "trainable_parameters": trainable,
        "layers": len(model.layers),
        "keras_accuracy": float(np.mean(scores.argmax(axis=1) == labels)),
    }


def _fit(
    model: keras.Model,
    recipe: Mapping[str, Any],
    scaling: str,
    data: Path,
    report: Callable[[Progress], None],
) -> dict[str, list[float]]:
    if recipe["epochs"] == 0:
        return {}
    watcher = _Watcher(recipe["epochs"], report)
    fitted = model.fit(
        _dataset(data, "train", scaling, recipe["batch_size"], recipe["seed"]),
        epochs=recipe["epochs"],
        verbose=0,
        callbacks=[watcher, keras.callbacks.TerminateOnNaN()],
    )
    losses = fitted.history.get("loss", [])
    if len(losses) < recipe["epochs"] or not all(map(math.isfinite, losses)):
        raise StageFailure(
            "nan_loss",
            "the loss became NaN or infinite",
            why=f"in epoch {max(1, len(losses))}",
            remedy="lower the learning rate, or train fewer layers",
        )
    return {**fitted.history, "seconds": watcher.seconds}


def _dataset(data: Path, split: str, scaling: str, batch_size: int, seed: int | None) -> Any:
    """Batches of (images float32 NHWC scaled, labels int64); shuffled where there is a seed."""
    images = np.load(data / f"{split}_images.npy", mmap_mode="r")
    labels = np.load(data / f"{split}_labels.npy")
    dataset = tf.data.Dataset.from_tensor_slices((images, labels))
    if seed is not None:
        dataset = dataset.shuffle(len(labels), seed=seed)
    return dataset.batch(batch_size).map(lambda x, y: (scale(tf.cast(x, tf.float32), scaling), y))


def _predict(model: keras.Model, data: Path, scaling: str) -> Any:
    scores = model.predict(_dataset(data, "test", scaling, 64, None), verbose=0)
    return np.asarray(scores, dtype=np.float32)


class _Watcher(keras.callbacks.Callback):
    """Reports every batch, and keeps each epoch's seconds."""

    def __init__(self, epochs: int, report: Callable[[Progress], None]) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._epochs = epochs
        self._report = report
        self._epoch = 0
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self._epoch = epoch
        self._started = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        steps = self.params.get("steps") or batch + 1
        done = self._epoch + (batch + 1) / steps
        accuracy = (logs or {}).get("accuracy", math.nan)
        note = f"epoch {self._epoch + 1}/{self._epochs}, accuracy {accuracy:.2f}"
        self._report(Progress(done, self._epochs, note))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - as above
        self.seconds.append(round(time.monotonic() - self._started, 3))
