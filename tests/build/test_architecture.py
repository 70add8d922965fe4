from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.build.failures import StageFailure
from runner.spec.layers import layer_names
from tests.build.conftest import Bench, head, model_params
from tests.build.test_every_architecture import train_and_convert

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]

SIZE, CLASSES = (32, 32), 10


@pytest.fixture
def build(tensorflow: Any) -> Any:
    from runner.build.architecture import build_model

    def build(**changes: Any) -> Any:
        import keras

        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        changes["base"] = {"architecture": "MobileNet", "alpha": 0.25} | changes.get("base", {})
        return build_model(model_params(**changes), SIZE, CLASSES)

    return build


@pytest.mark.parametrize(
    ("layers", "kinds"),
    [
        (("global_average_pooling",), ["GlobalAveragePooling2D"]),
        (("global_max_pooling",), ["GlobalMaxPooling2D"]),
        (("flatten",), ["Flatten"]),
        (
            (
                ("conv", {"filters": 4, "kernel_size": 3, "activation": "relu6"}),
                "batch_normalization",
                "flatten",
                ("dense", {"units": 5, "activation": "hard_swish", "use_bias": False}),
                ("dropout", {"rate": 0.5}),
            ),
            ["Conv2D", "BatchNormalization", "Flatten", "Dense", "Dropout"],
        ),
    ],
)
def test_a_head_has_its_layers_in_order_and_all_are_trained(
    build: Any, layers: Any, kinds: list[str]
) -> None:
    model = build(head=head(*layers, "classifier"), trainable=("none", None))
    added = model.layers[-len(kinds) - 1 :]
    assert [type(layer).__name__ for layer in added] == [*kinds, "Dense"]
    assert added[-1].name == "classifier"
    assert model.output_shape == (None, CLASSES)
    trained = {layer.name for layer in model.layers if layer.trainable_weights}
    assert trained == {layer.name for layer in added if layer.weights}
    scores = model(np.zeros((1, *SIZE, 3), np.float32)).numpy()
    assert scores.sum() == pytest.approx(1, abs=1e-5)


def test_the_options_of_a_layer_arrive(build: Any) -> None:
    layers = ("flatten", ("dense", {"units": 5, "activation": "tanh", "use_bias": False}))
    dense = build(head=head(*layers, "classifier")).layers[-2]
    assert (dense.units, dense.activation.__name__, dense.use_bias) == (5, "tanh", False)


@pytest.mark.parametrize(
    ("policy", "argument", "expected"),
    [
        ("none", None, lambda index, name: False),
        ("all", None, lambda index, name: True),
        ("last", 20, lambda index, name: index >= 86 - 20),
        ("from", "conv_pw_11", lambda index, name: index >= 70),
        ("match", "conv_pw_1[0-3].*", lambda index, name: name.startswith(_LAST_POINTWISE)),
    ],
)
def test_a_policy_trains_the_layers_it_names(
    build: Any, policy: str, argument: Any, expected: Callable[[int, str], bool]
) -> None:
    model = build(trainable=(policy, argument))
    base = model.layers[:-2]
    assert (len(base), base[70].name) == (86, "conv_pw_11")
    chosen = [layer.trainable for layer in base]
    assert chosen == [expected(index, layer.name) for index, layer in enumerate(base)]
    assert model.layers[-1].trainable
    expected_weights = sum(len(layer.trainable_weights) for layer in base if layer.trainable) + 2
    assert len(model.trainable_weights) == expected_weights


_LAST_POINTWISE = tuple(f"conv_pw_{number}" for number in range(10, 14))


@pytest.mark.parametrize(
    ("trainable", "words"),
    [(("from", "block_99"), "no layer 'block_99'"), (("match", "nothing"), "matches 'nothing'")],
)
def test_a_policy_that_names_nothing_is_refused(
    build: Any, trainable: tuple[str, str], words: str
) -> None:
    with pytest.raises(StageFailure, match=words) as caught:
        build(trainable=trainable)
    assert caught.value.kind == "bad_input"
    assert "conv_pw_13" in caught.value.remedy


def test_the_momentum_is_set_on_every_normalization_of_the_base_or_kept(build: Any) -> None:
    own = ("batch_normalization", {"momentum": 0.5})
    layers = head("global_average_pooling", own, "classifier")
    for given, expected in ((0.8, {0.8}), (None, {0.99})):
        model = build(head=layers, base={"batch_norm_momentum": given})
        *found, of_head = [one.momentum for one in model.layers if hasattr(one, "momentum")]
        assert set(found) == expected
        assert of_head == 0.5


