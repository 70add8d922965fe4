"""The bounds that benchmarks hold figures against allow for chance, and for no more."""

from pathlib import Path

import pytest

from benchmarks.paired import CONDITIONS, Bench, make_model
from benchmarks.verdicts import Rate


@pytest.mark.fast
@pytest.mark.parametrize(
    ("rate", "kept", "text"),
    [
        # At a true 5 %, 40 experiments give six alarms or fewer in 99 % of all cases.
        (Rate(6, 40, 0.05, at_most=True), True, "6/40 (15.0%), <= 6"),
        (Rate(7, 40, 0.05, at_most=True), False, "7/40 (17.5%), <= 6 !"),
        # At a true 90 %, 40 experiments find 31 or more in 99 % of all cases.
        (Rate(31, 40, 0.9, at_most=False), True, "31/40 (77.5%), >= 31"),
        (Rate(30, 40, 0.9, at_most=False), False, "30/40 (75.0%), >= 31 !"),
        (Rate(0, 0, 0.9, at_most=False), True, "none"),
    ],
)
def test_a_bound_is_missed_where_chance_does_not_explain_the_count(
    rate: Rate,
    kept: object,
    text: str,
) -> None:
    assert bool(rate.is_kept) is kept
    assert str(rate) == text


@pytest.mark.acceptance
def test_a_real_pair_can_be_judged_with_the_tool_of_today_beside_it(tmp_path: Path) -> None:
    """So that the parts that the benchmark is made of can't change without it."""
    bench = Bench(tmp_path, seconds=3.0, with_today=True)
    make_model(bench.model, 1)
    outcomes = list(bench.run(1, "identical"))
    assert [outcome.condition for outcome in outcomes] == list(CONDITIONS)
    # One block at least: on a loaded machine three seconds may hold no second one.
    assert all(outcome.blocks >= 1 and outcome.today is not None for outcome in outcomes)
