"""Verdicts are said so that a person who knows no statistics understands them."""

from typing import Any

import pytest

from runner.report.controls import control_sentences
from runner.report.wording import (
    expectation_sentence,
    headline,
    recipe_sentences,
    verdict_sentence,
)
from runner.steps.warnings import find_warnings
from tests.results import check_result, comparison, quickstart, variant, with_recipe

pytestmark = pytest.mark.fast


def test_the_fixture_is_a_valid_result() -> None:
    check_result(quickstart())


def test_the_headline_answers_in_one_sentence() -> None:
    assert headline(quickstart()) == (
        "Against stock/float32, stock/int8 is faster (0.689x), wide/float32 is slower (1.053x) "
        "and wide/int8 is inconclusive (0.990-1.030)."
    )


def spoil(result: dict[str, Any], number: int) -> None:
    accuracy = result["variants"][number]["accuracy"]
    accuracy |= {"keras": 0.922, "tflite": 0.41, "lost": 200, "gained": 17}
    result["warnings"] = find_warnings(result)


def test_lost_accuracy_stands_in_the_headline_after_the_answer() -> None:
    result = quickstart()
    spoil(result, 1)
    assert headline(result).endswith(
        " and wide/int8 is inconclusive (0.990-1.030). Beware of stock/int8: conversion lost 51.2 "
        "points of accuracy, from 92.2 % to 41 % of the test images."
    )
    for number in (0, 2, 3):
        spoil(result, number)
    assert headline(result).endswith("The same goes for 2 more variants: see the warnings.")
    single = result | {"comparisons": [], "variants": result["variants"][1:2]}
    assert "Beware of stock/int8" in headline(single | {"baseline": single["variants"][0]["name"]})


def test_results_of_before_warnings_named_their_variant_can_be_read() -> None:
    result = quickstart()
    spoil(result, 1)
    for warning in result["warnings"]:
        del warning["variant"]
    assert "Beware" not in headline(result)


@pytest.mark.parametrize(
    ("control", "words"),
    [
        ("identical", "Unproven: the identical control differed"),
        ("delayed", "Unproven: the control that was delayed by 2 % was missed"),
    ],
)
def test_a_failed_control_comes_first_in_the_headline(control: str, words: str) -> None:
    result = quickstart()
    result["controls"][control]["passed"] = False
    result["proven"] = False
    assert headline(result).startswith(words)


def test_a_pilot_that_was_out_of_step_is_called_that_and_has_a_remedy() -> None:
    result = quickstart() | {"proven": False}
    delayed = {"passed": False, "out_of_step": True, "ratio": 1.027, "expected": 1.027}
    result["controls"]["delayed"] |= delayed
    check_result(result)
    assert headline(result).startswith(
        "Unproven: the pilot was out of step: the delay that it chose to be 2 % of the baseline's "
        "latency is 2.7 % in the blocks; --fresh takes a new pilot. Against"
    )
    assert control_sentences(result)[1][1] == (
        "baseline delayed by 2.7 %: 1.027x (1.015-1.025 at 95 %), but that is not what it is to "
        "show; the pilot meant it to be 2 %: --fresh takes a new pilot"
    )
    result["controls"]["identical"]["passed"] = False
    assert "told from noise here. The pilot was out of step" in headline(result)


def test_a_control_that_failed_is_not_said_to_have_differed_or_been_missed() -> None:
    result = quickstart() | {"proven": False}
    error = {"stage": "time", "kind": "crashed", "message": "crashed with SIGSEGV", "remedy": ""}
    result["controls"]["identical"] |= {"passed": False, "error": error}
    check_result(result)
    assert headline(result).startswith(
        "Unproven: the identical control failed (crashed with SIGSEGV), so nothing shows that "
        "this experiment could have told."
    )
    passed, sentence = control_sentences(result)[0]
    assert not passed
    assert sentence == (
        "identical copy of the baseline: 1.001x (0.996-1.006 at 99 %), and then it failed: "
        "crashed with SIGSEGV"
    )
    result["controls"]["delayed"] |= {"ratio": None, "interval": None, "passed": False}
    result["controls"]["identical"] |= {"ratio": None, "interval": None}
    assert "not measured, and then it failed" in control_sentences(result)[0][1]


