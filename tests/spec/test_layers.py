"""The names of layers, held against those of the installed Keras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from runner.spec.architectures import ARCHITECTURES
from runner.spec.layers import layer_names
from tests.spec.make_layer_names import encode, merge
from tests.spec.probing import ask_keras

# The smallest of each family, whose code the others share; `make check-architectures` does them.
SMALL = (
    *("MobileNet", "MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "EfficientNetV2B0"),
    *("ConvNeXtTiny", "ResNet50", "ResNet50V2", "DenseNet121", "InceptionV3", "Xception"),
    *("NASNetMobile", "VGG16"),
)
# One of each family is enough, since a family shares the code that ImageNet weights change.
WITH_IMAGENET = ("EfficientNetB0", "EfficientNetV2B0", "MobileNetV3Small", "ConvNeXtTiny")
# Fine enough to have every set of names.
GRID = [count / 200 for count in range(1, 2001)]
WIDTHS = [*(count / 20 for count in range(2, 41)), 1 / 3, 0.559375, 0.5586, 0.123, 0.9375, 1.999]
# Where names tell the rule of rounding from its neighbours: another limit than a tenth, halves that
# are rounded down, whole numbers before or after.
CRITICAL = {
    "MobileNet": (1 / 32,),
    "MobileNetV2": (0.0279, 0.276, 0.279),
    "MobileNetV3Small": (0.184, 0.186, 0.918),
    "MobileNetV3Large": (0.0787, 0.0797, 1.1248),
}


class Case(NamedTuple):
    """One way to build a network."""

    name: str
    arguments: dict[str, Any]
    size: int = 0

    def expected(self) -> tuple[str, ...]:
        """What our own table says."""
        options = dict(self.arguments)
        alpha, weights = options.pop("alpha", None), options.pop("weights", "none")
        return layer_names(self.name, alpha=alpha, weights=weights, options=options)

    def question(self) -> tuple[str, int, dict[str, Any]]:
        size = self.size or ARCHITECTURES[self.name].smallest_size
        return self.name, size, self.arguments


def choices(name: str) -> list[dict[str, Any]]:
    """No option, and each one that is not its default."""
    options = ARCHITECTURES[name].options
    return [{}, *({one.name: one.is_switch or 2} for one in options)]


def quick_cases() -> Iterator[Case]:
    """The smallest networks, and every set of names that widths and options give them."""
    for name in SMALL:
        one = ARCHITECTURES[name]
        yield Case(name, {})
        for chosen in choices(name) if one.has_alpha else []:
            seen: dict[tuple[str, ...], list[float]] = {}
            for alpha in GRID:
                if alpha >= (one.smallest_alpha or 0):
                    names = Case(name, {"alpha": alpha, **chosen}).expected()
                    seen.setdefault(names, []).append(alpha)
            if not chosen:
                yield from (Case(name, {"alpha": alpha}) for alpha in CRITICAL[name])
            for alphas in seen.values():
                # 10 is slow to build, and 2 gives the same names.
                for alpha in {min(alphas), min(2.0, max(alphas))} if not chosen else alphas[:1]:
                    yield Case(name, {"alpha": alpha, **chosen})
    yield from (Case(name, {"weights": "imagenet"}) for name in WITH_IMAGENET)


def further_cases() -> Iterator[Case]:
    for name, one in ARCHITECTURES.items():
        yield Case(name, {})
        yield Case(name, {"weights": "imagenet"})
        yield Case(name, {}, size=one.smallest_size + 33)
        for chosen in choices(name) if one.has_alpha else []:
            for alpha in (*WIDTHS, *CRITICAL[name]):
                yield Case(name, {"alpha": alpha, **chosen})


def compare(cases: list[Case]) -> None:
    built = ask_keras(build=[case.question() for case in cases])["built"]
    assert len(built) == len(cases)
    for case, seen in zip(cases, built, strict=True):
        assert list(case.expected()) == seen["names"], case
        one = ARCHITECTURES[case.name]
        if not case.arguments:
            assert (one.layers, one.parameters) == (len(seen["names"]), seen["parameters"]), case
        assert len(seen["names"]) <= one.most_layers, case


@pytest.mark.acceptance
def test_names_layers_and_parameters_are_those_of_keras() -> None:
    compare(list(quick_cases()))


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_names_are_those_of_keras_for_every_network_and_width() -> None:
    compare(list(further_cases()))


@pytest.mark.fast
def test_a_name_occurs_once() -> None:
    for name in ARCHITECTURES:
        for chosen in choices(name):
            names = layer_names(name, weights="imagenet", options=chosen)
            assert len(set(names)) == len(names) > 10, name
            assert names[0] == "input_layer"


@pytest.mark.fast
def test_layers_are_as_many_as_the_table_says() -> None:
    for name, one in ARCHITECTURES.items():
        assert len(layer_names(name)) == one.layers, name
        widths = GRID if one.has_alpha else [1.0]
        most = max(
            len(layer_names(name, alpha=alpha, weights=weights))
            for alpha in widths
            for weights in ("none", "imagenet")
        )
        assert most == one.most_layers, name


@pytest.mark.fast
def test_options_and_weights_decide_which_layers_are_there() -> None:
    plain = layer_names("MobileNetV3Small", alpha=1.0)
    small = layer_names("MobileNetV3Small", alpha=1.0, options={"minimalistic": True})
    assert any("squeeze" in name for name in plain)
    assert not any("squeeze" in name for name in small)
    assert layer_names("MobileNetV3Small", options={"minimalistic": False}) == plain
    with_weights = layer_names("EfficientNetB0", weights="imagenet")
    assert set(with_weights) - set(layer_names("EfficientNetB0")) == {"rescaling_1"}
    assert layer_names("EfficientNetB0", weights="a/file.h5") == layer_names("EfficientNetB0")


@pytest.mark.fast
def test_a_network_without_names_is_an_error() -> None:
    with pytest.raises(KeyError):
        layer_names("AlexNet")


@pytest.mark.fast
def test_what_the_generator_writes_reads_as_what_it_was_given() -> None:
    from runner.spec.layers import decode_names

    networks = {
        "one": ["input_layer", "block1_a", "block1_b", "block2_a", "block2_b", "conv2d_3", "end"],
        "two": ["block7c_x", "block7d_x", "block1_a", "block1_b"],
    }
    content = encode(networks)
    assert content["patterns"]
    for key, names in networks.items():
        assert list(decode_names(content["networks"][key], content["patterns"])) == names


@pytest.mark.fast
def test_merging_keeps_both_orders() -> None:
    assert merge(["a", "b", "d"], ["a", "b", "c", "d", "e"]) == ["a", "b", "c", "d", "e"]
    assert merge(["a", "x", "b"], ["a", "b"]) == ["a", "x", "b"]
