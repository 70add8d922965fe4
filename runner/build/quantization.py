"""What the converter does beyond its modes: one scale a tensor, and layers left in float."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow.lite.python import convert as lite

from runner.build.failures import StageFailure, excerpt, explain
from runner.build.selection import find_operators, float_operators


def set_per_tensor(converter: Any, is_per_tensor: bool) -> None:  # noqa: FBT001 - its subject
    """Gives each tensor of weights one scale, where each output channel has its own otherwise."""
    converter._experimental_disable_per_channel = is_per_tensor  # noqa: SLF001 - no other way
    converter._experimental_disable_per_channel_quantization_for_dense_layers = (  # noqa: SLF001 - as above
        is_per_tensor
    )


def run_converter(converter: Any, mode: str) -> bytes:
    """Converts.

    Raises:
        StageFailure: the converter refuses, in its own words.
    """
    try:
        return bytes(converter.convert())
    except Exception as error:
        raise _refusal(error, mode) from error


def convert_selectively(
    converter: Any, function: Any, scopes: Mapping[str, str], quantize: Mapping[str, Any]
) -> tuple[bytes, list[str]]:
    """Converts, and leaves the layers that `keep_float` matches in float.

    As TensorFlow's own quantization debugger does it: calibrate first, then quantize with a list of
    operators to leave out. That they did stay float is checked in the file that comes out.

    Args:
        converter: set up for a mode that calibrates.
        scopes: of the layers in the function's graph, as `selection.noted_scopes` has them.

    Returns:
        The file, and the names of the operators that were left in float.

    Raises:
        StageFailure: a pattern matches nothing, or the mode can't do it.
    """
    mode = quantize["mode"]
    if mode == "int16x8":
        raise StageFailure(
            "refused",
            "the converter can't leave layers in float with int16x8",
            why="its quantizer for 16-bit activations takes no list of operators to leave out",
            remedy="choose int8 or int8_io, or remove quantize.keep_float",
        )
    converter._experimental_calibrate_only = True  # noqa: SLF001 - as the debugger sets it
    calibrated = run_converter(converter, mode)
    kept = find_operators(calibrated, scopes, _aliases(function), quantize["keep_float"])
    outside = tf.int8 if mode == "int8_io" else tf.float32
    is_per_tensor = not quantize["per_channel"]
    try:
        content = bytes(
            lite.mlir_quantize(
                calibrated,
                disable_per_channel=is_per_tensor,
                disable_per_channel_for_dense_layers=is_per_tensor,
                input_data_type=outside,
                output_data_type=outside,
                denylisted_nodes=kept,
            )
        )
    except Exception as error:
        raise _refusal(error, f"{mode} with layers left in float") from error
    quantized = set(kept) - float_operators(content)
    if quantized:
        raise StageFailure(
            "refused",
            "the converter quantized layers that were to stay float",
            why=", ".join(sorted(quantized)[:5]),
            remedy="leave them out of quantize.keep_float",
        )
    return content, kept


def _aliases(function: Any) -> dict[str, str]:
    """The names of the graph's outputs, which are `Identity`, -> those of what they stand for."""
    nodes = function.get_concrete_function().graph.as_graph_def().node
    return {node.name: node.input[0].partition(":")[0] for node in nodes if node.op == "Identity"}


def _refusal(error: Exception, asked: str) -> StageFailure:
    known = explain(error)
    if known.kind != "exception":
        return known
    return StageFailure(
        "refused",
        f"the converter refused {asked}",
        why=excerpt(error),
        remedy="another quantization mode may be possible for this model",
    )
