"""A batch answers what matters most first, and of that what takes least time."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from runner.analysis.forecast import assumed, foresee_timing
from runner.errors import EnvironmentUnusableError
from runner.report.plan import Outlook, StageOutlook, TimingOutlook
from runner.spec.model import Spec
from runner.steps.queueing import make_queue
from tests.steps.experiments import spec_of

pytestmark = pytest.mark.fast

LOG = Path("bug.log")


def stage(key: str, seconds: float | None, *, cached: bool = False) -> StageOutlook:
    return StageOutlook(key, "train", key, (), 1, cached, "", seconds, None)


def named(tmp_path: Path, name: str, priority: int = 0) -> Spec:
    return dataclasses.replace(spec_of(tmp_path), name=name, priority=priority)


def outlook(*stages: StageOutlook, finished: bool = False) -> Outlook:
    measure = spec_of(Path()).measure
    forecast = foresee_timing(measure, 2, 1, assumed(measure))
    timing = TimingOutlook(forecast, "", 0, finished, measure.max_time_s)
    return Outlook("", "", 2, {}, stages, timing)


def test_priority_comes_first_and_then_what_takes_less_time(tmp_path: Path) -> None:
    work = {
        "long": outlook(stage("a", 900.0)),
        "short": outlook(stage("b", 9.0)),
        "urgent": outlook(stage("c", 9000.0)),
        "later": outlook(),
    }
    priorities = {"urgent": 5, "later": -1}
    specs = [named(tmp_path, name, priorities.get(name, 0)) for name in work]
    queue = make_queue(specs, lambda spec: work[spec.name], LOG)
    assert [turn.spec.name for turn in queue] == ["urgent", "short", "long", "later"]


def test_a_stage_that_two_specs_need_is_counted_once_and_in_the_first(tmp_path: Path) -> None:
    work = {
        "one": outlook(stage("data", 5.0), stage("a", 50.0)),
        "two": outlook(stage("data", 5.0), stage("b", 70.0)),
    }
    queue = make_queue([named(tmp_path, name) for name in work], lambda spec: work[spec.name], LOG)
    assert [(turn.stages, turn.shared, turn.build_s) for turn in queue] == [
        (2, 0, 55.0),
        (1, 1, 70.0),
    ]


def test_what_stands_already_takes_no_time(tmp_path: Path) -> None:
    done = outlook(stage("a", None, cached=True), finished=True)
    (turn,) = make_queue([named(tmp_path, "done")], lambda _: done, LOG)
    assert (turn.seconds, turn.is_certain) == (0.0, True)


def test_a_stage_of_a_kind_that_was_never_run_makes_the_time_uncertain(tmp_path: Path) -> None:
    new = outlook(stage("a", None), stage("b", 10.0))
    (turn,) = make_queue([named(tmp_path, "new")], lambda _: new, LOG)
    assert (turn.unknown, turn.build_s, turn.is_certain) == (1, 10.0, False)


def test_a_spec_that_can_not_be_foreseen_keeps_its_turn(tmp_path: Path) -> None:
    error = EnvironmentUnusableError("no library")

    def foresee(_: Spec) -> Outlook:
        raise error

    (turn,) = make_queue([named(tmp_path, "odd")], foresee, LOG)
    assert turn.outlook is None
    assert turn.error is error
    assert not turn.is_certain


def test_a_bug_in_foreseeing_one_spec_takes_no_other_along(tmp_path: Path) -> None:
    def foresee(spec: Spec) -> Outlook:
        if spec.name == "odd":
            raise KeyError("comparisons")
        return outlook()

    log = tmp_path / "bug.log"
    queue = make_queue([named(tmp_path, name) for name in ("odd", "even")], foresee, log)
    errors = {turn.spec.name: turn.error for turn in queue}
    assert errors["even"] is None
    assert errors["odd"] is not None
    assert "bug in Retime: KeyError" in errors["odd"].what
    assert "foresee" in log.read_text()
