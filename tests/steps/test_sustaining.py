"""Variants run back to back after the blocks, once each, and the result says what they sustain."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runner.errors import StageError
from runner.report.progress import Display
from runner.report.wording import throughput_sentences
from runner.spec.measurement import Limits
from runner.steps import sustaining
from runner.steps.ledger import read_ledger
from runner.steps.measuring import measure
from runner.steps.question import Question
from runner.store.runs import Run
from runner.timing import experiment
from runner.timing.host import read_conditions
from tests.results import check_result, quickstart
from tests.steps.experiments import BASE, OTHER, result_of, spec_of
from tests.steps.fake_target import FakeTarget, Samples
from tests.steps.test_deadline import Bell

pytestmark = pytest.mark.fast

Ask = Callable[..., Question]


def tiring(name: str, index: int, samples: Samples) -> Samples:
    """A thousand nanoseconds a run, twice that from half of the time on where it is sustained."""
    if index <= 6 or name != OTHER:
        return samples
    return np.repeat([1000, 2000], [1000, 500])


def test_every_variant_is_run_for_as_long_as_asked_after_the_blocks(
    ask: Ask, fake_run: Run, display: Display
) -> None:
    target = FakeTarget()
    measure(ask(sustained_s=0.002), fake_run, target, display)
    last = [(arm, job.min_run_time_ns) for arm, job, _ in target.jobs[-2:]]
    assert sorted(last) == [(BASE, 2_000_000), (OTHER, 2_000_000)]
    assert all(job.min_run_time_ns == 0 for _, job, _ in target.jobs[:-2])
    events = [event for event in fake_run.journal.events() if event["event"] == "sustained"]
    assert sorted(event["arm"] for event in events) == [BASE, OTHER]
    assert [event["count"] for event in events] == [2000, 2000]


def test_sustained_load_has_no_pauses_even_where_blocks_have_them(
    ask: Ask, fake_run: Run, display: Display
) -> None:
    question = ask(sustained_s=0.002)
    paused = (("run_gap_ns", 1000), ("flush_caches", True), ("inputs", "zeros"))
    arms = [replace(arm, options=paused) for arm in question.arms]
    target = FakeTarget()
    measure(replace(question, arms=arms), fake_run, target, display)
    kinds = [(job.run_gap_ns, job.flush_caches, job.inputs) for _, job, _ in target.jobs]
    assert set(kinds[:-2]) == {(1000, True, "zeros")}
    assert set(kinds[-2:]) == {(0, False, "zeros")}


def test_a_deadline_leaves_the_variants_whose_turn_did_not_come_for_another_time(
    ask: Ask, fake_run: Run, display: Display
) -> None:
    bell = Bell(6 + 3 * 4 + 1)
    question = ask(sustained_s=0.002)
    first = measure(question, fake_run, FakeTarget(bell), display, bell.deadline)
    assert (first.stopped, len(first.ledger.sustained)) == ("deadline", 1)
    target = FakeTarget()
    second = measure(question, fake_run, target, display)
    assert (second.stopped, len(second.ledger.sustained)) == ("blocks", 2)
    assert len(target.jobs) == 1


def test_what_disturbs_a_variant_under_load_is_told_beside_its_rate(
    ask: Ask, fake_run: Run, display: Display, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = read_conditions()
    readings = (replace(loaded, busy_s=1e9 * number) for number in itertools.count())
    monkeypatch.setattr(sustaining, "read_conditions", lambda: next(readings))
    question = ask(sustained_s=0.002, limits=Limits(1e9, load_cores=0.5, temperature_c=3.0))
    monkeypatch.setattr(experiment, "read_conditions", lambda: loaded)
    found = measure(question, fake_run, FakeTarget(), display)
    spec = spec_of(tmp_path, "{sustained: 2ms}")
    result = result_of(spec, found, fake_run, tmp_path)
    assert result["variants"][0]["throughput"]["disturbances"] == ["load from others"]
    assert throughput_sentences(result)[0].endswith("; disturbed: load from others")


def test_the_result_tells_the_rate_and_its_fall(
    ask: Ask, fake_run: Run, display: Display, tmp_path: Path
) -> None:
    experiment = measure(ask(sustained_s=0.002), fake_run, FakeTarget(tiring), display)
    spec = spec_of(tmp_path, "{sustained: 2ms}")
    result = result_of(spec, experiment, fake_run, tmp_path)
    found = {one["name"]: one["throughput"] for one in result["variants"]}
    assert found[OTHER]["per_second"] == pytest.approx(750_000)
    assert found[OTHER]["decay"] == pytest.approx(0.5)
    assert found[BASE]["decay"] == pytest.approx(0, abs=0.02)
    assert len(found[OTHER]["temperature_c"]) == len(found[OTHER]["frequency_khz"]) == 2
    assert not [one for one in result["warnings"] if one["kind"] == "not-sustained"]


def test_without_being_asked_nothing_is_run_and_nothing_said(
    ask: Ask, fake_run: Run, display: Display, tmp_path: Path
) -> None:
    target = FakeTarget()
    experiment = measure(ask(), fake_run, target, display)
    assert len(target.jobs) == 6 + 3 * 4
    result = result_of(spec_of(tmp_path), experiment, fake_run, tmp_path)
    assert {one["throughput"] for one in result["variants"]} == {None}
    assert throughput_sentences(result) == []


def test_it_is_not_run_twice_unless_for_another_time(
    ask: Ask, fake_run: Run, display: Display
) -> None:
    measure(ask(sustained_s=0.002), fake_run, FakeTarget(), display)
    again, longer = FakeTarget(), FakeTarget()
    measure(ask(sustained_s=0.002), fake_run, again, display)
    measure(ask(sustained_s=0.004), fake_run, longer, display)
    assert (len(again.jobs), len(longer.jobs)) == (0, 2)
    assert {e["asked_s"] for e in read_ledger(fake_run).sustained.values()} == {0.004}


def test_a_failure_under_load_takes_nothing_from_the_blocks_and_is_a_warning(
    ask: Ask, fake_run: Run, display: Display, tmp_path: Path
) -> None:
    def change(name: str, index: int, samples: Samples) -> Samples:
        if name == OTHER and index > 6:
            raise StageError("crashed", stage="time", kind="crashed")
        return samples

    target = FakeTarget(change)
    experiment = measure(ask(sustained_s=0.002), fake_run, target, display)
    assert [arm for arm, _, _ in target.jobs[-3:]].count(OTHER) == 2
    assert not experiment.ledger.dropped
    spec = spec_of(tmp_path, "{sustained: 2ms}")
    result = result_of(spec, experiment, fake_run, tmp_path)
    (warning,) = [one for one in result["warnings"] if one["kind"] == "not-sustained"]
    assert warning["message"].startswith(OTHER)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {},
            (
                "wide/float32: 3,210 inferences a second over 10 s, 4 % fewer at the end than at"
                " the start (51 to 63 C, 1.80 to 1.50 GHz)"
            ),
        ),
        (
            {"decay": 0.001, "temperature_c": [None, None], "frequency_khz": [None, None]},
            "wide/float32: 3,210 inferences a second over 10 s, as many at the end as at the start",
        ),
        (
            {"decay": -0.03, "per_second": 3.456, "frequency_khz": [None, 1]},
            (
                "wide/float32: 3.46 inferences a second over 10 s, 3 % more at the end than at the"
                " start (51 to 63 C)"
            ),
        ),
    ],
)
def test_a_sentence_says_what_a_variant_sustains(changes: dict[str, object], sentence: str) -> None:
    result = quickstart()
    found = {
        "per_second": 3210.0,
        "rates": [3200.0] * 10,
        "decay": 0.04,
        "runs": 32100,
        "seconds": 10.0,
        "temperature_c": [51.0, 63.2],
        "frequency_khz": [1_800_000, 1_500_000],
    }
    result["variants"][2]["throughput"] = found | changes
    check_result(result)
    assert throughput_sentences(result) == [sentence]
