"""One worker and one small training for all tests of this room."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.build.executor import LocalExecutor
from runner.build.protocol import Progress, StageRequest
from runner.build.sources.digits import load_digits
from runner.spec.architectures import Scaling
from tests.file_systems import mounted

THREADS = 2
SCALING: Scaling = "minus_one_to_one"
TRAIN_IMAGES, TEST_IMAGES = 96, 32
EPOCHS = 16


def head(*layers: str | tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Layers of a head as the plan gives them."""
    pairs = [(layer, {}) if isinstance(layer, str) else layer for layer in layers]
    own = {
        "classifier": {"activation": "softmax", "use_bias": True},
        "conv": {"padding": "same"},
    }
    return [{"kind": kind, "options": own.get(kind, {}) | options} for kind, options in pairs]


def model_params(**changes: Any) -> dict[str, Any]:
    """A small MobileNetV2; changes to its parts by their names."""
    base = {
        "architecture": "MobileNetV2",
        "alpha": 0.35,
        "weights": "none",
        "batch_norm_momentum": 0.9,
    }
    return {
        "base": base | changes.pop("base", {}),
        "head": changes.pop("head", head("global_average_pooling", "classifier")),
        "trainable": dict(zip(("policy", "argument"), changes.pop("trainable"), strict=True))
        if "trainable" in changes
        else {"policy": "all", "argument": None},
        "freeze_batch_norm": changes.pop("freeze_batch_norm", False),
    }


def recipe(*, epochs: int = 2, rate: float = 1e-3, **changes: Any) -> dict[str, Any]:
    """How to train, as the plan gives it; changes to its parts by their names."""
    return {
        "epochs": epochs,
        "batch_size": 32,
        "optimizer": {"name": "adam", "options": {"learning_rate": rate}},
        "loss": {"name": "cross_entropy", "options": {"label_smoothing": 0.0}},
        "phases": [],
        "augment": [],
        "validation_fraction": 0,
        "early_stopping": None,
        "precision": "float32",
        "class_weights": "none",
        "seed": 1,
    } | changes


def train_params(
    *,
    epochs: int = 2,
    rate: float = 1e-3,
    train: dict[str, Any] | None = None,
    **model: Any,
) -> dict[str, Any]:
    """A small training."""
    return {
        "model": model_params(**model),
        "train": recipe(epochs=epochs, rate=rate, **train or {}),
        "scaling": SCALING,
    }


def data_params(kind: str = "digits", **options: Any) -> dict[str, Any]:
    """A data set as the plan gives it; `own` are options of the source whose
    names the rest has too."""
    rest = {
        "image_size": [16, 24],
        "seed": 7,
        "test_fraction": 0.25,
        "limit": None,
        "corrupt_limit": 0.0,
    }
    changes = {name: options.pop(name) for name in list(options) if name in rest}
    options |= options.pop("own", {})
    return {"source": {"kind": kind, "options": options}, **rest, **changes}


def make_small_data(folder: Path) -> Path:
    """An artifact of the data stage: digits at 32x32, few of them; written without TensorFlow."""
    folder.mkdir(parents=True)
    images, labels = load_digits()
    large = np.repeat(np.kron(images, np.ones((1, 4, 4), np.uint8))[..., None], 3, axis=3)
    for name, part in (
        ("train", slice(0, TRAIN_IMAGES)),
        ("test", slice(TRAIN_IMAGES, TRAIN_IMAGES + TEST_IMAGES)),
    ):
        np.save(folder / f"{name}_images.npy", large[part])
        np.save(folder / f"{name}_labels.npy", labels[part])
    (folder / "classes.json").write_text(json.dumps([str(digit) for digit in range(10)]))
    return folder


@dataclass
class Bench:
    """An executor and a place for what its stages make."""

    executor: LocalExecutor
    root: Path
    events: list[Progress] = field(default_factory=list)

    def run(
        self, stage: str, params: dict[str, Any], *, output: Path | None = None, **inputs: Path
    ) -> tuple[Path, dict[str, Any]]:
        """Runs a stage to its end: its folder and its summary."""
        request = self.request(stage, params, output=output, **inputs)
        self.events.clear()
        outcome = self.executor.submit(request, self.events.append).result(timeout=120)
        return request.output, dict(outcome.summary)

    def request(
        self, stage: str, params: dict[str, Any], *, output: Path | None = None, **inputs: Path
    ) -> StageRequest:
        """A request with a folder of its own."""
        if output is None:
            output = self.root / f"{stage}-{len(list(self.root.iterdir()))}"
            output.mkdir()
        return StageRequest(stage, output.name.ljust(16, "0"), params, inputs, output)


@pytest.fixture(scope="session")
def make_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Bench]]:
    """Benches with one worker each, closed at the end."""
    made: list[Bench] = []

    def make() -> Bench:
        root = tmp_path_factory.mktemp("bench")
        bench = Bench(LocalExecutor(1, root / "logs", threads=THREADS), root)
        made.append(bench)
        return bench

    yield make
    for bench in made:
        bench.executor.close()


@pytest.fixture(scope="session")
def bench(make_bench: Callable[[], Bench]) -> Bench:
    """The bench whose worker most tests share."""
    return make_bench()


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_small_data(tmp_path_factory.mktemp("small") / "data")


@dataclass(frozen=True)
class Trained:
    """A training that was done in a worker."""

    folder: Path
    params: dict[str, Any]
    summary: dict[str, Any]
    events: list[Progress]


@pytest.fixture(scope="session")
def trained(bench: Bench, small_data: Path) -> Trained:
    # The smallest network that has every kind of layer, trained until its answers differ from image
    # to image: else nothing could be told from them.
    base = {"architecture": "MobileNet", "alpha": 0.25, "batch_norm_momentum": 0.7}
    params = train_params(epochs=EPOCHS, rate=3e-3, base=base)
    folder, summary = bench.run("train", params, data=small_data)
    return Trained(folder, params, summary, list(bench.events))


@pytest.fixture(autouse=True)
def _configured(request: pytest.FixtureRequest) -> None:
    """What a process has computed first decides how many threads it has ever after."""
    if request.node.get_closest_marker("acceptance"):
        request.getfixturevalue("tensorflow")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    mount = tmp_path / "small"
    with mounted(mount, "size=64k") as is_there:
        if not is_there:
            pytest.skip("mounting a small file system needs root")
        yield mount
