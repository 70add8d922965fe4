"""Optimizers and learning-rate schedules, as Keras has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from runner.build.failures import StageFailure, excerpt

_OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "nadam": keras.optimizers.Nadam,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "adagrad": keras.optimizers.Adagrad,
}
_schedules = keras.optimizers.schedules


def make_optimizer(
    optimizer: Mapping[str, Any], *, steps_per_epoch: int, epochs: int
) -> keras.optimizers.Optimizer:
    """An optimizer that has done no step yet.

    Args:
        optimizer: a `runner.spec.recipe.Optimizer` as JSON; its schedule counts in epochs.
        epochs: how many it is for, at the most.

    Raises:
        StageFailure: Keras refuses its options.
    """
    options = {name: value for name, value in optimizer["options"].items() if value is not None}
    rate = options.get("learning_rate")
    try:
        if isinstance(rate, Mapping):
            options["learning_rate"] = make_schedule(rate, steps_per_epoch, epochs)
        return _OPTIMIZERS[optimizer["name"]](**options)
    except (TypeError, ValueError) as error:
        raise StageFailure(
            "bad_input",
            f"Keras refuses the options of {optimizer['name']}",
            why=excerpt(error),
            remedy="change the option that Keras names, in train.optimizer or in the phase's",
        ) from error


def make_schedule(schedule: Mapping[str, Any], steps_per_epoch: int, epochs: int) -> Any:
    """A schedule's rate as a function of the steps that were done.

    Args:
        schedule: one key, `cosine`, `exponential` or `steps`, with its options.
    """
    ((name, options),) = schedule.items()
    initial = options["initial"]
    match name:
        case "cosine":
            return _cosine(options, steps_per_epoch, epochs)
        case "exponential":
            return _schedules.ExponentialDecay(
                initial,
                max(1, round(options["epochs"] * steps_per_epoch)),
                options["rate"],
                staircase=options["staircase"],
            )
        case _:
            # Keras holds a value up to and including its boundary, counted from step 0.
            ends = [epoch * steps_per_epoch - 1 for epoch in options["epochs"]]
            rates = [initial * options["factor"] ** number for number in range(len(ends) + 1)]
            return _schedules.PiecewiseConstantDecay(ends, rates)


def _cosine(options: Mapping[str, Any], steps_per_epoch: int, epochs: int) -> Any:
    warm_up = round(options["warmup_epochs"] * steps_per_epoch)
    # Step 0 is the first: the last one has the final rate.
    falling = max(1, epochs * steps_per_epoch - warm_up - 1)
    if not warm_up:
        return _schedules.CosineDecay(options["initial"], falling, alpha=options["final"])
    return _schedules.CosineDecay(
        0.0,
        falling,
        alpha=options["final"],
        warmup_target=options["initial"],
        warmup_steps=warm_up,
    )
