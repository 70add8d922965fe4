"""Every network of the table is built, trained for a step and converted; an hour on two cores.

`make check-architectures` runs it. What was seen is in docs/architectures.md.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.spec.architectures import ARCHITECTURES
from tests.build.conftest import Bench, head, train_params
from tests.build.test_convert import scores_of

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("ignore"),
]

IMAGES = 4
# float32 of these makes files of a gigabyte.
HUGE = 100_000_000
CASES = [(name, {}) for name in ARCHITECTURES] + [
    (one.name, {option.name: option.is_switch or 2})
    for one in ARCHITECTURES.values()
    for option in one.options
]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_it_trains_a_step_and_converts_to_built_in_operations(
    bench: Bench, tensorflow: Any, tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    train_and_convert(bench, tensorflow, tmp_path, name, options)


def train_and_convert(
    bench: Bench, tensorflow: Any, tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    """Trains a network for a step and converts it; the ordinary tests do it with a small one."""
    one = ARCHITECTURES[name]
    data = make_images(tmp_path / "data", one.smallest_size)
    base = {
        "architecture": name,
        "alpha": 1.0 if one.has_alpha else None,
        **options,
        # One step has to bring the moving averages near, or answers are chaotic: see the page.
        "batch_norm_momentum": 0.1,
    }
    params = train_params(
        epochs=1, rate=1e-4, base=base, head=head("global_average_pooling", "classifier")
    )
    params |= {"scaling": one.scaling}
    params["train"]["optimizer"] = {"name": "sgd", "options": {"learning_rate": 1e-4}}
    trained, summary = run(bench, "train", params, data=data)
    # The base, its pooling and its classifier.
    if not options:
        assert summary["layers"] == one.layers + 2
    for mode in ("dynamic",) if one.parameters > HUGE else ("float32", "dynamic"):
        convert = {"quantize": {"mode": mode}, "scaling": one.scaling}
        folder, facts = run(bench, "convert", convert, data=data, source=trained)
        assert not any("Flex" in kind or "CUSTOM" in kind for kind in facts["operators"])
        if mode == "float32":
            content = (folder / "model.tflite").read_bytes()
            scores = scores_of(tensorflow, content, np.load(data / "test_images.npy"), one.scaling)
            expected = np.load(trained / "test_scores.npy")
            assert np.abs(scores - expected).max() < 1e-3
        shutil.rmtree(folder)
    shutil.rmtree(trained)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_features_are_shared_where_every_epoch_and_batch_gives_the_same_bits(
    tensorflow: Any, name: str
) -> None:
    import keras

    model, images = make_network(name)
    model.trainable = False
    whole = np.asarray(model(images, training=False))
    parts = [np.asarray(model(images[some : some + 3], training=True)) for some in range(0, 8, 3)]
    is_same = bool((np.concatenate(parts) == whole).all())
    assert is_same or not ARCHITECTURES[name].is_steady
    is_random = any(hasattr(layer, "seed_generator") for layer in model.layers)
    assert not (is_random and ARCHITECTURES[name].is_steady)
    keras.backend.clear_session()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_can_be_compressed_where_a_spec_may_ask_for_it(tensorflow: Any, name: str) -> None:
    import keras

    from runner.build.failures import StageFailure
    from runner.build.twins import make_twin

    model, _ = make_network(name)
    try:
        make_twin(model)
        has_twin = True
    except StageFailure:
        has_twin = False
    assert has_twin == ARCHITECTURES[name].has_twin({})
    keras.backend.clear_session()


@pytest.mark.parametrize("name", [one.name for one in ARCHITECTURES.values() if one.has_twin({})])
def test_it_is_quantization_aware_in_whole_where_a_spec_may_ask_for_it(
    tensorflow: Any, name: str
) -> None:
    import keras

    from runner.build.compression import quantization_aware
    from runner.build.failures import StageFailure
    from runner.build.twins import make_twin

    model, _ = make_network(name)
    try:
        quantization_aware(make_twin(model), {}, {}, lambda *_: None)
        is_taken = True
    except StageFailure:
        is_taken = False
    assert is_taken == ARCHITECTURES[name].is_wholly_aware
    keras.backend.clear_session()


def make_network(name: str) -> tuple[Any, np.ndarray]:
    """A network without its top, ending in a vector, and eight images for it."""
    import keras

    one = ARCHITECTURES[name]
    keras.utils.set_random_seed(1)
    shape = (max(64, one.smallest_size),) * 2 + (3,)
    base = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=shape)
    pooled = keras.layers.GlobalAveragePooling2D()(base.output)
    images = np.random.default_rng(0).uniform(-1, 1, (8, *shape)).astype(np.float32)
    return keras.Model(base.input, pooled), images


def run(bench: Bench, stage: str, params: Any, **inputs: Path) -> tuple[Path, dict[str, Any]]:
    """As `Bench.run`, which would lose its patience with the largest."""
    request = bench.request(stage, params, **inputs)
    outcome = bench.executor.submit(request, lambda progress: None).result(timeout=1800)
    return request.output, dict(outcome.summary)


def make_images(folder: Path, size: int) -> Path:
    folder.mkdir()
    generator = np.random.default_rng(0)
    for split in ("train", "test"):
        images = generator.integers(0, 256, (IMAGES, size, size, 3), np.uint8)
        np.save(folder / f"{split}_images.npy", images)
        np.save(folder / f"{split}_labels.npy", np.arange(IMAGES) % 3)
    (folder / "classes.json").write_text(json.dumps(["a", "b", "c"]))
    return folder
