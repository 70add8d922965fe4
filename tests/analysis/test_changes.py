"""What changed between two independent runs is judged as the literature does it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from runner.analysis.changes import Answer, Estimate, estimate_of, find_changes, welch_freedom
from runner.analysis.statistics import t_interval
from runner.analysis.verdicts import Design

pytestmark = pytest.mark.fast

DESIGN = Design(effect=0.02, confidence=0.95)
# Hours of sleep gained by two drugs, Cushny & Peebles (1905), as Student (1908) took them.
SLEEP = (
    (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0),
    (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4),
)


def estimate(logs: Sequence[float], confidence: float = 0.95) -> Estimate:
    """By the way that a result goes: a ratio and the ends of its interval."""
    interval = t_interval(logs, confidence)
    ends = math.exp(interval.low), math.exp(interval.high)
    found = estimate_of(math.exp(interval.mean), ends, len(logs), confidence)
    assert found is not None
    return found


def test_the_worked_example_of_student_gives_welchs_figures() -> None:
    # t = 1.8608 at 17.776 degrees of freedom, p = 0.07939, interval -0.2054832 to 3.3654832.
    first, second = map(estimate, SLEEP)
    assert welch_freedom(first, second) == pytest.approx(17.776, abs=1e-3)
    (change,) = find_changes([(first, second)], DESIGN)
    assert change.p_value == pytest.approx(0.07939, abs=1e-5)
    assert math.log(change.ratio) == pytest.approx(1.58)
    ends = [math.log(end) for end in change.interval]
    assert ends == pytest.approx([-0.2054832, 3.3654832], abs=1e-6)
    assert change.answer is Answer.UNCLEAR


def test_what_stands_behind_an_interval_is_found_at_any_confidence() -> None:
    logs = np.random.default_rng(1).normal(0.1, 0.02, 17)
    error = float(logs.std(ddof=1)) / math.sqrt(17)
    for confidence in (0.8, 0.95, 0.999):
        found = estimate(list(logs), confidence)
        assert (found.log_mean, found.error) == pytest.approx((logs.mean(), error))
        assert found.freedom == 16


def test_test_and_interval_are_those_of_scipy() -> None:
    generator = np.random.default_rng(2)
    one, other = generator.normal(0, 0.01, 12), generator.normal(0.015, 0.05, 30)
    (change,) = find_changes([(estimate(list(one)), estimate(list(other)))], DESIGN)
    expected = stats.ttest_ind(other, one, equal_var=False)
    ends = expected.confidence_interval(0.95)
    assert change.p_value == pytest.approx(expected.pvalue)
    assert [math.log(end) for end in change.interval] == pytest.approx([ends.low, ends.high])


@pytest.mark.parametrize(
    ("distance", "error", "answer", "below"),
    [
        (0.1, 0.005, Answer.CHANGED, False),
        (-0.1, 0.005, Answer.CHANGED, False),
        (0.005, 0.001, Answer.CHANGED, True),
        (0.001, 0.004, Answer.SAME, False),
        (0.001, 0.02, Answer.UNCLEAR, False),
        (0.0, 0.0, Answer.SAME, False),
        (0.1, 0.0, Answer.CHANGED, False),
    ],
)
def test_changed_same_and_cant_tell_are_told_apart(
    distance: float, error: float, answer: Answer, *, below: bool
) -> None:
    one, other = Estimate(0.3, error, 19), Estimate(0.3 + distance, error, 19)
    (change,) = find_changes([(one, other)], DESIGN)
    assert (change.answer, change.below_effect) == (answer, below)
    assert change.ratio == pytest.approx(math.exp(distance))


def test_the_more_is_compared_the_more_each_change_has_to_stand_out() -> None:
    edge = (Estimate(0.0, 0.01, 100), Estimate(0.03, 0.01, 100))
    still = (Estimate(0.0, 0.01, 100), Estimate(0.001, 0.01, 100))
    alone = find_changes([edge], DESIGN)[0]
    among = find_changes([edge, *[still] * 5], DESIGN)[0]
    assert (alone.answer, among.answer) == (Answer.CHANGED, Answer.UNCLEAR)
    assert among.adjusted_p_value == pytest.approx(6 * alone.p_value)


def test_where_nothing_is_known_of_the_spread_there_is_no_estimate() -> None:
    assert estimate_of(1.0, None, 10, 0.95) is None
    assert estimate_of(None, [0.9, 1.1], 10, 0.95) is None
    assert estimate_of(1.0, [0.9, 1.1], 1, 0.95) is None


def test_two_runs_of_the_same_are_called_changed_no_oftener_than_promised() -> None:
    generator = np.random.default_rng(3)
    wrong = 0
    for _ in range(1000):
        family = []
        for _ in range(3):
            one, other = generator.normal(0.2, 0.02, 12), generator.normal(0.2, 0.04, 25)
            family.append((estimate(list(one)), estimate(list(other))))
        wrong += any(change.answer is Answer.CHANGED for change in find_changes(family, DESIGN))
    # 5 % of families; three standard errors of 1000 of them are 2.1 %.
    assert wrong <= 71
