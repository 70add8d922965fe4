"""Random changes of training images, by Keras's own layers, seeded anew for every epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

_DIRECTIONS = {
    "horizontal": "horizontal",
    "vertical": "vertical",
    "both": "horizontal_and_vertical",
}
_WHITE = 255.0


class Augmenter:
    """Changes batches of pixels, float32 from 0 to 255, and keeps them in that range.

    What an epoch's images become follows from the seed and the number of the epoch alone, so that a
    training that is resumed sees the same images as one that never stopped.

    Args:
        steps: `runner.spec.recipe.Augmentation` records as JSON, in their order.
    """

    def __init__(self, steps: Sequence[Mapping[str, Any]], seed: int) -> None:
        self._seed = seed
        self._layers = [_layer(step) for step in steps]

    def begin_epoch(self, epoch: int) -> None:
        """Seeds every change for an epoch."""
        for index, layer in enumerate(self._layers):
            words = np.random.SeedSequence([self._seed, epoch, index]).generate_state(2)
            layer.generator.state.assign(words.astype(np.int64))

    def __call__(self, pixels: Any) -> Any:
        """Changed pixels of the same shape."""
        for layer in self._layers:
            pixels = layer(pixels, training=True)
        return keras.ops.clip(pixels, 0.0, _WHITE)


def _layer(step: Mapping[str, Any]) -> Any:
    options = step["options"]
    amount = options.get("amount")
    match step["name"]:
        case "flip":
            return keras.layers.RandomFlip(_DIRECTIONS[options["direction"]], seed=0)
        case "rotation":
            return keras.layers.RandomRotation(amount, seed=0)
        case "zoom":
            # Height and width alike.
            return keras.layers.RandomZoom((-amount, amount), seed=0)
        case "translation":
            return keras.layers.RandomTranslation(amount, amount, seed=0)
        case "contrast":
            return keras.layers.RandomContrast(amount, value_range=(0, _WHITE), seed=0)
        case _:
            return keras.layers.RandomBrightness(amount, value_range=(0, _WHITE), seed=0)
