"""Models of every kind, with the outputs that TensorFlow's own interpreter gives for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_MAKE = """
import json
import sys
from pathlib import Path
import numpy as np
import tensorflow as tf

layers = tf.keras.layers
folder = Path(sys.argv[1])
tf.keras.utils.set_random_seed(3)
chance = np.random.default_rng(5)
resolvers = tf.lite.experimental.OpResolverType
kinds = {"none": resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES, "xnnpack": resolvers.AUTO}
facts = {}

def network():
    taken = layers.Input(batch_shape=(1, 16, 16, 3), name="image")
    given = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(taken)
    given = layers.DepthwiseConv2D(3, padding="same", activation="relu6")(given)
    given = layers.Conv2D(16, 1)(given)
    given = layers.GlobalAveragePooling2D()(given)
    return tf.keras.Model(taken, layers.Dense(10, activation="softmax")(given))

images = chance.normal(size=(8, 1, 16, 16, 3)).astype(np.float32)

def quantized(model, mode):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    ops = tf.lite.OpsSet
    if mode == "float32":
        return converter.convert()
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if mode == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif mode != "dynamic":
        converter.representative_dataset = lambda: ([image] for image in images)
        converter.target_spec.supported_ops = [ops.TFLITE_BUILTINS_INT8]
    if mode == "int8":
        converter.inference_input_type = converter.inference_output_type = tf.int8
    if mode == "int16x8":
        converter.target_spec.supported_ops = [
            ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
    return converter.convert()

def keep(name, content, sets, shapes=None, signature=None):
    # sets: a list of {part of an input's name: values}
    (folder / f"{name}.tflite").write_bytes(content)
    for delegate, resolver in kinds.items():
        interpreter = tf.lite.Interpreter(
            model_content=content, num_threads=1, experimental_op_resolver_type=resolver
        )
        if signature:
            runner = interpreter.get_signature_runner(signature)
            outputs = [list(runner(**one).values()) for one in sets]
        else:
            details = interpreter.get_input_details()
            for part, shape in (shapes or {}).items():
                index = next(one["index"] for one in details if part in one["name"])
                interpreter.resize_tensor_input(index, shape)
            interpreter.allocate_tensors()
            outputs = []
            for one in sets:
                for part, values in one.items():
                    detail = next(d for d in interpreter.get_input_details() if part in d["name"])
                    if detail["dtype"] == np.int8 and values.dtype != np.int8:
                        scale, zero = detail["quantization"]
                        values = np.clip(np.round(values / scale) + zero, -128, 127).astype(np.int8)
                        one[part] = values
                    interpreter.set_tensor(detail["index"], values)
                interpreter.invoke()
                outputs.append([
                    interpreter.get_tensor(d["index"]).copy()
                    for d in interpreter.get_output_details()
                ])
        for which in range(len(outputs[0])):
            every = np.stack([output[which] for output in outputs])
            np.save(folder / f"{name}-{delegate}-{which}.npy", every)
    parts = list(sets[0])
    for part in parts:
        np.save(folder / f"{name}-input-{part}.npy", np.stack([one[part] for one in sets]))
    facts[name] = {"inputs": parts, "outputs": len(outputs[0])}

network = network()
for mode in ("float32", "float16", "dynamic", "int8", "int8_float_io", "int16x8"):
    keep(mode, quantized(network, mode), [{"image": image} for image in images])

first = layers.Input(batch_shape=(1, 4), name="left")
second = layers.Input(batch_shape=(1, 6), name="right")
both = layers.Concatenate()([layers.Dense(3)(first), layers.Dense(5)(second)])
pair = tf.keras.Model([first, second], [layers.Dense(2)(both), layers.Dense(7)(both)])
keep("pair", quantized(pair, "float32"), [
    {"left": chance.normal(size=(1, 4)).astype(np.float32),
     "right": chance.normal(size=(1, 6)).astype(np.float32)} for _ in range(5)])

batch = tf.keras.Sequential([layers.Input((8,), name="rows"), layers.Dense(3, activation="relu")])
keep("dynamic_batch", quantized(batch, "float32"),
     [{"rows": chance.normal(size=(3, 8)).astype(np.float32)} for _ in range(4)],
     shapes={"rows": (3, 8)})

@tf.function(input_signature=[tf.TensorSpec((1, 4), tf.float32, name="start")])
def loop(start):
    return tf.while_loop(
        lambda i, x: i < 5, lambda i, x: (i + 1, x * 0.5 + 1.0), [tf.constant(0), start])[1]
converter = tf.lite.TFLiteConverter.from_concrete_functions([loop.get_concrete_function()])
keep("loop", converter.convert(),
     [{"start": chance.normal(size=(1, 4)).astype(np.float32)} for _ in range(4)])

class Two(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((1, 4), tf.float32)])
    def double(self, x):
        return {"y": x * 2.0}

    @tf.function(input_signature=[tf.TensorSpec((1, 3), tf.float32)])
    def triple(self, x):
        return {"y": x * 3.0}

two = Two()
signatures = {"double": two.double, "triple": two.triple}
tf.saved_model.save(two, str(folder / "two"), signatures=signatures)
content = tf.lite.TFLiteConverter.from_saved_model(
    str(folder / "two"), signature_keys=["double", "triple"]).convert()
for name, size in (("double", 4), ("triple", 3)):
    keep(name, content, [{"x": chance.normal(size=(1, size)).astype(np.float32)} for _ in range(3)],
         signature=name)
(folder / "facts.json").write_text(json.dumps(facts))
"""

QUANTIZED = ("float32", "float16", "dynamic", "int8", "int8_float_io", "int16x8")


@dataclass(frozen=True)
class Animal:
    """One model.

    Attributes:
        inputs: part of an input's name -> values, shape (sets, *the input's shape).
        outputs: delegate -> TensorFlow's outputs, each of shape (sets, *the output's shape).
    """

    path: Path
    inputs: dict[str, np.ndarray]  # type: ignore[type-arg]
    outputs: dict[str, list[np.ndarray]]  # type: ignore[type-arg]

    def sets(self, names: list[str]) -> bytes:
        """All sets of inputs, end to end, in the order of the inputs' full names."""
        values = [
            next(values for part, values in self.inputs.items() if part in name or len(names) == 1)
            for name in names
        ]
        count = len(values[0])
        return b"".join(one[i].tobytes() for i in range(count) for one in values)


def make_zoo(folder: Path) -> dict[str, Animal]:
    """Makes all of them in a process of its own, where TensorFlow is."""
    done = subprocess.run(
        [sys.executable, "-c", _MAKE, str(folder)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    facts = json.loads((folder / "facts.json").read_text())
    return {
        name: Animal(
            path=folder / f"{name}.tflite",
            inputs={part: np.load(folder / f"{name}-input-{part}.npy") for part in fact["inputs"]},
            outputs={
                delegate: [
                    np.load(folder / f"{name}-{delegate}-{i}.npy") for i in range(fact["outputs"])
                ]
                for delegate in ("none", "xnnpack")
            },
        )
        for name, fact in facts.items()
    }
