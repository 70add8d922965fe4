"""What a reader must know before believing a result is said, and nothing where there is nothing."""

from __future__ import annotations

from typing import Any

import pytest

from runner.report.wording import headline
from runner.steps.warnings import find_warnings
from tests.results import check_result, class_accuracy, quickstart

pytestmark = pytest.mark.fast


def warnings_of(result: dict[str, Any], kind: str) -> list[str]:
    check_result(result)
    return [one["message"] for one in find_warnings(result) if one["kind"] == kind]


@pytest.mark.parametrize(
    ("median", "other", "ratio", "warned"),
    [
        ("slower", "faster", 0.9, True),
        ("faster", "slower", 1.1, True),
        ("equivalent", "slower", 1.1, True),
        ("equivalent", "slower", 1.005, False),
        ("slower", "slower", 1.1, False),
        ("slower", "inconclusive", 1.1, False),
        ("inconclusive", "slower", 1.1, False),
    ],
)
@pytest.mark.parametrize("figure", ["mean", "p90"])
def test_another_answer_by_mean_or_p90_is_a_warning(
    figure: str,
    median: str,
    other: str,
    ratio: float,
    warned: Any,
) -> None:
    result = quickstart()
    comparison = result["comparisons"][0]
    comparison |= {"verdict": median, "mean_verdict": median, "p90_verdict": median}
    comparison |= {f"{figure}_verdict": other, f"{figure}_ratio": ratio}
    found = warnings_of(result, "figures-disagree")
    assert len(found) == int(warned)
    if warned:
        assert f"{median} by the median, but {other} by the" in found[0]


def test_many_extreme_outliers_are_said_once_for_all_variants_and_few_are_not() -> None:
    result = quickstart()
    result["variants"][0]["outliers"] = {"mild": 60, "extreme": 36}
    result["variants"][1]["outliers"] = {"mild": 600, "extreme": 24}
    (message,) = warnings_of(result, "outliers")
    assert "3 % of its runs are extreme outliers; all are kept" in message
    name = result["variants"][1]["name"]
    result["variants"][1]["outliers"]["extreme"] = 60
    (message,) = warnings_of(result, "outliers")
    assert message.startswith(f"{name}: 5 % of its runs are extreme outliers, and 1 more variant")


def test_a_right_that_was_asked_for_and_not_given_is_a_warning_once() -> None:
    result = quickstart()
    for variant in result["variants"]:
        variant["runtime"]["conditions"] = {"priority": "no: permission denied", "affinity": "yes"}
    (message,) = warnings_of(result, "not-in-force")
    assert "priority" in message
    assert "permission denied" in message
    assert "affinity" not in message


def test_what_was_damaged_and_made_again_is_said_with_its_files() -> None:
    result = quickstart()
    result["repaired"] = [{"stage": "train", "label": "MobileNet", "files": ["model.keras"]}]
    (message,) = warnings_of(result, "artifact-repaired")
    assert message.startswith("train MobileNet: ")
    assert "(model.keras)" in message
    assert not warnings_of(quickstart(), "artifact-repaired")


LOST = {"keras": 0.92, "tflite": 0.41, "lost": 200, "gained": 17}


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        (LOST, True),
        (LOST | {"tflite": 0.88}, False),
        # Four of twenty images: any model loses as many now and then.
        ({"keras": 0.9, "tflite": 0.7, "lost": 4, "gained": 0, "samples": 20}, False),
        ({"keras": 0.9, "tflite": 0.65, "lost": 5, "gained": 0, "samples": 20}, True),
        ({"keras": None, "tflite": 0.1, "lost": None, "gained": None}, False),
    ],
)
def test_lost_accuracy_is_a_warning_where_it_matters_and_is_no_chance(
    changes: dict[str, Any], warned: Any
) -> None:
    result = quickstart()
    result["variants"][1]["accuracy"] |= changes
    found = warnings_of(result, "accuracy-lost")
    assert len(found) == int(warned)


@pytest.mark.parametrize(
    ("compression", "warned"),
    [
        ({"before": 0.97, "lost": 20, "gained": 2}, False),
        ({"before": 0.99, "lost": 3, "gained": 2}, False),
        ({"before": 0.99, "lost": 30, "gained": 5}, True),
        (None, False),
    ],
)
def test_accuracy_that_compression_lost_is_a_warning_of_its_own_in_the_headline(
    compression: dict[str, Any] | None, warned: object
) -> None:
    result = quickstart()
    result["variants"][1]["accuracy"]["compression"] = compression
    found = warnings_of(result, "accuracy-lost")
    what = "compression lost 6.8 points of accuracy, from 99 % to 92.2 % of the test images"
    assert found == ([f"{result['variants'][1]['name']}: {what}"] if warned else [])
    result["warnings"] = find_warnings(result)
    assert (f"Beware of stock/int8: {what}." in headline(result)) is warned


