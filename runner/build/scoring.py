"""A network's answers to the test images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from runner.build.batches import make_batches
from runner.build.networks import Network
from runner.spec.architectures import Scaling

_AT_ONCE = 64


def score(
    network: Network, data: Path, scaling: Scaling, features: Path | None = None
) -> NDArray[np.float32]:
    """The outputs for all test images, float32 of shape (images, classes), in their order.

    Args:
        features: a folder of features, where the network is a head that takes them.
    """
    dtype = network.inputs[0].dtype

    @tf.function(autograph=False, reduce_retracing=True)  # type: ignore[untyped-decorator]
    def infer(pixels: Any) -> Any:
        return network.call([tf.cast(pixels, dtype)])[0]

    batches = make_batches(data, "test", scaling, network.batch or _AT_ONCE, features=features)
    pieces = [infer(pixels) for pixels, _ in batches]
    return np.concatenate([np.asarray(piece, np.float32) for piece in pieces])
