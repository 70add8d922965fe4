"""The parts of a training: losses, optimizers, schedules, changes of images, weights of classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.build.dealing import deal
from runner.build.failures import StageFailure
from tests.build.conftest import SCALING, TRAIN_IMAGES, recipe

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]

LABELS = np.array([0, 2, 1])
LOGITS = np.array([[2.0, -1.0, 0.5], [0.1, 0.2, 0.3], [-3.0, 1.0, 2.0]], np.float32)
SCORES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]


def by_hand(name: str, options: dict[str, Any], scores: np.ndarray) -> float:
    """The losses as their papers write them."""
    smooth = options.get("label_smoothing", 0.0)
    wanted = ONE_HOT * (1 - smooth) + smooth / 3
    if name == "mean_squared_error":
        return float(((scores - ONE_HOT) ** 2).mean())
    easy = (1 - scores) ** options.get("gamma", 0.0)
    return float(-(wanted * easy * np.log(scores)).sum(axis=1).mean())


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cross_entropy", {"label_smoothing": 0.0}),
        ("cross_entropy", {"label_smoothing": 0.3}),
        ("focal", {"gamma": 2.0, "label_smoothing": 0.0}),
        ("focal", {"gamma": 0.0, "label_smoothing": 0.2}),
        ("mean_squared_error", {}),
    ],
)
def test_a_loss_is_what_its_formula_says_for_scores_and_for_logits(
    tensorflow: Any, name: str, options: dict[str, Any], *, from_logits: bool
) -> None:
    from runner.build.objectives import make_loss

    loss = make_loss({"name": name, "options": options}, 3, from_logits=from_logits)
    given = LOGITS if from_logits else SCORES
    # The squared error takes outputs as they are.
    scores = given if name == "mean_squared_error" else SCORES
    assert float(loss(LABELS, given)) == pytest.approx(by_hand(name, options, scores), rel=1e-4)
    weights = np.array([0.0, 3.0, 0.0], np.float32)
    only = make_loss({"name": name, "options": options}, 3, from_logits=from_logits)
    alone = float(only(LABELS[1:2], given[1:2]))
    assert float(loss(LABELS, given, sample_weight=weights)) == pytest.approx(alone, rel=1e-4)


def test_every_optimizer_takes_its_options(tensorflow: Any) -> None:
    from runner.build.optimizers import make_optimizer

    shared = {"learning_rate": 0.5, "weight_decay": 0.1, "clipnorm": 2.0}
    own = {
        "adam": {"amsgrad": True, "beta_1": 0.8},
        "adamw": {"epsilon": 1e-3},
        "nadam": {"beta_2": 0.99},
        "sgd": {"momentum": 0.9, "nesterov": True},
        "rmsprop": {"centered": True, "rho": 0.8},
        "adagrad": {"initial_accumulator_value": 0.2},
    }
    for name, options in own.items():
        asked = {"name": name, "options": shared | options}
        made = make_optimizer(asked, steps_per_epoch=3, epochs=2)
        assert type(made).__name__.lower() == name
        for option, value in (shared | options).items():
            assert float(getattr(made, option)) == pytest.approx(float(value))
    absent = {"name": "sgd", "options": {"learning_rate": 0.1, "clipnorm": None}}
    assert make_optimizer(absent, steps_per_epoch=1, epochs=1).clipnorm is None


def rates(schedule: dict[str, Any], steps_per_epoch: int, epochs: int) -> np.ndarray:
    """The rate of every step."""
    from runner.build.optimizers import make_schedule

    made = make_schedule(schedule, steps_per_epoch, epochs)
    return np.array([float(made(step)) for step in range(steps_per_epoch * epochs)])


def test_a_cosine_rises_in_its_warm_up_and_ends_at_its_final_share(tensorflow: Any) -> None:
    plain = rates({"cosine": {"initial": 2.0, "final": 0.1, "warmup_epochs": 0.0}}, 5, 4)
    assert (plain[0], plain[-1]) == (pytest.approx(2.0), pytest.approx(0.2))
    assert (np.diff(plain) < 0).all()
    warm = rates({"cosine": {"initial": 2.0, "final": 0.0, "warmup_epochs": 1.0}}, 5, 4)
    assert warm[:6] == pytest.approx([0, 0.4, 0.8, 1.2, 1.6, 2.0])
    assert warm[-1] == pytest.approx(0, abs=1e-6)
    assert (np.diff(warm[5:]) < 0).all()


def test_steps_and_exponential_count_in_epochs(tensorflow: Any) -> None:
    falls = rates({"steps": {"initial": 1.0, "epochs": [1, 3], "factor": 0.1}}, 4, 4)
    assert falls == pytest.approx([1.0] * 4 + [0.1] * 8 + [0.01] * 4)
    options = {"initial": 1.0, "rate": 0.5, "epochs": 2.0, "staircase": True}
    assert rates({"exponential": options}, 3, 4) == pytest.approx([1.0] * 6 + [0.5] * 6)
    smooth = rates({"exponential": options | {"staircase": False}}, 3, 4)
    assert smooth == pytest.approx(0.5 ** (np.arange(12) / 6))


def test_an_option_that_keras_does_not_know_is_the_inputs_fault(tensorflow: Any) -> None:
    from runner.build.optimizers import make_optimizer

    with pytest.raises(StageFailure, match="options of adam"):
        make_optimizer({"name": "adam", "options": {"speed": 1}}, steps_per_epoch=1, epochs=1)


CHANGES = [
    {"name": "flip", "options": {"direction": "horizontal"}},
    {"name": "rotation", "options": {"amount": 0.2}},
    {"name": "zoom", "options": {"amount": 0.3}},
    {"name": "translation", "options": {"amount": 0.3}},
    {"name": "contrast", "options": {"amount": 0.5}},
    {"name": "brightness", "options": {"amount": 0.5}},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change["name"])
def test_a_change_differs_by_image_and_epoch_and_follows_from_the_seed(
    tensorflow: Any, change: dict[str, Any]
) -> None:
    from runner.build.augmentation import Augmenter

    images = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3)).repeat(16, axis=0)
    pixels = images.astype(np.float32)
    augmenter = Augmenter([change], 5)

    def epoch(number: int) -> np.ndarray:
        augmenter.begin_epoch(number)
        return np.asarray(augmenter(pixels))

    first = epoch(0)
    assert first.shape == pixels.shape
    assert len(np.unique(first.round(3), axis=0)) > 1
    assert (first >= 0).all()
    assert (first <= 255).all()
    assert (epoch(1) != first).any()
    assert (epoch(0) == first).all()
    assert (np.asarray(Augmenter([change], 5)(pixels)).shape) == pixels.shape
    other = Augmenter([change], 6)
    other.begin_epoch(0)
    assert (np.asarray(other(pixels)) != first).any()


def test_a_flip_mirrors_in_the_direction_asked_for(tensorflow: Any) -> None:
    from runner.build.augmentation import Augmenter

    image = np.arange(4 * 4 * 3, dtype=np.float32).reshape(1, 4, 4, 3)
    for direction, mirrored in (("horizontal", image[:, :, ::-1]), ("vertical", image[:, ::-1])):
        augmenter = Augmenter([{"name": "flip", "options": {"direction": direction}}], 1)
        augmenter.begin_epoch(0)
        answers = np.asarray(augmenter(image.repeat(64, axis=0)))
        kept = (answers == image).all(axis=(1, 2, 3))
        assert 8 < kept.sum() < 56
        assert (answers[~kept] == mirrored).all()


def batches(data: Path, chosen: np.ndarray | None = None, **changes: Any) -> Any:
    from runner.build.batches import TrainingBatches

    labels = np.load(data / "train_labels.npy")
    chosen = np.arange(len(labels)) if chosen is None else chosen
    weights = changes.pop("weights", None)
    scaling = changes.pop("scaling", "raw")
    asked = recipe(batch_size=40, **changes)
    images = data / "train_images.npy"
    return TrainingBatches(images, labels, chosen, asked, scaling=scaling, weights=weights)


def epoch_of(made: Any, number: int) -> tuple[np.ndarray, ...]:
    made.begin_epoch(number)
    parts = list(made.dataset)
    return tuple(np.concatenate([np.asarray(part[i]) for part in parts]) for i in range(3))


def test_batches_hold_every_image_once_in_another_order_each_epoch(
    small_data: Path, tensorflow: Any
) -> None:
    from runner.build.batches import make_batches

    images = np.load(small_data / "train_images.npy").astype(np.float32)
    labels = np.load(small_data / "train_labels.npy")
    kept = list(make_batches(small_data, "train", "raw", 40))
    assert [len(answers) for _, answers in kept] == [40, 40, TRAIN_IMAGES - 80]
    assert (np.concatenate([pixels for pixels, _ in kept]) == images).all()
    scaled, _ = next(iter(make_batches(small_data, "train", SCALING, 40)))
    assert scaled.numpy() == pytest.approx(images[:40] / 127.5 - 1, abs=1e-6)
    shuffled = batches(small_data)
    first, second, again = (epoch_of(shuffled, number) for number in (0, 1, 0))
    assert (first[1] != second[1]).any()
    assert all((one == other).all() for one, other in zip(first, again, strict=True))
    key = images.reshape(TRAIN_IMAGES, -1).sum(axis=1)
    for pixels, answers, weights in (first, second):
        order = pixels.reshape(TRAIN_IMAGES, -1).sum(axis=1)
        assert (np.sort(order) == np.sort(key)).all()
        assert (labels[np.argsort(key)] == answers[np.argsort(order)]).mean() > 0.9
        assert (weights == 1).all()


def test_images_are_changed_before_they_are_scaled_and_only_those_chosen(
    small_data: Path, tensorflow: Any
) -> None:
    change = {"name": "brightness", "options": {"amount": 1.0}}
    chosen = np.arange(10)
    made = batches(small_data, chosen, augment=[change], scaling=SCALING)
    pixels, labels, _ = epoch_of(made, 0)
    assert len(pixels) == 10
    # Clipped to what a pixel can be, then scaled.
    assert (pixels.min(), pixels.max()) == (-1, 1)
    assert (np.sort(labels) == np.sort(np.load(small_data / "train_labels.npy")[:10])).all()


def test_class_weights_balance_or_are_taken_by_name(tensorflow: Any) -> None:
    from runner.build.class_weights import weigh_classes

    labels = np.array([0] * 6 + [1] * 2 + [2] * 4)
    names = ["cat", "dog", "emu"]
    balanced = weigh_classes("balanced", names, labels)
    assert balanced is not None
    assert np.bincount(labels) * balanced == pytest.approx([4, 4, 4])
    assert weigh_classes({"dog": 3.0}, names, labels) == pytest.approx([1, 3, 1])
    assert weigh_classes("none", names, labels) is None
    with pytest.raises(StageFailure, match="'dgo', and the data has no such class") as caught:
        weigh_classes({"dgo": 3.0}, names, labels)
    assert "write 'dog'" in caught.value.remedy
    assert "cat, dog, emu" in caught.value.why


def test_weights_reach_the_batches(small_data: Path, tensorflow: Any) -> None:
    weights = np.arange(10, dtype=np.float32)
    _, labels, given = epoch_of(batches(small_data, weights=weights), 0)
    assert (given == weights[labels]).all()


@pytest.mark.fast
def test_a_deal_has_every_group_in_its_share_and_can_leave_one_of_each() -> None:
    groups = np.array([0] * 50 + [1] * 30 + [2] * 1)
    for count in (10, 40, 80):
        chosen = deal(groups, count, np.random.default_rng(1))
        assert chosen.sum() == count
        for group in (0, 1):
            members = groups == group
            assert abs(chosen[members].sum() - count / len(groups) * members.sum()) <= 1
    assert (~deal(groups, 81, np.random.default_rng(1), keep_one=True)).sum() == 3
