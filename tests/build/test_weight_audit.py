"""What a .tflite file's weights are like, read from the file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize(
    ("mode", "tiny"), [("float32", 1e-40), ("float16", 1e-6), ("float32", -1e-45)]
)
def test_subnormal_weights_are_counted_and_are_no_zeros(
    tensorflow: Any, mode: str, tiny: float
) -> None:
    import keras

    from runner.build.weight_audit import audit_weights

    layer = keras.layers.Dense(64, use_bias=False)
    given = keras.Input((64,))
    model = keras.Model(given, layer(given))
    kernel = np.random.default_rng(1).uniform(0.1, 1, (64, 64)).astype(np.float32)
    kernel[:, :16] = tiny
    kernel[:, 16:24] = 0
    layer.set_weights([kernel])
    function = tensorflow.function(model, autograph=False)
    concrete = function.get_concrete_function(tensorflow.TensorSpec((1, 64)))
    converter = tensorflow.lite.TFLiteConverter.from_concrete_functions([concrete], function)
    if mode == "float16":
        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tensorflow.float16]
    (audit,) = audit_weights(converter.convert())
    assert audit["operator"] == "FULLY_CONNECTED"
    assert (audit["subnormal"], audit["zeros"]) == (0.25, 0.125)
