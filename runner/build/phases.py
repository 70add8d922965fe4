"""The parts of a training, with everything filled in that they leave out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from runner.build.architecture import choose_trainable


@dataclass(frozen=True)
class Phase:
    """A part of training.

    Attributes:
        epochs: the most that it takes.
        trainable: a `runner.spec.recipe.Trainable` as JSON.
        freeze_batch_norm: whether the base's batch normalizations stay as they are.
        optimizer: a `runner.spec.recipe.Optimizer` as JSON.
        first_epoch: its first epoch, counted from 0 over all phases.
    """

    epochs: int
    trainable: Mapping[str, Any]
    freeze_batch_norm: bool
    optimizer: Mapping[str, Any]
    first_epoch: int


def plan_phases(model: Mapping[str, Any], recipe: Mapping[str, Any]) -> list[Phase]:
    """The phases of a recipe; one where it names none, and none where it trains nothing.

    Args:
        model: a `runner.spec.recipe.Model` as JSON.
        recipe: a `runner.spec.recipe.Train` as JSON.
    """
    given = recipe["phases"] or ([{"epochs": recipe["epochs"]}] if recipe["epochs"] else [])
    phases: list[Phase] = []
    first = 0
    for phase in given:
        frozen = phase.get("freeze_batch_norm")
        phases.append(
            Phase(
                epochs=phase["epochs"],
                trainable=phase.get("trainable") or model["trainable"],
                freeze_batch_norm=model["freeze_batch_norm"] if frozen is None else frozen,
                optimizer=phase.get("optimizer") or recipe["optimizer"],
                first_epoch=first,
            )
        )
        first += phase["epochs"]
    return phases


def enter(phase: Phase, model: keras.Model, head_layers: int) -> set[str]:
    """Marks what the phase trains; the paths of the variables that it does.

    Args:
        head_layers: how many of the model's last layers are the head, which is always trained.
    """
    base = model.layers[: len(model.layers) - head_layers]
    choose_trainable(base, phase.trainable, freeze_batch_norm=phase.freeze_batch_norm)
    return {variable.path for variable in model.trainable_variables}
