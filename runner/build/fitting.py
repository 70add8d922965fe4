"""The training itself: epoch after epoch, phase after phase, from wherever it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from runner.build.batches import TrainingBatches
from runner.build.checkpoints import Checkpoint, CheckpointFolder
from runner.build.failures import check_loss
from runner.build.optimizers import make_optimizer
from runner.build.phases import Phase, enter
from runner.build.protocol import Progress, Report
from runner.build.snapshots import SnapshotTaker
from runner.build.stopping import Stopper

History = dict[str, list[float]]


@dataclass
class Training:
    """A model and what it learns from.

    Everything that is random in an epoch follows from the seed and the epoch's number, and all the
    rest is in the checkpoint: a training that goes on gives the same weights, bit for bit, as one
    that never stopped.

    Attributes:
        model: what learns: the network, or its head alone, whose layers are the network's own.
        network: what is kept. Each phase marks its layers, so that those of a base that answered
            once for all are kept as frozen as it was.
        head_layers: how many of the network's last layers are its head.
        validation: batches of (images, labels) to judge each epoch by; None for none.
        early_stopping: a `runner.spec.recipe.EarlyStopping` as JSON; each phase stops by itself.
        snapshots: is shown every step, counted over all phases.
        resumed_after: epochs that an earlier attempt had done.
        trained: the paths of the variables that any phase trained.
    """

    model: keras.Model
    network: keras.Model
    head_layers: int
    batches: TrainingBatches
    validation: Any
    loss: keras.losses.Loss
    early_stopping: dict[str, Any] | None
    checkpoints: CheckpointFolder
    snapshots: SnapshotTaker
    report: Report
    history: History = field(default_factory=dict)
    resumed_after: int = 0
    trained: set[str] = field(default_factory=set)

    def run(self, phases: Sequence[Phase]) -> None:
        """Trains through all phases; `history` has a value for each epoch that was done."""
        total = sum(phase.epochs for phase in phases)
        saved = self._last_checkpoint()
        self.snapshots.take(0)
        for number, phase in enumerate(phases):
            self.trained |= enter(phase, self.network, self.head_layers)
            if saved and number < saved.state["phase"]:
                continue
            self.report(Progress(phase.first_epoch, total, "building the training step", "epoch"))
            self._compile(phase)
            stopper, first = Stopper(self.early_stopping), 0
            if saved and number == saved.state["phase"]:
                first = self._restore(saved, stopper)
            for epoch in range(first, phase.epochs):
                is_over = self._train_epoch(number, phase, epoch, stopper, total)
                is_last = is_over or epoch + 1 == phase.epochs
                if not (is_last and number + 1 == len(phases)):
                    self._save(number, phase.epochs if is_over else epoch + 1, stopper)
                if is_over:
                    break
            if stopper.weights is not None:
                self.model.set_weights(stopper.weights)

    @property
    def steps(self) -> int:
        """Steps that were done."""
        return len(self.history.get("loss", ())) * int(self.batches.steps)

    def _last_checkpoint(self) -> Checkpoint | None:
        """What an earlier attempt left, if the snapshots of its steps are there too."""
        saved = self.checkpoints.load()
        done = len(saved.state["history"]["loss"]) * self.batches.steps if saved else 0
        if saved and not self.snapshots.has_all_until(done):
            print("a snapshot of an earlier attempt is not there: training begins anew")  # noqa: T201 - to the log
            return None
        return saved

    def _compile(self, phase: Phase) -> None:
        self.model.compile(
            optimizer=make_optimizer(
                phase.optimizer, steps_per_epoch=self.batches.steps, epochs=phase.epochs
            ),
            loss=self.loss,
            metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
            jit_compile=False,
        )
        _create_variables(self.model)

    def _train_epoch(
        self, number: int, phase: Phase, epoch: int, stopper: Stopper, total: int
    ) -> bool:
        """One epoch; whether the phase is over."""
        index = phase.first_epoch + epoch
        self.batches.begin_epoch(index)
        started = time.monotonic()
        fitted = self.model.fit(
            self.batches.dataset,
            epochs=1,
            verbose=0,
            shuffle=False,
            callbacks=[_Watcher(index, total, self.report, self._after_step)],
            validation_data=self.validation,
        )
        logs = {name: float(values[-1]) for name, values in fitted.history.items()}
        facts = {
            **logs,
            "learning_rate": float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            "phase": number,
            "seconds": round(time.monotonic() - started, 3),
        }
        for name, value in facts.items():
            self.history.setdefault(name, []).append(value)
        weights = self.model.get_weights() if self.early_stopping else []
        return stopper.watch(logs, weights)

    def _after_step(self, step: int) -> None:
        """Takes note of a step of the epoch under way, counted from 1."""
        self.snapshots.take(self.steps + step)

    def _save(self, phase: int, epoch: int, stopper: Stopper) -> None:
        state = {
            "phase": phase,
            "epoch": epoch,
            "history": self.history,
            "best": stopper.best,
            "waited": stopper.waited,
        }
        groups = {
            "model": [variable.numpy() for variable in self.model.variables],
            "optimizer": [variable.numpy() for variable in self.model.optimizer.variables],
            "best": stopper.weights or [],
        }
        self.checkpoints.save(Checkpoint(state, groups))

    def _restore(self, saved: Checkpoint, stopper: Stopper) -> int:
        """Takes a checkpoint over; the epochs of its phase that are done."""
        for variables, name in (
            (self.model.variables, "model"),
            (self.model.optimizer.variables, "optimizer"),
        ):
            for variable, value in zip(variables, saved.groups[name], strict=True):
                variable.assign(value)
        self.history = dict(saved.state["history"])
        self.resumed_after = len(self.history["loss"])
        stopper.best, stopper.waited = saved.state["best"], saved.state["waited"]
        stopper.weights = saved.groups.get("best") or None
        return int(saved.state["epoch"])


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


class _Watcher(keras.callbacks.Callback):
    """Reports every batch of an epoch, and ends what has gone astray."""

    def __init__(
        self, epoch: int, epochs: int, report: Report, after_step: Callable[[int], None]
    ) -> None:
        super().__init__()
        self._epoch = epoch
        self._epochs = epochs
        self._report = report
        self._after_step = after_step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss, accuracy = float(logs["loss"]), float(logs["accuracy"])
        where = f"in epoch {self._epoch + 1}, batch {batch + 1}"
        check_loss(loss, where, "lower the learning rate, or train fewer layers")
        self._after_step(batch + 1)
        steps = self.params.get("steps") or batch + 1
        done = self._epoch + (batch + 1) / steps
        note = f"epoch {self._epoch + 1}/{self._epochs}, accuracy {accuracy:.2f}"
        self._report(Progress(done, self._epochs, note, "epoch"))