def test_a_class_that_alone_collapses_is_a_warning_and_one_that_few_images_hide_is_none() -> None:
    result = quickstart()
    result["variants"][1]["accuracy"]["classes"][7] = class_accuracy(
        "7", tflite=0.1, lost=24, gained=1
    )
    (message,) = warnings_of(result, "class-lost")
    assert message.endswith("conversion lost the class 7 (from 75 % to 10 %)")
    assert warnings_of(result, "accuracy-lost") == []
    few = class_accuracy("7", samples=4, tflite=0.0, lost=3)
    result["variants"][1]["accuracy"]["classes"][7] = few
    assert warnings_of(result, "class-lost") == []


def test_where_most_classes_collapse_none_is_named_and_of_several_the_worst_are() -> None:
    result = quickstart()
    classes = result["variants"][1]["accuracy"]["classes"]
    for digit in range(4):
        classes[digit] = class_accuracy(str(digit), tflite=0.1 * digit, lost=27, gained=0)
    (message,) = warnings_of(result, "class-lost")
    assert "the classes 0 (" in message
    assert "2 (from 75 % to 20 %), 1 more" in message
    for digit in range(4, 10):
        classes[digit] = class_accuracy(str(digit), tflite=0.0, lost=27, gained=0)
    assert warnings_of(result, "class-lost") == []


def test_a_warning_about_a_variant_names_it_for_programs() -> None:
    result = quickstart()
    result["variants"][1]["accuracy"] |= LOST
    (found,) = [one for one in find_warnings(result) if one["kind"] == "accuracy-lost"]
    assert found["variant"] == result["variants"][1]["name"]
    redone = [one for one in find_warnings(result) if one["kind"] == "blocks-redone"]
    assert [one["variant"] for one in redone] == [None]


def test_images_and_classes_that_no_model_saw_are_said_once_for_all_that_share_them() -> None:
    assert not warnings_of(quickstart(), "images-left-out")
    assert not warnings_of(quickstart(), "class-empty")
    result = quickstart()
    names = [f"{number}.png" for number in range(10)]
    for variant in result["variants"]:
        variant["data"] |= {"left_out": 12, "left_out_names": names, "empty_classes": ["emu"]}
    (message,) = warnings_of(result, "images-left-out")
    assert message == (
        "12 of 1809 images can't be read and were left out: 0.png, 1.png, 2.png, 9 more"
    )
    (message,) = warnings_of(result, "class-empty")
    assert message.endswith("knows: emu")
    result["variants"][0]["data"] = result["variants"][0]["data"] | {"left_out": 1}
    result["variants"][1]["data"] = None
    first, other = warnings_of(result, "images-left-out")
    assert first.startswith(f"{result['variants'][0]['name']}: 1 of 1798 images")
    assert other.startswith(f"{result['variants'][2]['name']}: 12 of 1809 images")


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"cat": [100, 1], "dog": [10, 900]}, ""),
        ({"cat": [101, 1], "dog": [10, 9]}, "101 training images of cat, 10 of dog"),
        ({"cat": [7, 1], "dog": [400, 9], "emu": [9, 1]}, "400 training images of dog, 7 of cat"),
        (None, ""),
    ],
)
def test_classes_of_very_unequal_size_in_training_are_said_once(
    counts: dict[str, list[int]] | None, words: str
) -> None:
    result = quickstart()
    assert not warnings_of(result, "classes-unequal")
    for variant in result["variants"]:
        variant["data"].pop("class_counts")
        if counts is not None:
            variant["data"]["class_counts"] = counts
    check_result(result)
    found = warnings_of(result, "classes-unequal")
    assert len(found) == bool(words)
    assert all(words in one for one in found)


@pytest.mark.parametrize(("told", "warned"), [(False, 1), (True, 0), (None, 0)])
def test_processes_that_all_have_the_same_addresses_are_a_warning(told: Any, warned: int) -> None:
    result = quickstart()
    result["host"]["address_randomization"] = told
    assert len(warnings_of(result, "addresses-not-random")) == warned


def test_who_waits_for_quiet_in_vain_is_told_that_other_containers_are_not_waited_for() -> None:
    result = quickstart()
    result["blocks"] |= {"stopped": "disturbed", "reasons": {"load from others": 40}}
    (warning,) = [one for one in find_warnings(result) if one["kind"] == "never-quiet"]
    assert "benches in other containers too" in warning["remedy"]
    result["blocks"]["reasons"] = {"steal": 40}
    (warning,) = [one for one in find_warnings(result) if one["kind"] == "never-quiet"]
    assert "containers" not in warning["remedy"]
