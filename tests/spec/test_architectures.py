"""The table of architectures, held against itself and against the installed Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from runner.scaling import scale
from runner.spec.architectures import ARCHITECTURES, REFUSED, Scaling
from runner.spec.schema import fields, spec_schema
from runner.spec.sources import SOURCES
from tests.spec.probing import PIXEL, ask_keras
from tests.spec.test_layers import SMALL, choices

# The smallest of each family always, the others when all are asked for.
NAMES = [
    name if name in SMALL else pytest.param(name, marks=pytest.mark.exhaustive)
    for name in ARCHITECTURES
]

# What the top or the caller's own tensors need, and preprocessing, which is always inside where a
# network has it: see docs/architectures.md.
NOT_OFFERED = {
    "classes",
    "classifier_activation",
    "dropout",
    "dropout_rate",
    "include_preprocessing",
    "include_top",
    "input_shape",
    "input_tensor",
    "name",
    "pooling",
    "weights",
}


@pytest.mark.fast
def test_table_is_consistent() -> None:
    for name, one in ARCHITECTURES.items():
        assert one.name == name
        assert one.layers <= one.most_layers
        assert one.scaling in get_args(Scaling)
        assert one.has_alpha or not one.options
        assert one.has_alpha == bool(one.imagenet_alphas)
        assert one.imagenet_alphas == tuple(sorted(one.imagenet_alphas))
        assert not one.has_alpha or 1.0 in one.imagenet_alphas


@pytest.mark.fast
def test_digits_are_as_many_as_the_file_holds() -> None:
    file = Path(__file__).parents[2] / "runner" / "build" / "digits.npz"
    with np.load(file) as arrays:
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
def _seen(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the installed Keras does, seen in a process of its own."""
    is_in_full = any(item.get_closest_marker("exhaustive") for item in request.session.items)
    defined = spec_schema()["$defs"]
    return ask_keras(
        architectures={
            name: {
                "smallest_size": one.smallest_size,
                "smallest_alpha": one.smallest_alpha,
                "alphas": one.imagenet_alphas,
                "imagenet_sizes": one.imagenet_sizes,
                "choices": choices(name)[1:],
            }
            for name, one in ARCHITECTURES.items()
            if is_in_full or name in SMALL or one.options
        },
        activations=defined["activation"]["enum"],
        optimizers=list(fields(defined["optimizer"])),
    )


@pytest.mark.acceptance
def test_tables_have_all_that_keras_has(seen: dict[str, Any]) -> None:
    assert sorted(seen["networks"]) == sorted([*ARCHITECTURES, *REFUSED])


@pytest.mark.acceptance
@pytest.mark.parametrize("name", NAMES)
def test_architecture_is_what_keras_has(name: str, seen: dict[str, Any]) -> None:
    table, keras = ARCHITECTURES[name], seen["architectures"][name]
    pixel = np.array(PIXEL, np.float32)
    assert np.array_equal(scale(pixel, table.scaling), np.array(keras["pixel"], np.float32))
    assert keras["refuses_smaller"]
    assert keras["imagenet_sizes"] == list(table.imagenet_sizes)
    if table.has_alpha:
        assert keras["imagenet_alphas"] == list(table.imagenet_alphas)
        assert keras["further_alphas"] == []


@pytest.mark.acceptance
@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_those_of_keras(name: str, seen: dict[str, Any]) -> None:
    one = ARCHITECTURES[name]
    ours = {option.name: repr(option.default) for option in one.options}
    if one.has_alpha:
        ours["alpha"] = "1.0"
    theirs = seen["architectures"][name]["arguments"]
    assert {key: value for key, value in theirs.items() if key not in NOT_OFFERED} == ours


@pytest.mark.acceptance
@pytest.mark.parametrize("name", [name for name, one in ARCHITECTURES.items() if one.options])
def test_imagenet_weights_with_options_are_those_of_keras(name: str, seen: dict[str, Any]) -> None:
    found = seen["architectures"][name]["imagenet_with"]
    assert len(found) == len(ARCHITECTURES[name].options)
    assert ARCHITECTURES[name].imagenet_alphas_with({}) == ARCHITECTURES[name].imagenet_alphas
    for chosen, alphas in found:
        assert ARCHITECTURES[name].imagenet_alphas_with(chosen) == tuple(alphas), chosen


@pytest.mark.acceptance
def test_width_below_the_smallest_is_refused(seen: dict[str, Any]) -> None:
    limited = {name for name, one in ARCHITECTURES.items() if one.smallest_alpha}
    assert limited == {"MobileNet"}
    for name in limited:
        assert seen["architectures"][name]["refuses_narrower"]


@pytest.mark.acceptance
def test_words_are_known_to_keras(seen: dict[str, Any]) -> None:
    assert seen["unknown_activations"] == []


@pytest.mark.acceptance
def test_defaults_of_optimizers_are_those_of_keras(seen: dict[str, Any]) -> None:
    for name, schema in fields(spec_schema()["$defs"]["optimizer"]).items():
        for option, field in fields(schema).items():
            # What has no default here is off in Keras too.
            expected = pytest.approx(field["default"]) if "default" in field else None
            assert seen["optimizers"][name][option] == expected, f"{name}.{option}"
