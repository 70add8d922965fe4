"""Training in 16 bits: the loss is scaled, and nothing of it is left in what comes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.build.conftest import EPOCHS, SCALING, Bench, model_params, train_params
from tests.build.test_convert import TOLERANCE, distance, scores_of

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]

PRECISIONS = ("mixed_float16", "mixed_bfloat16")


@pytest.fixture(scope="module", params=PRECISIONS)
def mixed(
    request: pytest.FixtureRequest, bench: Bench, small_data: Path
) -> tuple[Path, dict[str, Any]]:
    base = {"architecture": "MobileNet", "alpha": 0.25, "batch_norm_momentum": 0.7}
    recipe = {"precision": request.param}
    params = train_params(epochs=EPOCHS, rate=3e-3, base=base, train=recipe)
    return bench.run("train", params, data=small_data)


def test_a_network_trained_in_16_bits_learns_and_is_float32_afterwards(
    mixed: tuple[Path, dict[str, Any]], tensorflow: Any
) -> None:
    import keras

    folder, summary = mixed
    history = json.loads((folder / "history.json").read_text())
    assert history["accuracy"][-1] > 0.7 > 2 * history["accuracy"][0]
    model = keras.models.load_model(folder / "model.keras")
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert {one.dtype for one in model.variables} == {"float32"}
    assert summary["parameters"] == model.count_params()


def test_the_converted_model_answers_as_keras_does_and_has_no_16_bit_tensor(
    mixed: tuple[Path, dict[str, Any]],
    bench: Bench,
    small_data: Path,
    tensorflow: Any,
) -> None:
    from tensorflow.lite.tools import flatbuffer_utils

    params = {"quantize": {"mode": "float32"}, "scaling": SCALING}
    converted = bench.run("convert", params, source=mixed[0])[0] / "model.tflite"
    content = converted.read_bytes()
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    types = {flatbuffer_utils.type_to_name(one.type) for one in model.subgraphs[0].tensors}
    assert types <= {"FLOAT32", "INT32"}
    expected = np.load(mixed[0] / "test_scores.npy")
    scores = scores_of(tensorflow, content, np.load(small_data / "test_images.npy"))
    assert distance(scores, expected) <= TOLERANCE["float32"]
    assert distance(scores, np.roll(expected, 1, axis=0)) > 0.5


@pytest.mark.parametrize("precision", ["float32", *PRECISIONS])
def test_the_loss_is_scaled_for_float16_alone_and_what_is_asked_is_over_with_the_network(
    tensorflow: Any, precision: str
) -> None:
    import keras

    from runner.build.architecture import build_model
    from runner.build.precision import layers_in

    with layers_in(precision):
        model = build_model(model_params(), (32, 32), 10)
    assert keras.config.dtype_policy().name == "float32"
    model.compile("adam", "sparse_categorical_crossentropy")
    is_scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert is_scaled == (precision == "mixed_float16")
    assert model.get_layer("Conv1").compute_dtype == precision.removeprefix("mixed_")
    # Scores and losses are in float32 in any case, and so are variables.
    assert model.get_layer("classifier").compute_dtype == "float32"
    assert {one.dtype for one in model.trainable_variables} == {"float32"}


def test_a_training_in_16_bits_that_was_killed_goes_on_to_the_same_bits(
    tensorflow: Any, small_data: Path, tmp_path: Path
) -> None:
    from runner.build.protocol import Progress
    from runner.build.train import train_model

    base = {"architecture": "MobileNet", "alpha": 0.25}
    params = train_params(
        epochs=2, base=base, trainable=("none", None), train={"precision": "mixed_float16"}
    )

    class PowerLostError(Exception):
        pass

    def kill(progress: Progress) -> None:
        if progress.done > 1.2:
            raise PowerLostError

    def scores(name: str, scratch: Path | None) -> np.ndarray:
        (tmp_path / name).mkdir()
        train_model(params, small_data, tmp_path / name, lambda progress: None, scratch)
        return np.load(tmp_path / name / "test_scores.npy")

    (tmp_path / "killed").mkdir()
    with pytest.raises(PowerLostError):
        train_model(params, small_data, tmp_path / "killed", kill, tmp_path / "scratch")
    assert (scores("resumed", tmp_path / "scratch") == scores("whole", None)).all()
