"""The table of architectures, held against itself and against the installed Keras."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.spec.architectures import ARCHITECTURES
from runner.spec.schema import fields, spec_schema
from runner.spec.sources import SOURCES

PROBE = Path(__file__).with_name("keras_probe.py")


@pytest.mark.fast
def test_table_is_consistent() -> None:
    for name, one in ARCHITECTURES.items():
        assert one.name == name
        assert one.layers <= one.most_layers
        assert one.has_alpha == bool(one.imagenet_alphas)
        assert one.imagenet_alphas == tuple(sorted(one.imagenet_alphas))
        assert not one.has_alpha or 1.0 in one.imagenet_alphas


@pytest.mark.fast
def test_digits_are_as_many_as_the_file_holds() -> None:
    numpy = pytest.importorskip("numpy")
    file = Path(__file__).parents[2] / "runner" / "build" / "digits.npz"
    with numpy.load(file) as arrays:
        labels = arrays["labels"]
    digits = SOURCES["digits"]
    assert len(labels) == digits.images
    assert len(set(labels.tolist())) == digits.classes


@pytest.mark.fast
@pytest.mark.parametrize("test_fraction", [0.01, 0.2, 0.25, 0.9])
def test_every_image_is_in_one_of_both_parts(test_fraction: float) -> None:
    digits = SOURCES["digits"]
    parts = (digits.training_images(test_fraction), digits.test_images(test_fraction))
    assert sum(parts) == digits.images
    assert min(parts) > 0


@pytest.fixture(scope="module", name="seen")
def _seen() -> dict[str, Any]:
    """What the installed Keras does, seen in a process of its own."""
    defined = spec_schema()["$defs"]
    question = {
        "architectures": {name: dataclasses.asdict(one) for name, one in ARCHITECTURES.items()},
        "activations": defined["activation"]["enum"],
        "optimizers": list(fields(defined["optimizer"])),
    }
    finished = subprocess.run(
        [sys.executable, str(PROBE)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
    )
    assert finished.returncode == 0, finished.stderr[-4000:]
    answer: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return answer


@pytest.mark.acceptance
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architecture_is_what_keras_has(name: str, seen: dict[str, Any]) -> None:
    table, keras = ARCHITECTURES[name], seen["architectures"][name]
    assert keras["has_alpha"] == table.has_alpha
    assert keras["white"] == (1.0 if table.scaling == "minus_one_to_one" else 255.0)
    assert keras["layers"] == table.layers
    assert keras["most_layers"] == table.most_layers
    assert keras["refuses_smaller"]
    assert keras["imagenet_sizes"] == list(table.imagenet_sizes)
    if table.has_alpha:
        assert keras["imagenet_alphas"] == list(table.imagenet_alphas)
        assert keras["further_alphas"] == []


@pytest.mark.acceptance
def test_width_below_the_smallest_is_refused(seen: dict[str, Any]) -> None:
    assert seen["architectures"]["MobileNet"]["refuses_narrower"]
    for name in ("MobileNetV2", "MobileNetV3Small", "MobileNetV3Large"):
        assert not seen["architectures"][name]["refuses_narrower"]


@pytest.mark.acceptance
def test_words_are_known_to_keras(seen: dict[str, Any]) -> None:
    assert seen["unknown_activations"] == []


@pytest.mark.acceptance
def test_defaults_of_optimizers_are_those_of_keras(seen: dict[str, Any]) -> None:
    for name, schema in fields(spec_schema()["$defs"]["optimizer"]).items():
        for option, field in fields(schema).items():
            assert seen["optimizers"][name][option] == pytest.approx(field["default"]), option
