"""Weights alone in eight or four bits, by Google's AI Edge Quantizer: an optional package."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import numpy as np
from tensorflow.lite.tools import flatbuffer_utils

from runner.build.failures import StageFailure, excerpt, explain

# Mode -> bits of a weight, and whether kernels compute in float with what they are unpacked to.
_MODES = {
    "weight_only_int8": (8, True),
    "weight_only_int4": (4, True),
    "dynamic_int4": (4, False),
}


def quantize_weights(content: bytes, mode: str, *, per_channel: bool) -> bytes:
    """A float .tflite file with the weights of its layers quantized, as symmetric integers.

    `weight_only_...` puts a DEQUANTIZE before each layer, which then computes in float;
    `dynamic_...` leaves it to the kernels to quantize activations while they run. Depthwise
    convolutions have no four bits there, and stay in float.

    Args:
        content: a float file.
        per_channel: whether each output channel has a scale of its own.

    Raises:
        StageFailure: the package is missing, or refuses the file in its own words.
    """
    package = _import()
    bits, is_weight_only = _MODES[mode]
    everything = package.qtyping.TFLOperationName.ALL_SUPPORTED
    sizes = package.qtyping.QuantGranularity
    granularity = sizes.CHANNELWISE if per_channel else sizes.TENSORWISE
    try:
        # It prints what it did, with bars of progress: to the stage's log.
        with contextlib.redirect_stdout(sys.stderr):
            quantizer = package.quantizer.Quantizer(content)
            add = (
                quantizer.add_weight_only_config if is_weight_only else quantizer.add_dynamic_config
            )
            add(".*", everything, bits, granularity)
            made = bytes(quantizer.quantize().quantized_model)
    except Exception as error:
        known = explain(error)
        if known.kind != "exception":
            raise known from error
        raise StageFailure(
            "refused",
            f"the quantizer refused {mode}",
            why=excerpt(error),
            remedy="another quantization mode may be possible for this model",
        ) from error
    return _with_weights_inside(made)


def _with_weights_inside(content: bytes) -> bytes:
    """The same file with its weights where every runtime looks for them.

    The quantizer puts them behind the flatbuffer and notes where, as files beyond 2 GiB need it;
    TFLite 2.17.1, which is given a file in memory, then finds none ("lacks data").
    """
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    for buffer in model.buffers:
        if buffer.offset:
            end = buffer.offset + buffer.size
            buffer.data = np.frombuffer(content[buffer.offset : end], np.uint8)
            buffer.offset = buffer.size = 0
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _import() -> Any:
    try:
        import ai_edge_quantizer
        from ai_edge_quantizer import qtyping, quantizer  # noqa: F401 - parts of the package
    except ImportError as error:
        raise StageFailure(
            "missing_package",
            "the package that quantizes weights alone is not installed",
            why=excerpt(error),
            remedy="pip install 'retime[quantizer]'",
        ) from error
    return ai_edge_quantizer
