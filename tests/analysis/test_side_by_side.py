"""Two runs are compared where they can be, and what makes them unlike is said."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from runner.analysis.changes import Answer
from runner.analysis.side_by_side import SideBySide, put_side_by_side
from tests.results import quickstart, with_recipe

pytestmark = pytest.mark.fast

INT8 = "model.head=stock,quantize=int8"
WIDE = "model.head=wide,quantize=float32"


def scale(record: dict[str, Any], value: str, factor: float) -> None:
    record[value] *= factor
    record["interval"] = [end * factor for end in record["interval"]]


def changes(found: SideBySide) -> dict[str, Answer]:
    return {pair.name: pair.change.answer for pair in found.ratios if pair.change}


def differing(found: SideBySide) -> set[tuple[str, str]]:
    return {(one.kind, one.what) for one in found.differences}


def test_a_run_beside_its_like_differs_in_nothing_and_nothing_changed() -> None:
    found = put_side_by_side(quickstart(), quickstart())
    assert found.differences == ()
    assert (found.same_spec, found.latencies_judged) == (True, True)
    assert changes(found)[INT8] is Answer.SAME
    assert len(found.latencies) == 4
    assert all(pair.change for pair in found.latencies)


def test_a_ratio_that_moved_is_found_and_the_others_stay() -> None:
    second = quickstart()
    scale(second["comparisons"][0], "ratio", 1.2)
    found = put_side_by_side(quickstart(), second)
    assert changes(found)[INT8] is Answer.CHANGED
    assert changes(found)[WIDE] is Answer.SAME
    (pair,) = [pair for pair in found.ratios if pair.name == INT8]
    assert pair.change is not None
    assert pair.change.ratio == pytest.approx(1.2)
    assert (pair.first.verdict, pair.second.verdict) == ("faster", "faster")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("path", "value", "kind", "what"),
    [
        (("host", "name"), "board", "machine", "name"),
        (("host", "cores"), 64, "machine", "cores"),
        (("host", "kernel"), "Linux 7", "system", "kernel"),
        (("host", "governor"), "powersave", "system", "governor"),
        (("retime",), "9.9", "system", "retime"),
        (("design", "settings", "warmup_time_s"), 5.0, "settings", "warmup_time_s"),
        (("blocks", "warmup_factor"), 4, "settings", "warmup_factor"),
        (("variants", 1, "runtime", "version"), "3.0", "library", "version"),
        (("variants", 1, "runtime", "sha256"), "0" * 64, "library", "sha256"),
        (("variants", 1, "runtime", "threads"), 4, "library", "threads"),
        (("variants", 1, "runtime", "conditions"), {"priority": "yes"}, "settings", "priority"),
    ],
    ids=str,
)
def test_what_makes_runs_unlike_is_named_and_keeps_latencies_from_being_judged(
    path: tuple[Any, ...], value: Any, kind: str, what: str
) -> None:
    second = quickstart()
    place: Any = second
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    found = put_side_by_side(quickstart(), second)
    assert differing(found) == {(kind, what)}
    assert not found.latencies_judged
    assert all(pair.change is None and pair.first and pair.second for pair in found.latencies)
    # A ratio was measured within one run and stands for itself.
    assert changes(found)[INT8] is Answer.SAME
    if path[0] == "variants":
        assert found.differences[0].variants == (INT8,)


@pytest.mark.parametrize(
    ("change", "kind", "what"),
    [
        ({"spec_sha256": "0" * 64}, "spec", "sha256"),
        ({"question": "Another one?"}, "question", "question"),
    ],
)
def test_another_spec_or_question_is_named_and_latencies_are_still_alike(
    change: dict[str, Any], kind: str, what: str
) -> None:
    found = put_side_by_side(quickstart(), quickstart() | change)
    assert differing(found) == {(kind, what)}
    assert found.same_spec == (kind != "spec")
    assert found.latencies_judged


def test_another_model_file_is_named_with_its_variants() -> None:
    second = quickstart()
    second["variants"][1]["model"] = second["variants"][1]["model"] | {"sha256": "0" * 64}
    (one,) = put_side_by_side(quickstart(), second).differences
    assert (one.kind, one.variants) == ("model", (INT8,))


def test_a_variant_of_one_run_only_is_named_and_not_compared() -> None:
    second = quickstart()
    second["variants"][1]["name"] = "model.head=stock,quantize=float16"
    second["comparisons"][0]["variant"] = "model.head=stock,quantize=float16"
    found = put_side_by_side(quickstart(), second)
    assert found.only_first == (INT8,)
    assert found.only_second == ("model.head=stock,quantize=float16",)
    assert INT8 not in {pair.name for pair in (*found.ratios, *found.latencies)}


def test_ratios_to_other_baselines_are_shown_and_never_judged() -> None:
    second = quickstart()
    second["comparisons"][0]["baseline"] = WIDE
    (pair,) = [p for p in put_side_by_side(quickstart(), second).ratios if p.name == INT8]
    assert pair.change is None
    assert WIDE in pair.note


def test_a_variant_that_failed_in_one_run_is_shown_and_not_judged() -> None:
    second = quickstart()
    second["variants"][1] |= {"status": "failed", "latency_ns": None}
    del second["comparisons"][0]
    found = put_side_by_side(quickstart(), second)
    (pair,) = [pair for pair in found.ratios if pair.name == INT8]
    assert (pair.change, pair.second) == (None, None)
    assert "second run" in pair.note


def test_the_coarser_effect_and_the_higher_confidence_count() -> None:
    first, second = quickstart(), copy.deepcopy(quickstart())
    first["design"] |= {"effect": 0.1, "confidence": 0.9}
    found = put_side_by_side(first, second)
    assert {pair.change.effect for pair in found.ratios if pair.change} == {0.1}
    assert differing(found) == {("design", "effect"), ("design", "confidence")}
    assert found.latencies_judged


def test_recipes_are_compared_over_their_trained_models() -> None:
    (pair,) = put_side_by_side(with_recipe(), with_recipe(ratio=1.5, interval=[1.4, 1.6])).recipes
    assert pair.change is not None
    assert pair.change.answer is Answer.CHANGED


def test_results_of_before_settings_were_kept_can_be_compared() -> None:
    old = quickstart()
    del old["design"]["settings"]
    assert put_side_by_side(old, old).differences == ()
    assert ("settings", "inputs") in differing(put_side_by_side(old, quickstart()))
