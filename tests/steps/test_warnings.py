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


def test_a_difference_too_small_to_matter_does_not_hide_a_large_one_of_the_tail() -> None:
    result = quickstart()
    comparison = result["comparisons"][1]
    comparison |= {"below_effect": True, "ratio": 1.004, "mean_ratio": 1.004, "p90_ratio": 1.2}
    (message,) = warnings_of(result, "figures-disagree")
    assert "slower by the 90th percentile (1.200x)" in message
    comparison["p90_ratio"] = 1.01
    assert not warnings_of(result, "figures-disagree")


@pytest.mark.parametrize(
    ("by_t", "by_signs", "warned"),
    [(0.044, 0.05, True), (0.001, 0.001, False), (0.2, 0.03, False)],
)
def test_the_permutation_test_is_judged_in_the_same_family(
    by_t: float, by_signs: float, warned: object
) -> None:
    """Of three, the least is three times as large after Holm: 0.15 and 0.09 are no differences."""
    result = quickstart()
    for comparison in result["comparisons"]:
        comparison |= {"adjusted_p_value": 0.9, "permutation_p_value": 0.9}
    result["comparisons"][0] |= {"adjusted_p_value": by_t, "permutation_p_value": by_signs}
    assert bool(warnings_of(result, "tests-disagree")) is warned


def test_load_that_slows_more_threads_more_is_said_where_variants_differ_in_threads() -> None:
    result = quickstart()
    result["blocks"]["load_of_others"]["median"] = 0.8
    assert not warnings_of(result, "uneven-load")
    result["variants"][1]["runtime"]["threads"] = 4
    (message,) = warnings_of(result, "uneven-load")
    assert "0.8 cores" in message
    result["blocks"]["load_of_others"]["median"] = 0.1
    assert not warnings_of(result, "uneven-load")


def test_an_experiment_that_went_on_under_other_conditions_is_said_with_them() -> None:
    result = quickstart()
    changes = {"governor": ["powersave", "performance"], "turbo": [True, None]}
    result["blocks"]["host_changes"] = changes
    (message,) = warnings_of(result, "conditions-changed")
    assert message.endswith("governor powersave, then performance; turbo on, then unknown")


@pytest.mark.parametrize(
    ("looks", "p_value", "warned"), [(1, 0.04, False), (2, 0.04, True), (2, 0.02, False)]
)
def test_what_was_found_only_after_going_on_is_said_to_be_less_certain(
    looks: int, p_value: float, warned: object
) -> None:
    result = quickstart()
    result["blocks"]["looks"] = looks
    result["comparisons"][0]["adjusted_p_value"] = p_value
    assert bool(warnings_of(result, "looked-before")) is warned


def test_a_percentile_that_is_asked_for_and_has_too_few_runs_is_said_with_what_it_takes() -> None:
    result = quickstart()
    result["variants"][2]["latency_ns"] |= {"p99": None, "runs": 320}
    assert not warnings_of(result, "too-few-runs")
    result["report"]["percentiles"] = ["p90", "p99"]
    (message,) = warnings_of(result, "too-few-runs")
    assert message == "not told: p99 takes 1000 runs of a variant, and there were 320"


def test_a_run_under_load_that_could_not_begin_as_cool_as_the_first_is_no_comparison() -> None:
    result = quickstart()
    throughput = {
        "per_second": 100.0,
        "rates": [100.0] * 10,
        "decay": 0.0,
        "runs": 100,
        "seconds": 1.0,
        "temperature_c": [80.0, 85.0],
        "frequency_khz": [None, None],
        "disturbances": [],
    }
    result["variants"][0]["throughput"] = throughput | {"began_hotter_c": 0.0}
    result["variants"][1]["throughput"] = throughput | {"began_hotter_c": 12.0}
    (message,) = warnings_of(result, "began-hot")
    assert message.startswith(f"{result['variants'][1]['name']}: ")
    assert "12 C hotter" in message


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


def test_every_reason_for_unrest_has_a_remedy_of_its_own_the_most_frequent_first() -> None:
    result = quickstart()
    reasons = {"under-voltage": 1, "cgroup throttling": 9, "a process failed": 4}
    result["blocks"] |= {"stopped": "disturbed", "reasons": reasons}
    (warning,) = [one for one in find_warnings(result) if one["kind"] == "never-quiet"]
    assert warning["remedy"] == (
        "raise the CPU quota of this container, or ask for fewer threads; give this board a "
        "stronger power supply; then run the same command again, with a larger measure.max_time"
    )
    result["warnings"] = [warning]
    assert headline(result).startswith(
        "This machine did not become quiet; what follows rests on 12 blocks, not on 10 or more."
    )
