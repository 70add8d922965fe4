"""What a reader must know before believing a result is said, and nothing where there is nothing."""

from __future__ import annotations

from typing import Any

import pytest

from runner.steps.warnings import find_warnings
from tests.results import check_result, quickstart

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


def test_many_extreme_outliers_are_said_with_their_share_and_few_are_not() -> None:
    result = quickstart()
    result["variants"][0]["outliers"] = {"mild": 60, "extreme": 36}
    result["variants"][1]["outliers"] = {"mild": 600, "extreme": 24}
    (message,) = warnings_of(result, "outliers")
    assert "3 % of its runs are extreme outliers, and 5 % mild ones; all are kept" in message


def test_a_right_that_was_asked_for_and_not_given_is_a_warning_once() -> None:
    result = quickstart()
    for variant in result["variants"]:
        variant["runtime"]["conditions"] = {"priority": "no: permission denied", "affinity": "yes"}
    (message,) = warnings_of(result, "not-in-force")
    assert "priority" in message
    assert "permission denied" in message
    assert "affinity" not in message
