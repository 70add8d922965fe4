"""Replicates of a recipe: the same training, each time with another seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.spec.parts import Parts

AXIS = "train.seed"
_SEEDS = 2**32


def is_replicated(parts: Parts) -> bool:
    """Whether several models are trained from a recipe; a finished network stands for itself."""
    train = parts.get("train")
    return train is not None and train["seeds"] > 1 and not parts.get("model.file")


class Dealer:
    """Deals seeds; recipes that share their training share its replicates' parts too."""

    def __init__(self) -> None:
        # The training that a replicate is made of is kept, so that no other takes its identity.
        self._known: dict[tuple[int, int], tuple[Any, dict[str, Any]]] = {}

    def replicates(self, parts: Parts) -> list[Parts]:
        """The parts of each model that is trained from a recipe, in the order of their seeds.

        A finished network is not trained, and a training that is wrong is reported elsewhere: both
        stand for themselves.
        """
        if not is_replicated(parts):
            return [parts]
        train = parts["train"]
        return [{**parts, "train": self._seeded(train, index)} for index in range(train["seeds"])]

    def _seeded(self, train: dict[str, Any], index: int) -> dict[str, Any]:
        key = (id(train), index)
        if key not in self._known:
            seed = (train["seed"] + index) % _SEEDS
            self._known[key] = (train, {**train, "seed": seed})
        return self._known[key][1]
