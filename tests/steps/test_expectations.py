"""What a spec promised is held against files, and against recipes where there are several seeds."""

from __future__ import annotations

from typing import Any

import pytest

from runner.analysis.recipes import RecipeComparison
from runner.analysis.verdicts import Verdict
from runner.report.wording import expectation_sentence
from runner.spec.measurement import Bounds, Expectation
from runner.steps.expectations import check_expectations

pytestmark = pytest.mark.fast

NAMES = [f"quantize={mode},train.seed={seed}" for mode in ("float32", "int8") for seed in (0, 1)]


def variants() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "recipe": name.partition(",")[0],
            "axes": dict(part.split("=") for part in name.split(",")),
            "accuracy": {"tflite": 0.8},
        }
        for name in NAMES
    ]


def recipe(family_interval: tuple[float, float] | None) -> RecipeComparison:
    """One that would break every promise, and none, by the interval that it has for itself."""
    return RecipeComparison(
        recipe="quantize=int8",
        baseline="quantize=float32",
        ratio=1.05,
        interval=(1.0999, 1.1001),
        family_interval=family_interval,
        p_value=0.01,
        adjusted_p_value=0.01,
        verdict=Verdict.SLOWER,
        below_effect=False,
        effect=0.02,
        seeds=2,
        needed_seeds=2,
    )


@pytest.mark.parametrize(
    ("interval", "holds"),
    [((1.02, 1.08), True), ((1.02, 1.2), None), ((1.2, 1.3), False), (None, None)],
)
def test_latency_is_promised_of_a_recipe_once_and_accuracy_of_every_model(
    interval: tuple[float, float] | None,
    holds: Any,
) -> None:
    promise = Expectation(tuple(NAMES), Bounds(None, 1.1), Bounds(0.7, None))
    found = [recipe(interval)]
    records = check_expectations([promise], variants(), [], found, NAMES[:2], proven=True)
    latency = [record for record in records if "latency" in record["text"]]
    assert latency == [
        {"text": "int8: latency ratio at most 1.1", "holds": holds, "measured": 1.05, "why": None}
    ]
    assert [record["holds"] for record in records if "accuracy" in record["text"]] == [True] * 4


def test_the_baseline_promises_nothing_about_itself_even_if_nothing_was_timed() -> None:
    promise = Expectation(tuple(NAMES), Bounds(None, 1.1), None)
    records = check_expectations([promise], variants(), [], [], NAMES[:2], proven=False)
    assert [record["text"].partition(":")[0] for record in records] == ["int8/0", "int8/1"]
    assert {record["holds"] for record in records} == {None}


@pytest.mark.parametrize("interval", [(1.02, 1.08), (1.2, 1.3)])
def test_an_unproven_experiment_keeps_and_breaks_no_promise_about_latency(
    interval: tuple[float, float],
) -> None:
    promise = Expectation(tuple(NAMES), Bounds(None, 1.1), Bounds(0.7, None))
    found = [recipe(interval)]
    latency, *accuracy = sorted(
        check_expectations([promise], variants(), [], found, NAMES[:2], proven=False),
        key=lambda record: "accuracy" in record["text"],
    )
    assert latency["holds"] is None
    assert expectation_sentence(latency) == (
        "undecided: int8: latency ratio at most 1.1 (measured 1.050); the experiment is unproven"
    )
    # What a model answers does not depend on how it was timed.
    assert [record["holds"] for record in accuracy] == [True] * 4
