"""Early stopping, as a state that a checkpoint can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.build.checkpoints import Arrays


@dataclass
class Stopper:
    """Watches a figure of the validation images.

    Attributes:
        recipe: a `runner.spec.recipe.EarlyStopping` as JSON; None never stops.
        best: the best value so far.
        waited: epochs since then.
        weights: the best epoch's, where they are to be taken in the end.
    """

    recipe: Mapping[str, Any] | None
    best: float | None = None
    waited: int = 0
    weights: Arrays | None = None

    def watch(self, logs: Mapping[str, float], weights: Arrays) -> bool:
        """Takes note of an epoch's figures; whether training is to end.

        Args:
            weights: of the model after this epoch.
        """
        if self.recipe is None:
            return False
        value = logs[f"val_{self.recipe['monitor']}"]
        if self._improves(value):
            self.best, self.waited = value, 0
            self.weights = weights if self.recipe["restore_best"] else None
        else:
            self.waited += 1
        return self.waited >= int(self.recipe["patience"])

    def _improves(self, value: float) -> bool:
        if self.recipe is None or self.best is None:
            return math.isfinite(value)
        rises = self.recipe["monitor"] == "accuracy"
        gain = value - self.best if rises else self.best - value
        return gain > float(self.recipe["min_delta"])