def test_the_options_of_a_base_arrive(build: Any) -> None:
    plain = build()
    double = build(base={"depth_multiplier": 2})
    for name, factor in (("conv_dw_1", 2), ("conv_dw_13", 2), ("conv_pw_1", 1)):
        filters = [model.get_layer(name).output.shape[-1] for model in (plain, double)]
        assert filters[1] == factor * filters[0]


@pytest.mark.parametrize("name", ["MobileNetV3Small", "MobileNetV3Large"])
@pytest.mark.parametrize("options", [{"minimalistic": True}, {"minimalistic": False}, {}])
def test_the_layers_of_a_base_are_those_that_a_spec_is_checked_against(
    build: Any, name: str, options: dict[str, bool]
) -> None:
    base = {"architecture": name, "alpha": 0.75, **options}
    names = tuple(layer.name for layer in build(base=base).layers[:-2])
    assert names == layer_names(name, alpha=0.75, options=options)


def test_a_head_that_keeps_feature_maps_is_refused(build: Any) -> None:
    with pytest.raises(StageFailure, match="every place") as caught:
        build(head=head("classifier"))
    assert "global_average_pooling" in caught.value.remedy


def test_what_keras_refuses_is_said_in_its_words(build: Any) -> None:
    with pytest.raises(StageFailure) as caught:
        build(head=head("global_average_pooling", "flatten", "global_max_pooling", "classifier"))
    assert caught.value.kind == "bad_input"
    assert "ndim" in caught.value.why


@pytest.fixture
def make(tensorflow: Any) -> Any:
    """MobileNet 0.25 without its top and with random weights; changes to its arguments."""
    import keras

    def make(**changes: Any) -> Any:
        options = {"alpha": 0.25, "weights": None, "include_top": False}
        return keras.applications.MobileNet((*SIZE, 3), **options | changes)

    return make


@pytest.mark.parametrize("name", ["w.weights.h5", "w.h5", "w.keras"])
def test_weights_come_from_a_file(build: Any, make: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    base = make()
    base.save(path) if name in {"w.h5", "w.keras"} else base.save_weights(path)
    model = build(base={"weights": str(path)})
    filled = base.get_weights()
    assert len(model.weights) == len(filled) + 2
    for one, other in zip(model.get_weights(), filled, strict=False):
        assert (one == other).all()


def test_a_trained_model_serves_as_the_weights_of_its_base(build: Any, tmp_path: Path) -> None:
    source = build(head=head("global_average_pooling", ("dense", {"units": 7}), "classifier"))
    source.save(tmp_path / "model.keras")
    expected = source.get_layer("conv_pw_13").get_weights()[0]
    model = build(base={"weights": str(tmp_path / "model.keras")})
    assert (model.get_layer("conv_pw_13").get_weights()[0] == expected).all()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("other.weights.h5", "refused"), ("text.h5", "refused"), ("code.pkl", "bad_input")],
)
def test_weights_of_another_network_are_refused(
    build: Any, make: Any, tmp_path: Path, name: str, kind: str
) -> None:
    path = tmp_path / name
    if name == "other.weights.h5":
        make(alpha=0.5).save_weights(path)
    else:
        path.write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(StageFailure) as caught:
        build(base={"weights": str(path)})
    assert caught.value.kind == kind
    assert name in caught.value.what
    assert "save_weights" in caught.value.remedy


def test_imagenet_without_a_network_names_the_file_and_its_place(
    build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    # A folder of its own, and no network, wherever this test runs.
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    monkeypatch.setattr(socket, "create_connection", unreachable)
    with pytest.raises(StageFailure, match="can't be downloaded") as caught:
        build(base={"weights": "imagenet"})
    assert "Name or service not known" in caught.value.why
    name = "mobilenet_2_5_224_tf_no_top.h5"
    assert str(tmp_path / "models" / name) in caught.value.remedy
    # The place that is named is where Keras does look.
    (tmp_path / "models" / name).write_bytes(b"no weights")
    with pytest.raises(StageFailure, match="can't be loaded") as caught:
        build(base={"weights": "imagenet"})
    assert str(tmp_path / "models") in caught.value.remedy


def test_a_network_is_checked_as_every_one_is_in_the_exhaustive_tests(
    bench: Bench, tensorflow: Any, tmp_path: Path
) -> None:
    train_and_convert(bench, tensorflow, tmp_path, "MobileNet", {"alpha": 0.25})
