"""Verdicts are said so that a person who knows no statistics understands them."""

import pytest

from runner.report.wording import (
    control_sentences,
    expectation_sentence,
    headline,
    recipe_sentences,
    verdict_sentence,
)
from tests.results import check_result, comparison, quickstart, variant, with_recipe

pytestmark = pytest.mark.fast


def test_the_fixture_is_a_valid_result() -> None:
    check_result(quickstart())


def test_the_headline_answers_in_one_sentence() -> None:
    assert headline(quickstart()) == (
        "Against stock/float32, stock/int8 is faster (0.689x), wide/float32 is slower (1.053x) "
        "and wide/int8 is inconclusive (0.990-1.030)."
    )


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
