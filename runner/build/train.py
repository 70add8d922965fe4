"""Training: a recipe and a data set in, a Keras model and its answers out."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from runner.build.architecture import build_model
from runner.build.arrays import open_array, save_array
from runner.build.batches import make_batches
from runner.build.failures import StageFailure, excerpt
from runner.build.protocol import Progress, Report
from runner.spec.architectures import Scaling

_OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
}
_SCORED_AT_ONCE = 64


def train_model(
    params: Mapping[str, Any], data: Path, output: Path, report: Report
) -> dict[str, Any]:
    """Writes `model.keras`, `history.json` and `test_scores.npy` (float32, (samples, classes)).

    The same parameters and data give the same weights, bit for bit, on the same machine with as
    many threads.

    Args:
        params: `model` and `train` are records of `runner.spec.model` as JSON; `scaling` says how
            pixels become the model's input.
    """
    recipe, scaling = params["train"], params["scaling"]
    labels = open_array(data / "test_labels.npy")
    image_size = open_array(data / "train_images.npy").shape[1:3]
    classes = len(json.loads((data / "classes.json").read_text(encoding="utf-8")))
    keras.backend.clear_session()
    keras.utils.set_random_seed(recipe["seed"])
    model = build_model(params["model"], (image_size[0], image_size[1]), classes)
    _compile(model, recipe["optimizer"])
    history = _fit(model, recipe, scaling, data, report)
    epochs = recipe["epochs"]
    report(Progress(epochs, max(1, epochs), "scoring the test images", "epoch"))
    scores = _predict(model, data, scaling)
    # A model of its own leaves the optimizer's state behind, twice the size of the weights.
    keras.Model(model.input, model.output).save(output / "model.keras")
    save_array(output / "test_scores.npy", scores)
    (output / "history.json").write_text(json.dumps(history), encoding="utf-8")
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    return {
        "parameters": int(model.count_params()),
        "trainable_parameters": trainable,
        "layers": len(model.layers),
        "keras_accuracy": float(np.mean(scores.argmax(axis=1) == labels)),
    }


def _compile(model: keras.Model, optimizer: Mapping[str, Any]) -> None:
    try:
        chosen = _OPTIMIZERS[optimizer["name"]](**optimizer["options"])
    except (TypeError, ValueError) as error:
        raise StageFailure(
            "bad_input", f"Keras refuses the options of {optimizer['name']}", why=excerpt(error)
        ) from error
    model.compile(
        optimizer=chosen,
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )


def _fit(
    model: keras.Model, recipe: Mapping[str, Any], scaling: Scaling, data: Path, report: Report
) -> dict[str, list[float]]:
    epochs = recipe["epochs"]
    if epochs == 0:
        return {}
    report(Progress(0, epochs, "building the training step", "epoch"))
    _create_variables(model)
    watcher = _Watcher(epochs, report)
    fitted = model.fit(
        make_batches(data, "train", scaling, recipe["batch_size"], seed=recipe["seed"]),
        epochs=epochs,
        verbose=0,
        callbacks=[watcher],
    )
    return {**fitted.history, "seconds": watcher.seconds}


def _create_variables(model: keras.Model) -> None:
    """Creates the variables of optimizer, loss and metrics before the training step is traced.

    A tf.function that creates variables is traced twice, and a trace of a MobileNet's training step
    takes as long as an epoch over a small data set.
    """
    classes = model.output_shape[-1]
    label = tf.zeros((1,), tf.int64)
    scores = tf.fill((1, classes), 1.0 / classes)
    model.optimizer.build(model.trainable_variables)
    model.compute_loss(y=label, y_pred=scores)
    model.compute_metrics(None, label, scores)
    model.reset_metrics()


def _predict(model: keras.Model, data: Path, scaling: Scaling) -> NDArray[np.float32]:
    """Softmax scores of the test images, shape (images, classes)."""
    batches = make_batches(data, "test", scaling, _SCORED_AT_ONCE)
    return np.asarray(model.predict(batches, verbose=0), dtype=np.float32)


class _Watcher(keras.callbacks.Callback):
    """Reports every batch, keeps each epoch's seconds, and ends what has gone astray."""

    def __init__(self, epochs: int, report: Report) -> None:
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
        loss, accuracy = float(logs["loss"]), float(logs["accuracy"])
        if not math.isfinite(loss):
            raise StageFailure(
                "nan_loss",
                "the loss became NaN or infinite",
                why=f"in epoch {self._epoch + 1}, batch {batch + 1}",
                remedy="lower the learning rate, or train fewer layers",
            )
        steps = self.params.get("steps") or batch + 1
        done = self._epoch + (batch + 1) / steps
        note = f"epoch {self._epoch + 1}/{self._epochs}, accuracy {accuracy:.2f}"
        self._report(Progress(done, self._epochs, note, "epoch"))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - as above
        self.seconds.append(round(time.monotonic() - self._started, 3))