def test_further_blocks_cost_what_blocks_cost_without_the_pilot_and_the_waits() -> None:
    result = quickstart()
    result["blocks"]["block_s"] = 3.0
    check_result(result)
    assert "about 40 more blocks, 2 min, would tell" in verdict_sentence(
        result["comparisons"][2], result
    )


def test_each_verdict_has_its_ratio_interval_and_what_to_do() -> None:
    result = quickstart()
    sentences = [verdict_sentence(record, result) for record in result["comparisons"]]
    assert sentences == [
        "stock/int8: faster, 0.689x (0.682-0.697)",
        "wide/float32: slower, 1.053x (1.047-1.059)",
        "wide/int8: inconclusive, 1.010x (0.990-1.030); about 40 more blocks, 6 min, would tell",
    ]


def test_small_and_equivalent_differences_name_the_effect() -> None:
    result = quickstart()
    small = comparison("wide", "int8", "slower", 1.008, [1.006, 1.01], below_effect=True)
    same = comparison("wide", "int8", "equivalent", 1.001, [0.995, 1.007])
    assert verdict_sentence(small, result).endswith("(1.006-1.010), but by less than 2 %")
    assert verdict_sentence(same, result).endswith("(0.995-1.007), within 2 %")


def test_one_block_and_no_block_say_that_they_cannot_tell() -> None:
    result = quickstart()
    one = comparison("wide", "int8", "inconclusive", 1.5, None, needed_blocks=None, blocks=1)
    none = one | {"ratio": None, "blocks": 0}
    assert "one block can't tell" in verdict_sentence(one, result)
    assert "not measured" in verdict_sentence(none, result)


def test_a_failed_baseline_and_a_single_variant_give_no_comparison() -> None:
    result = quickstart() | {"comparisons": []}
    result["variants"][0]["status"] = "failed"
    assert "the baseline failed" in headline(result)
    single = quickstart() | {"comparisons": [], "variants": [variant("stock", "float32", 1e5)]}
    assert "nothing to compare it with" in headline(single)


def test_controls_and_expectations_say_what_was_seen() -> None:
    identical, delayed = control_sentences(quickstart())
    assert identical[0]
    assert identical[1] == (
        "identical copy of the baseline: 1.001x (0.996-1.006 at 99 %), no difference found"
    )
    assert delayed[1].startswith("baseline delayed by 1.99 %: 1.020x (1.015-1.025 at 95 %), found")
    broken = {"text": "x: latency ratio at most 1.1", "holds": False, "measured": 1.2}
    assert expectation_sentence(broken) == "BROKEN: x: latency ratio at most 1.1 (measured 1.200)"


def test_where_there_are_recipes_the_headline_answers_for_them() -> None:
    assert headline(with_recipe()) == (
        "Against stock/float32, wide/float32 is slower (1.050x), stock/int8 is faster (0.689x) and "
        "wide/int8 is inconclusive (0.990-1.030). Each recipe was trained 5 times."
    )


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({}, "slower, 1.050x (1.020-1.080) over 5 trained models"),
        ({"below_effect": True}, "but by less than 2 %"),
        ({"verdict": "equivalent"}, "within 2 %"),
        ({"verdict": "inconclusive"}, "about 4 more seeds would tell, more blocks would not"),
        ({"verdict": "inconclusive", "needed_seeds": 4}, "more seeds may tell"),
        (
            {"verdict": "inconclusive", "seeds": 1, "interval": None, "needed_seeds": None},
            "1.050x from one trained model; one seed can't tell",
        ),
    ],
)
def test_a_recipe_is_judged_in_a_sentence(changes: dict[str, object], ending: str) -> None:
    ((_, sentence),) = recipe_sentences(with_recipe(**changes))
    assert sentence.startswith("wide/float32: ")
    assert sentence.endswith(ending)
