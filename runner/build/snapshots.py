"""Snapshots: a network as it was after some step of its training."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from runner.build.arrays import open_array, save_array
from runner.build.checkpoints import Checkpoint, CheckpointFolder
from runner.build.failures import StageFailure
from runner.build.networks import KERAS_FILE, load_keras, of_keras, summary_of
from runner.build.protocol import Progress, Report
from runner.build.scoring import score

_FOLDER = "snapshots"
_FACTS = "training.json"
_VARIABLES = "variables"


class SnapshotTaker:
    """Writes a network's weights down at the steps that are asked for.

    Args:
        wanted: unit -> moments, as `runner.plan.snapshots` has them; empty for none.
        network: the whole network, also where its head alone learns.
        folder: outlives a failed attempt, so that a training that goes on has its first snapshots.
    """

    def __init__(
        self,
        wanted: Mapping[str, Sequence[float]],
        steps_per_epoch: int,
        network: keras.Model,
        folder: Path,
    ) -> None:
        self._steps_per_epoch = steps_per_epoch
        self._steps = {
            step_of(unit, at, steps_per_epoch) for unit, moments in wanted.items() for at in moments
        }
        self._network = network
        self._folder = folder / _FOLDER

    def take(self, step: int) -> None:
        """Keeps the weights as they are after this step, if anybody asks for it."""
        if step in self._steps:
            values = [variable.numpy() for variable in _variables(self._network)]
            _file(self._folder, step).save(Checkpoint({"step": step}, {_VARIABLES: values}))

    def has_all_until(self, step: int) -> bool:
        """Whether those of an earlier attempt's steps are there and undamaged."""
        return all(_file(self._folder, one).load() for one in self._steps if one <= step)

    def finish(self, output: Path, steps: int, *, trainable_parameters: int) -> None:
        """Puts them into the training's output, with what is to be known of the training.

        Args:
            steps: of the whole training.
        """
        if not self._steps:
            return
        target = output / _FOLDER
        target.mkdir(exist_ok=True)
        for step in self._steps:
            source = self._folder / _name(step)
            if source.exists() and source.parent != target:
                shutil.copyfile(source, target / source.name)
        known = {
            "steps": steps,
            "steps_per_epoch": self._steps_per_epoch,
            "trainable_parameters": trainable_parameters,
        }
        (target / _FACTS).write_text(json.dumps(known), encoding="utf-8")


def make_snapshot(
    params: Mapping[str, Any], inputs: Mapping[str, Path], output: Path, report: Report
) -> dict[str, Any]:
    """Writes `model.keras` and `test_scores.npy` (float32, (samples, classes)), as a training does.

    The network is the training's own, so that two snapshots differ in nothing but weights.

    Args:
        params: `at` is one moment, unit -> how many; `scaling` says how pixels become the input.
        inputs: `training` holds the finished training, `data` the images.

    Returns:
        `parameters`, `trainable_parameters`, `layers`, `keras_accuracy`, `step` and `epoch`.

    Raises:
        StageFailure: the training ended before that moment.
    """
    folder = inputs["training"] / _FOLDER
    facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    ((unit, at),) = params["at"].items()
    step = step_of(unit, at, facts["steps_per_epoch"])
    report(Progress(0, 1, f"taking step {step}", "step"))
    if not (folder / _name(step)).exists():
        raise _never_reached(unit, at, facts)
    saved = _file(folder, step).load()
    if saved is None:
        raise StageFailure(
            "bad_input",
            f"the snapshot of step {step} can't be read",
            why="its file was damaged since it was checked",
            remedy="run the same command again, which makes it anew",
        )
    keras.backend.clear_session()
    model = load_keras(inputs["training"] / KERAS_FILE)
    for variable, value in zip(_variables(model), saved.groups[_VARIABLES], strict=True):
        variable.assign(value)
    scores = score(of_keras(model), inputs["data"], params["scaling"])
    model.save(output / KERAS_FILE)
    save_array(output / "test_scores.npy", scores)
    labels = open_array(inputs["data"] / "test_labels.npy")
    return {
        **summary_of(of_keras(model)),
        "trainable_parameters": facts["trainable_parameters"],
        "keras_accuracy": float(np.mean(scores.argmax(axis=1) == labels)),
        "step": step,
        "epoch": step / facts["steps_per_epoch"],
    }


def step_of(unit: str, at: float, steps_per_epoch: int) -> int:
    """The step that a moment means: of a fraction of an epoch, the nearest."""
    return int(at) if unit == "step" else math.floor(at * steps_per_epoch + 0.5)


def _never_reached(unit: str, at: float, facts: Mapping[str, Any]) -> StageFailure:
    steps, epochs = facts["steps"], facts["steps"] / facts["steps_per_epoch"]
    return StageFailure(
        "bad_input",
        f"training ended before {unit} {at:g}",
        why=f"it was over, or stopped early, after step {steps}, which is epoch {epochs:g}",
        remedy=f"write a snapshot up to step {steps}, or let it train longer",
    )


def _variables(network: keras.Model) -> list[Any]:
    """Its weights, and the states of its random layers; nothing of optimizer and metrics."""
    return [variable for layer in network.layers for variable in layer.variables]


def _file(folder: Path, step: int) -> CheckpointFolder:
    return CheckpointFolder(folder, _name(step))


def _name(step: int) -> str:
    return f"step-{step}.npz"
