"""What the harness computes is what TensorFlow's own interpreter computes from the same file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from runner.timing import native
from runner.timing.libraries import find_tflite

# A network with the layers that matter, in float and in int8, and TensorFlow's own outputs for it.
_MAKE = """
import sys
from pathlib import Path
import numpy as np
import tensorflow as tf

layers = tf.keras.layers
folder = Path(sys.argv[1])
tf.keras.utils.set_random_seed(3)
taken = layers.Input(batch_shape=(1, 16, 16, 3))
given = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(taken)
given = layers.DepthwiseConv2D(3, padding="same", activation="relu6")(given)
given = layers.Conv2D(16, 1)(given)
given = layers.GlobalAveragePooling2D()(given)
model = tf.keras.Model(taken, layers.Dense(10, activation="softmax")(given))
chance = np.random.default_rng(5)
images = chance.normal(size=(8, 1, 16, 16, 3)).astype(np.float32)

def convert(name):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if name == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image] for image in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
    return converter.convert()

resolvers = tf.lite.experimental.OpResolverType
kinds = {"none": resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES, "xnnpack": resolvers.AUTO}
for name in ("float32", "int8"):
    content = convert(name)
    (folder / f"{name}.tflite").write_bytes(content)
    for delegate, resolver in kinds.items():
        interpreter = tf.lite.Interpreter(
            model_content=content, num_threads=1, experimental_op_resolver_type=resolver
        )
        interpreter.allocate_tensors()
        source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        inputs = images
        if name == "int8":
            scale, zero = source["quantization"]
            inputs = np.clip(np.round(images / scale) + zero, -128, 127).astype(np.int8)
        outputs = []
        for image in inputs:
            interpreter.set_tensor(source["index"], image)
            interpreter.invoke()
            outputs.append(interpreter.get_tensor(target["index"]).copy())
        np.save(folder / f"{name}-inputs.npy", inputs)
        np.save(folder / f"{name}-{delegate}.npy", np.stack(outputs))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models, inputs and TensorFlow's outputs, made in a process of their own."""
    made = tmp_path_factory.mktemp("agreement")
    subprocess.run(
        [sys.executable, "-c", _MAKE, str(made)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        check=True,
        capture_output=True,
    )
    return made


@pytest.fixture(scope="module")
def library() -> Iterator[native.Library]:
    with native.Library.open(find_tflite(None).path) as opened:
        yield opened


def outputs_of(
    library: native.Library, folder: Path, name: str, delegate: str
) -> tuple[native.Session, NDArray[Any], NDArray[Any]]:
    """A session that is open, its outputs for all inputs, and TensorFlow's."""
    model = native.place((folder / f"{name}.tflite").read_bytes(), 128)
    session = library.session(model, delegate=delegate, threads=1, count_nodes=True)
    inputs = np.load(folder / f"{name}-inputs.npy")
    expected = np.load(folder / f"{name}-{delegate}.npy")
    given = session.map(inputs.tobytes(), len(inputs))
    return session, np.frombuffer(given, expected.dtype).reshape(expected.shape), expected


@pytest.mark.parametrize("delegate", ["none", "xnnpack"])
def test_float_outputs_agree_with_tensorflow(
    library: native.Library, folder: Path, delegate: str
) -> None:
    session, given, expected = outputs_of(library, folder, "float32", delegate)
    with session:
        np.testing.assert_allclose(given, expected, atol=1e-5, rtol=0)
        assert np.ptp(given) > 0.01


@pytest.mark.parametrize("delegate", ["none", "xnnpack"])
def test_int8_outputs_are_tensorflows_to_the_bit(
    library: native.Library, folder: Path, delegate: str
) -> None:
    session, given, expected = outputs_of(library, folder, "int8", delegate)
    with session:
        np.testing.assert_array_equal(given, expected)
        assert np.ptp(given.astype(int)) > 2
        (taken,), (result,) = session.inputs, session.outputs
        assert (taken.type_name, result.type_name) == ("int8", "int8")
        assert taken.scale > 0
        assert result.scale == pytest.approx(1 / 256)
        assert result.zero_point == -128


@pytest.mark.parametrize("name", ["float32", "int8"])
def test_the_delegate_takes_the_network(library: native.Library, folder: Path, name: str) -> None:
    session, _, _ = outputs_of(library, folder, name, "xnnpack")
    with session:
        assert session.nodes.nodes is not None
        assert session.nodes.delegated is not None
        assert 0 < session.nodes.delegated <= session.nodes.nodes
        assert session.nodes.partitions


@pytest.mark.parametrize("name", ["float32", "int8"])
def test_a_thousand_inferences_give_one_output(
    library: native.Library, folder: Path, name: str
) -> None:
    image = np.load(folder / f"{name}-inputs.npy")[0].tobytes()
    model = (folder / f"{name}.tflite").read_bytes()
    for delegate in ("none", "xnnpack"):
        with library.session(model, delegate=delegate, threads=1) as session:
            session.write(0, image)
            session.warm_up(1, 0)
            first = session.read(0)
            session.warm_up(1000, 0)
            assert session.read(0) == first
            assert bytes(session.map(image, 1)) == first
