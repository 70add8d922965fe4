"""Conversion: a trained Keras model in, a .tflite file out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from runner.build.arrays import open_array
from runner.build.failures import StageFailure
from runner.build.networks import Network, open_artifact
from runner.build.protocol import Progress, Report
from runner.build.quantization import convert_selectively, run_converter, set_per_tensor
from runner.build.selection import noted_scopes
from runner.build.tflite_file import INPUT, OUTPUT, add_signature, describe
from runner.build.weight_audit import audit_weights, share_of_zeros
from runner.scaling import scale
from runner.spec.architectures import Scaling
from runner.spec.terms import CALIBRATED_MODES, WEIGHT_MODES


def convert_model(
    params: Mapping[str, Any], source: Path, data: Path | None, output: Path, report: Report
) -> dict[str, Any]:
    """Writes `model.tflite`, for a batch of one, and `weights.json`, what its weights are like.

    Args:
        params: `quantize` is a `runner.spec.recipe.Quantize` as JSON, of which modes that need no
            calibration may have the mode alone; `scaling` says how pixels become the model's input.
        source: the folder that holds the network, see `networks.open_artifact`.
        data: the folder of images; None where the mode needs none.

    Returns:
        What `tflite_file.describe` says; `calibration_images`; `kept_float`, operators that were
        left in float; `zeros`, the share of all weights that is zero.
    """
    quantize = params["quantize"]
    report(Progress(0, 1, f"to {quantize['mode']}", "image"))
    calibration = _calibration(quantize, params["scaling"], data, report)
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    network = open_artifact(source)
    if calibration and not network.is_plain:
        raise StageFailure(
            "bad_input",
            f"{quantize['mode']} can't be calibrated with images",
            why=f"the network has {len(network.inputs)} inputs and {len(network.outputs)} outputs",
            remedy="choose float32, float16 or dynamic",
        )
    if network.is_quantization_aware:
        calibration = None
        if quantize.get("keep_float"):
            raise StageFailure(
                "bad_input",
                "quantize.keep_float says nothing about a network that was trained quantized",
                remedy="name the layers that are: quantization_aware: {layers: EXPRESSION}",
            )
    function = trace(network)
    with noted_scopes(network.owner) as scopes:
        function.get_concrete_function()
    converter = make_converter(function, quantize["mode"], is_calibrated=calibration is not None)
    converter.representative_dataset = calibration
    set_per_tensor(converter, not quantize.get("per_channel", True))
    kept: list[str] = []
    if quantize.get("keep_float"):
        content, kept = convert_selectively(converter, function, scopes, quantize)
    else:
        content = run_converter(converter, quantize["mode"])
    if quantize["mode"] in WEIGHT_MODES:
        from runner.build.weight_quantization import quantize_weights

        content = quantize_weights(
            content, quantize["mode"], per_channel=quantize.get("per_channel", True)
        )
    content = add_signature(content, *_names(network))
    (output / "model.tflite").write_bytes(content)
    audit = json.dumps(audit_weights(content), indent=1)
    (output / "weights.json").write_text(audit, encoding="utf-8")
    return {
        **describe(content),
        "zeros": share_of_zeros(content),
        "calibration_images": len(calibration.chosen) if calibration else 0,
        "kept_float": len(kept),
    }


def trace(network: Network) -> Any:
    """The network's inference as a function of one signature, for a batch of one."""

    def infer(*given: Any) -> Any:
        return network.call(given)

    return tf.function(infer, autograph=False, input_signature=_specs(network))


def make_converter(function: Any, mode: str, *, is_calibrated: bool = False) -> Any:
    """A converter of a traced function.

    It is given the function and no model to keep it in: then it freezes the variables into the
    graph directly. The usual way, `from_keras_model`, writes a SavedModel and reads it back, which
    gives the same operators and weights in four times the time, leaves files in the temporary
    folder meanwhile, and hides what goes wrong there.
    """
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], function
    )
    if mode not in {"float32", *WEIGHT_MODES}:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    match mode:
        case "float16":
            converter.target_spec.supported_types = [tf.float16]
        case "int8" | "int8_io" if is_calibrated:
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        case "int16x8":
            converter.target_spec.supported_ops = [
                tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
            ]
    if mode == "int8_io":
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter


def _specs(network: Network) -> list[Any]:
    names, _ = _names(network)
    specs = []
    for name, tensor in zip(names, network.inputs, strict=True):
        if None in tensor.shape:
            raise StageFailure(
                "bad_input",
                f"the network leaves the size of its input {tensor.name} open",
                why=f"its shape is {tensor.shape}",
                remedy="add data, whose image_size is taken; or save the network with a fixed size",
            )
        specs.append(tf.TensorSpec((1, *tensor.shape), tensor.dtype, name=name))
    return specs


def _names(network: Network) -> tuple[list[str], list[str]]:
    """What inputs and outputs are called in the file: `image` and `scores`, or the model's own."""
    if network.is_plain:
        return [INPUT], [OUTPUT]
    return [one.name for one in network.inputs], [one.name for one in network.outputs]


@dataclass(frozen=True)
class _Calibration:
    """A seeded sample of training images, given to the converter one at a time.

    Attributes:
        images: uint8, shape (images, height, width, 3), on the disk.
        chosen: which of them, in order.
    """

    images: NDArray[np.uint8]
    chosen: NDArray[np.int64]
    scaling: Scaling
    report: Report

    def __call__(self) -> Iterator[list[NDArray[np.float32]]]:
        """Images as the model takes them, each (1, height, width, 3)."""
        for done, index in enumerate(self.chosen):
            self.report(Progress(done, len(self.chosen) + 1, "calibrating", "image"))
            pixels = self.images[index : index + 1].astype(np.float32)
            yield [scale(pixels, self.scaling).astype(np.float32)]


def _calibration(
    quantize: Mapping[str, Any], scaling: Scaling, data: Path | None, report: Report
) -> _Calibration | None:
    if data is None or quantize["mode"] not in CALIBRATED_MODES:
        return None
    images = open_array(data / "train_images.npy")
    generator = np.random.default_rng(quantize["seed"])
    count = min(quantize["calibration_samples"], len(images))
    chosen = generator.choice(len(images), count, replace=False)
    return _Calibration(images, chosen, scaling, report)
