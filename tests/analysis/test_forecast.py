"""What a budget is foreseen to find agrees with the rule by which experiments end."""

from __future__ import annotations

import dataclasses
import math

import pytest

from runner.analysis.forecast import Experience, Forecast, experience_of, foresee_timing
from runner.analysis.precision import Precision
from runner.analysis.verdicts import Design
from runner.report.plan import TimingOutlook, timing_sentences
from tests.analysis.simulation import process
from tests.results import quickstart
from tests.steps.test_measuring import MEASURE

pytestmark = pytest.mark.fast

PLAN = dataclasses.replace(
    MEASURE, effect=0.02, confidence=0.95, max_time_s=36_000.0, min_blocks=20, max_blocks=10_000
)


def last_sentence(forecast: Forecast) -> str:
    timing = TimingOutlook(forecast, "", 0, is_finished=False, max_time_s=PLAN.max_time_s)
    return timing_sentences(timing)[-1]


@pytest.mark.parametrize("comparisons", [1, 3, 11])
def test_as_many_blocks_are_foreseen_as_the_stopping_rule_will_ask_for(comparisons: int) -> None:
    spread, count = 0.05, 100
    away = [spread * math.sqrt((count - 1) / count) * (1 if b % 2 else -1) for b in range(count)]
    arms = {"base": {b: process(0.0, b) for b in range(count)}}
    arms |= {f"v{i}": {b: process(away[b], b) for b in range(count)} for i in range(comparisons)}
    precision = Precision(Design(PLAN.effect, PLAN.confidence))
    precision.take_up(arms, {name: "base" for name in arms if name != "base"})
    forecast = foresee_timing(PLAN, comparisons + 1, comparisons, Experience(spread, 0.35))
    assert forecast.processes / forecast.arms == pytest.approx(precision.needed_blocks(), abs=1)


@pytest.mark.parametrize("comparisons", [1, 3, 11])
@pytest.mark.parametrize("spread", [0.01, 0.02, 0.03, 0.05])
def test_what_is_planned_in_full_is_never_called_too_little(
    comparisons: int, spread: float
) -> None:
    forecast = foresee_timing(PLAN, comparisons + 1, comparisons, Experience(spread, 0.35))
    assert forecast.wanted_s <= forecast.seconds
    assert forecast.is_enough
    assert "enough for the 2 %" in last_sentence(forecast)


def test_a_budget_that_is_too_small_is_told_how_long_it_would_take() -> None:
    small = dataclasses.replace(PLAN, max_time_s=120.0)
    forecast = foresee_timing(small, 12, 11, Experience(0.05, 0.35))
    assert not forecast.is_enough
    assert forecast.wanted_s > forecast.seconds
    assert "too little for the 2 % that you ask for, which takes about" in last_sentence(forecast)


def test_more_power_than_the_precision_gives_is_not_promised_for_more_time() -> None:
    sure = dataclasses.replace(PLAN, power=0.9999)
    forecast = foresee_timing(sure, 2, 1, Experience(0.05, 0.35))
    assert not forecast.is_enough
    assert "with a smaller measure.effect it goes on" in last_sentence(forecast)


def test_what_a_process_takes_is_learnt_from_blocks_without_pilot_and_waits() -> None:
    result = quickstart()
    arms, old = len(result["variants"]) + 2, experience_of(result)
    assert old is not None
    assert old.process_s == pytest.approx(108.0 / 12 / arms)
    result["blocks"]["block_s"] = 4.5
    new = experience_of(result)
    assert new is not None
    assert new.process_s == pytest.approx(4.5 / arms)
