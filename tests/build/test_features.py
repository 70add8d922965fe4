"""Features computed once: the same weights as plain training, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.plan.features import feature_params, why_not_shared
from tests.build.conftest import SCALING, head, train_params
from tests.build.test_phases import history_of, same, train

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]

STOPPING = {"monitor": "accuracy", "patience": 2, "min_delta": 0.0, "restore_best": True}
HEADS = {
    "stock": head("global_average_pooling", "classifier"),
    "rich": head(
        "global_average_pooling",
        "batch_normalization",
        ("dense", {"units": 24, "activation": "relu"}),
        ("dropout", {"rate": 0.4}),
        "classifier",
    ),
    "maximum": head("global_max_pooling", ("dropout", {"rate": 0.2}), "classifier"),
}


def compute(data: Path, output: Path, params: dict[str, Any]) -> dict[str, Any]:
    from runner.build.features import compute_features

    output.mkdir()
    asked = feature_params(params["model"], params["train"], SCALING)
    return compute_features(asked, data, output, lambda progress: None)


@pytest.mark.parametrize(
    ("architecture", "name"),
    [*(("MobileNetV2", name) for name in HEADS), ("MobileNet", "stock"), ("ResNet50", "stock")],
)
def test_a_head_that_learns_from_features_gets_the_same_bits(
    small_data: Path, tensorflow: Any, tmp_path: Path, architecture: str, name: str
) -> None:
    width = {"alpha": None} if architecture == "ResNet50" else {}
    params = train_params(
        base={"architecture": architecture} | width,
        head=HEADS[name],
        trainable=("none", None),
        epochs=4,
        # A batch size that leaves a smaller batch at the end.
        train={"batch_size": 20, "validation_fraction": 0.2, "early_stopping": STOPPING},
    )
    assert not why_not_shared(params["model"], params["train"])
    facts = compute(small_data, tmp_path / "features", params)
    assert (facts["train_images"], facts["test_images"]) == (96, 32)
    plain = train(small_data, tmp_path / "plain", params)
    shared = train(small_data, tmp_path / "shared", params, features=tmp_path / "features")
    assert shared["features"] == "computed once"
    assert plain | {"features": ""} == shared | {"features": ""}
    assert history_of(tmp_path / "plain") == history_of(tmp_path / "shared")
    assert same(tmp_path / "plain", tmp_path / "shared")
    assert flags_of(tmp_path / "plain") == flags_of(tmp_path / "shared")
    scores = [np.load(tmp_path / one / "test_scores.npy") for one in ("plain", "shared")]
    assert (scores[0] == scores[1]).all()


def test_no_image_is_alone_in_a_batch() -> None:
    from runner.build.features import at_once

    assert all(count % at_once(count) != 1 for count in range(2, 20_000))
    assert (at_once(1), at_once(64), at_once(4096)) == (64, 64, 64)


def test_the_last_of_many_images_is_answered_with_the_bits_that_the_first_ones_are(
    small_data: Path, tensorflow: Any, tmp_path: Path
) -> None:
    params = train_params(base={"architecture": "ResNet50", "alpha": None})
    answers = {}
    for name, step in (("forwards", 1), ("backwards", -1)):
        folder = tmp_path / name
        folder.mkdir()
        for file in small_data.glob("*.npy"):
            np.save(folder / file.name, np.load(file)[:65][::step])
        compute(folder, tmp_path / f"{name} features", params)
        found = np.load(tmp_path / f"{name} features" / "train_features.npy")
        answers[name] = found[::step]
    assert (answers["forwards"] == answers["backwards"]).all()


def test_a_single_image_in_an_epochs_last_batch_is_said(
    small_data: Path, tensorflow: Any, tmp_path: Path
) -> None:
    # 96 images, of which the last batch has one.
    params = train_params(
        base={"architecture": "MobileNet", "alpha": 0.25},
        trainable=("none", None),
        epochs=1,
        train={"batch_size": 95},
    )
    compute(small_data, tmp_path / "features", params)
    summary = train(small_data, tmp_path / "shared", params, features=tmp_path / "features")
    assert summary["features"].startswith("computed once; equal to rounding")


def flags_of(folder: Path) -> dict[str, bool]:
    """Which layers of a saved model are trained."""
    import keras

    model = keras.models.load_model(folder / "model.keras")
    return {layer.name: layer.trainable for layer in model.layers}


def test_a_base_that_phases_froze_is_frozen_in_the_saved_model_whoever_learned(
    small_data: Path, tensorflow: Any, tmp_path: Path
) -> None:
    frozen = {"epochs": 1, "trainable": {"policy": "none", "argument": None}}
    params = train_params(
        base={"architecture": "MobileNet", "alpha": 0.25},
        trainable=("all", None),
        train={"phases": [frozen, frozen]},
    )
    assert not why_not_shared(params["model"], params["train"])
    compute(small_data, tmp_path / "features", params)
    plain = train(small_data, tmp_path / "plain", params)
    shared = train(small_data, tmp_path / "shared", params, features=tmp_path / "features")
    assert plain | {"features": ""} == shared | {"features": ""}
    assert flags_of(tmp_path / "plain") == flags_of(tmp_path / "shared")
    assert not flags_of(tmp_path / "shared")["conv_pw_13"]


def test_the_reason_why_features_are_not_shared_is_said(
    small_data: Path, tensorflow: Any, tmp_path: Path
) -> None:
    params = train_params(epochs=1, base={"architecture": "MobileNet", "alpha": 0.25})
    summary = train(small_data, tmp_path / "plain", params)
    assert summary["features"] == "computed anew: layers of the base are trained"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trainable": ("last", 3)}, "layers of the base are trained"),
        ({"base": {"architecture": "EfficientNetB0"}}, "EfficientNetB0"),
        ({"base": {"architecture": "ConvNeXtTiny"}}, "ConvNeXtTiny"),
        ({"head": head("flatten", "classifier")}, "global pooling"),
        ({"train": {"augment": [{"name": "flip", "options": {}}]}}, "changed at random"),
        ({"epochs": 0}, "nothing is trained"),
        ({"train": {"batch_size": 1}}, "alone in its batch"),
        ({"train": {"precision": "mixed_float16"}}, "mixed_float16"),
        ({"train": {"phases": [{"trainable": {"policy": "all", "argument": None}}]}}, "trained"),
    ],
)
def test_what_depends_on_more_than_the_image_is_not_shared(
    changes: dict[str, Any], words: str
) -> None:
    params = train_params(**{"trainable": ("none", None)} | changes)
    assert words in why_not_shared(params["model"], params["train"])


def test_heads_share_features_and_seeds_do_where_weights_are_not_random() -> None:
    def key(**changes: Any) -> dict[str, Any]:
        params = train_params(**{"trainable": ("none", None)} | changes)
        return feature_params(params["model"], params["train"], SCALING)

    assert key() == key(head=HEADS["rich"], epochs=9) != key(head=HEADS["maximum"])
    assert key() != key(train={"seed": 2})
    pretrained = {"weights": "imagenet"}
    assert key(base=pretrained) == key(base=pretrained, train={"seed": 2})
