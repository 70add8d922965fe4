"""What a conversion did to answers is counted right, also where scores are equal or no numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.analysis import accuracy as module
from runner.analysis.accuracy import chance_of_loss, compare_scores

pytestmark = pytest.mark.fast

NAMES = ["cat", "dog", "fox"]


def scores(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_both_models_are_counted_whole_and_by_class() -> None:
    before = scores([0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.6, 0.4, 0.0])
    after = scores([0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.3, 0.7, 0.0])
    found = compare_scores(before, after, np.array([0, 1, 1, 1]), NAMES)
    assert (found.keras, found.tflite, found.agreement, found.samples) == (0.75, 0.75, 0.5, 4)
    assert (found.lost, found.gained) == (1, 1)
    assert found.largest_difference == pytest.approx(0.5)
    cat, dog, fox = found.classes
    assert (cat.name, cat.samples, cat.keras, cat.tflite, cat.lost) == ("cat", 1, 1.0, 1.0, 0)
    assert (dog.samples, dog.lost, dog.gained) == (3, 1, 1)
    assert dog.keras == dog.tflite == pytest.approx(2 / 3)
    # A class without test images has no accuracy, rather than none right.
    assert (fox.samples, fox.keras, fox.tflite, fox.lost) == (0, None, None, 0)


def test_the_right_class_among_the_five_best_counts_and_five_classes_have_no_such_figure() -> None:
    eight = np.arange(8, dtype=np.float32)[::-1][None].repeat(8, axis=0)
    found = compare_scores(eight, eight, np.arange(8), list("abcdefgh"))
    assert (found.tflite, found.tflite_top5, found.keras_top5) == (1 / 8, 5 / 8, 5 / 8)
    five = compare_scores(eight[:5, :5], eight[:5, :5], np.arange(5), list("abcde"))
    assert (five.tflite_top5, five.keras_top5) == (None, None)


def test_a_model_that_gives_every_class_the_same_score_is_not_right_by_that() -> None:
    same = np.zeros((8, 8), np.float32)
    found = compare_scores(same, same, np.arange(8), list("abcdefgh"))
    assert (found.tflite, found.tflite_top5) == (1 / 8, 5 / 8)


def test_what_is_no_number_is_never_right() -> None:
    nan, inf = float("nan"), float("inf")
    after = scores([nan, nan, nan], [0.1, nan, 0.2], [0.1, inf, 0.2])
    found = compare_scores(None, after, np.array([0, 1, 1]), NAMES)
    assert found.tflite == pytest.approx(1 / 3)
    assert not found.finite
    assert (found.keras, found.keras_top5, found.agreement, found.lost) == (None,) * 4
    before = scores([0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, inf, 0.1])
    assert compare_scores(before, after, np.array([0, 1, 1]), NAMES).largest_difference is None


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_being_right_is_what_argmax_says_and_pieces_add_up(
    samples: int, classes: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    # Few different values, so that many are equal.
    before, after = generator.integers(0, 4, (2, samples, classes)).astype(np.float32)
    labels = generator.integers(0, classes, samples)
    names = [str(number) for number in range(classes)]
    found = compare_scores(before, after, labels, names)
    assert found.tflite == np.mean(after.argmax(axis=1) == labels)
    assert found.keras == np.mean(before.argmax(axis=1) == labels)
    assert sum(one.samples for one in found.classes) == samples
    assert sum(one.lost or 0 for one in found.classes) == found.lost
    if classes > module.TOP:
        best = np.argsort(-after, axis=1, kind="stable")[:, : module.TOP]
        assert found.tflite_top5 == np.mean((best == labels[:, None]).any(axis=1))


def test_scores_that_are_read_in_pieces_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    before, after = generator.normal(size=(2, 50, 7)).astype(np.float32)
    labels = generator.integers(0, 7, 50)
    whole = compare_scores(before, after, labels, list("abcdefg"))
    monkeypatch.setattr(module, "_ROWS", 8)
    assert compare_scores(before, after, labels, list("abcdefg")) == whole


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="2 labels of 3 classes"):
        compare_scores(None, scores([1, 0]), np.array([0, 1]), NAMES)


def test_the_chance_of_a_loss_is_the_exact_one_of_tossing_a_coin() -> None:
    # 1 of 5 or fewer: (1 + 5) / 2**5.
    assert chance_of_loss(4, 1) == pytest.approx(6 / 32)
    assert chance_of_loss(5, 0) == pytest.approx(1 / 32)
    assert chance_of_loss(3, 3) == chance_of_loss(0, 0) == chance_of_loss(1, 9) == 1.0
