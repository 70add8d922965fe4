"""Which moments of each training are asked for, so that one training serves them all. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from runner.plan.records import content_key
from runner.spec.model import Variant
from runner.spec.recipe import Data, Model, Train

# What a spec says of trainings beside the recipe of one.
_AROUND_A_TRAINING = {"seeds", "snapshot"}


def recipe_of(train: Train) -> dict[str, Any]:
    """How to train one model; how many are trained, and when one is taken, is no part of it."""
    return {name: value for name, value in asdict(train).items() if name not in _AROUND_A_TRAINING}


class Snapshots:
    """The snapshots that the variants of a spec take of each training.

    Variants that differ in their snapshot alone have different records of the same recipe, so
    trainings are told apart by their content.
    """

    def __init__(self, variants: Iterable[Variant]) -> None:
        # Records are kept beside what they amount to, so that no other takes over their identity.
        self._known: dict[tuple[int, ...], tuple[Any, str]] = {}
        self._wanted: dict[str, set[tuple[str, float]]] = {}
        for variant in variants:
            snapshot = variant.train.snapshot
            if snapshot is not None and variant.model.file is None:
                training = self._training(variant.model, variant.train, variant.data)
                wanted = self._wanted.setdefault(training, set())
                wanted.add((snapshot.unit, snapshot.at))

    def params(self, model: Model, train: Train, data: Data | None) -> dict[str, Any]:
        """What a training is told of them: `snapshots`, unit -> moments; nothing where none is."""
        wanted = self._wanted and self._wanted.get(self._training(model, train, data))
        if not wanted:
            return {}
        units = sorted({unit for unit, _ in wanted})
        return {
            "snapshots": {unit: sorted(at for one, at in wanted if one == unit) for unit in units}
        }

    def _training(self, model: Model, train: Train, data: Data | None) -> str:
        """What tells a training from others of the same spec."""
        records = (model, train, data)
        key = tuple(map(id, records))
        if key not in self._known:
            content = {
                "model": asdict(model),
                "train": recipe_of(train),
                "data": data and asdict(data),
            }
            self._known[key] = (records, content_key(content))
        return self._known[key][1]
