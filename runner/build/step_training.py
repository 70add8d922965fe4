"""Training in the steps of compression: epoch after epoch, from wherever it stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from runner.build.batches import TrainingBatches
from runner.build.checkpoints import Checkpoint, CheckpointFolder
from runner.build.failures import check_loss
from runner.build.protocol import Progress, Report

History = dict[str, dict[str, list[float]]]


@dataclass
class StepTraining:
    """How far compression is.

    A checkpoint is kept after each step, and after each epoch of one: the model as it was when the
    step began, of which the step's own network is made anew, and that network's variables. What is
    random in an epoch follows from the seed and its number; only a dropout layer of tf-keras draws
    anew after a kill, since nothing tells its state.

    Attributes:
        model: what the steps change.
        history: step's name -> values of each epoch.
        resumed_after: epochs, over all steps, that an earlier attempt had done.
    """

    model: keras.Model
    checkpoints: CheckpointFolder
    report: Report
    history: History = field(default_factory=dict)
    resumed_after: int = 0
    _step: int = field(default=0, init=False)
    _start: list[Any] = field(default_factory=list, init=False)
    _saved: Checkpoint | None = field(default=None, init=False)

    def resume(self) -> int:
        """Takes over what an earlier attempt left; how many steps it finished."""
        saved = self.checkpoints.load()
        if saved is None:
            return 0
        _assign(self.model.variables, saved.groups["model"])
        self.history = {name: dict(values) for name, values in saved.state["history"].items()}
        self.resumed_after = sum(len(values["loss"]) for values in self.history.values())
        self._saved = saved if saved.state["epoch"] else None
        return int(saved.state["step"])

    def begin(self, step: int) -> None:
        """Begins a step, by its number."""
        self._step = step
        self._start = _values(self.model.variables)

    def end(self) -> None:
        """Keeps what the step made of the model."""
        self._save(self._step + 1, 0, model=_values(self.model.variables))

    def fit(
        self,
        learner: Any,
        batches: TrainingBatches,
        *,
        name: str,
        epochs: int,
        library: Any,
        callbacks: Sequence[Any] = (),
    ) -> None:
        """Trains the step's network, which is compiled.

        Args:
            name: of the step.
            library: the network's, Keras 3 or tf-keras.

        Raises:
            StageFailure: the loss is no number any more.
        """
        learner.optimizer.build(learner.trainable_variables)
        for epoch in range(self._restore(learner), epochs):
            batches.begin_epoch(epoch)
            watcher = _make_watcher(library, self.report, name, epoch, epochs)
            fitted = learner.fit(
                batches.dataset,
                initial_epoch=epoch,
                epochs=epoch + 1,
                verbose=0,
                shuffle=False,
                callbacks=[*callbacks, watcher],
            )
            for key, values in fitted.history.items():
                self.history.setdefault(name, {}).setdefault(key, []).append(float(values[-1]))
            if epoch + 1 < epochs:
                self._save(
                    self._step,
                    epoch + 1,
                    model=self._start,
                    learner=_values(learner.variables),
                    optimizer=_values(learner.optimizer.variables),
                )

    def _restore(self, learner: Any) -> int:
        """Takes the step's own checkpoint over, if there is one; how many epochs it has done."""
        saved, self._saved = self._saved, None
        if saved is None:
            return 0
        _assign(learner.variables, saved.groups["learner"])
        _assign(learner.optimizer.variables, saved.groups["optimizer"])
        return int(saved.state["epoch"])

    def _save(self, step: int, epoch: int, **groups: list[Any]) -> None:
        state = {"step": step, "epoch": epoch, "history": self.history}
        self.checkpoints.save(Checkpoint(state, groups))


def _values(variables: Sequence[Any]) -> list[Any]:
    return [variable.numpy() for variable in variables]


def _assign(variables: Sequence[Any], values: Sequence[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _make_watcher(library: Any, report: Report, name: str, epoch: int, epochs: int) -> Any:
    """Reports every batch, and ends what has gone astray; a callback of either library."""

    class Watcher(library.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            loss, accuracy = float(logs["loss"]), float(logs["accuracy"])
            where = f"in epoch {epoch + 1} of {name}, batch {batch + 1}"
            check_loss(loss, where, "lower the learning rate of this step")
            done = epoch + (batch + 1) / (self.params.get("steps") or batch + 1)
            note = f"{name}: epoch {epoch + 1}/{epochs}, accuracy {accuracy:.2f}"
            report(Progress(done, epochs, note, "epoch"))

    return Watcher()
