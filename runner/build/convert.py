"""Conversion: a trained Keras model in, a .tflite file out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from runner.build.protocol import Progress, StageFailure
from runner.build.scaling import scale


def convert_model(
    params: Mapping[str, Any],
    train: Path,
    data: Path,
    output: Path,
    report: Callable[[Progress], None],
) -> dict[str, Any]:
    """Writes `model.tflite`, for a batch of one image."""
    quantize = params["quantize"]
    report(Progress(0, 1, f"to {quantize['mode']}"))
    model = _with_batch_of_one(keras.models.load_model(train / "model.keras", compile=False))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    _set_mode(converter, quantize["mode"])
    if "calibration_samples" in quantize:
        converter.representative_dataset = _calibration(quantize, params["scaling"], data)
    try:
        content = converter.convert()
    except Exception as error:
        raise StageFailure(
            "refused",
            f"the converter refused {quantize['mode']}",
            why=str(error),
            remedy="another quantization mode may be possible for this model",
        ) from error
    (output / "model.tflite").write_bytes(content)
    return {"bytes": len(content), "operations": _count_operations(content)}


def _with_batch_of_one(model: keras.Model) -> keras.Model:
    """The same model with a fixed batch: else its graph keeps operations on the batch's size."""
    shape = model.inputs[0].shape[1:]
    fixed = keras.models.clone_model(
        model, input_tensors=keras.Input(batch_shape=(1, *shape), name="image")
    )
    fixed.set_weights(model.get_weights())
    return fixed


def _set_mode(converter: Any, mode: str) -> None:
    if mode != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    match mode:
        case "float16":
            converter.target_spec.supported_types = [tf.float16]
        case "int8" | "int8_io":
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        case "int16x8":
            converter.target_spec.supported_ops = [
                tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
            ]
    if mode == "int8_io":
        converter.inference_input_type = converter.inference_output_type = tf.int8


def _calibration(
    quantize: Mapping[str, Any], scaling: str, data: Path
) -> Callable[[], Iterator[list[Any]]]:
    """A seeded sample of training images, one at a time."""
    images = np.load(data / "train_images.npy", mmap_mode="r")
    generator = np.random.default_rng(quantize["seed"])
    count = min(quantize["calibration_samples"], len(images))
    chosen = generator.choice(len(images), count, replace=False)

    def samples() -> Iterator[list[Any]]:
        for index in chosen:
            image = images[index : index + 1].astype(np.float32)
            yield [scale(image, scaling).astype(np.float32)]

    return samples


def _count_operations(content: bytes) -> int:
    """Operators in the primary subgraph."""
    from tensorflow.lite.python import schema_py_generated as schema

    return int(schema.Model.GetRootAsModel(content, 0).Subgraphs(0).OperatorsLength())
