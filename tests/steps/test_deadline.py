"""An end that somebody else set leaves what is not done, and loses nothing of what is."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from runner.errors import OutOfTimeError
from runner.report.progress import Display
from runner.steps.deadline import NEVER, Deadline, deadline_in
from runner.steps.ledger import read_ledger
from runner.steps.measuring import measure
from runner.steps.question import Question
from runner.store.runs import Run, was_cut_short
from tests.steps.experiments import result_of, spec_of
from tests.steps.fake_target import FakeTarget, Samples

pytestmark = pytest.mark.fast

LONG = 200


class Bell:
    """A target's change that rings at its n-th sample: the deadline comes then, at no time."""

    def __init__(self, rings_at: int) -> None:
        self.calls, self.rings_at = 0, rings_at

    def __call__(self, arm: str, number: int, samples: Samples) -> Samples:
        self.calls += 1
        return samples

    @property
    def deadline(self) -> Deadline:
        bell = self

        class Rung(Deadline):
            @property
            def left_s(self) -> float:
                return 0.0 if bell.calls >= bell.rings_at else math.inf

        return Rung()


def test_an_experiment_that_is_out_of_time_keeps_its_blocks_and_goes_on_later(
    fake_run: Run, ask: Callable[..., Question], display: Display
) -> None:
    question = ask(max_blocks=LONG, min_blocks=LONG)
    bell = Bell(50)
    ended = measure(question, fake_run, FakeTarget(bell), display, bell.deadline)
    assert ended.stopped == "deadline"
    before = read_ledger(fake_run).blocks_done
    assert 0 < before < LONG
    # The block that was under way was finished.
    assert not read_ledger(fake_run).open_arms

    events = [event["event"] for event in fake_run.journal.events()]
    again = measure(question, fake_run, FakeTarget(), display, NEVER)
    assert (again.stopped, again.ledger.blocks_done) == ("blocks", LONG)
    after = [event["event"] for event in fake_run.journal.events()]
    assert after[: len(events)] == events
    assert after.count("pilot") == 1


def test_before_there_is_a_block_there_is_nothing_to_show(
    fake_run: Run, ask: Callable[..., Question], display: Display
) -> None:
    bell = Bell(0)
    with pytest.raises(OutOfTimeError, match="used up"):
        measure(ask(), fake_run, FakeTarget(bell), display, bell.deadline)
    assert bell.calls == 0


def test_a_result_that_was_cut_short_says_so_and_does_not_stand(
    fake_run: Run,
    ask: Callable[..., Question],
    display: Display,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    bell = Bell(50)
    question = ask(max_blocks=LONG, min_blocks=LONG)
    folder = tmp_path_factory.mktemp("result")
    ended = measure(question, fake_run, FakeTarget(bell), display, bell.deadline)
    assert was_cut_short(result_of(spec_of(folder), ended, fake_run, folder))
    whole = measure(question, fake_run, FakeTarget(), display)
    assert not was_cut_short(result_of(spec_of(folder), whole, fake_run, folder))


def test_no_time_given_is_no_end() -> None:
    assert deadline_in(None) is NEVER
    assert NEVER.wait_s is None
    assert not NEVER.is_past
    assert deadline_in(0.0).is_past
    assert 0 < (deadline_in(1000.0).wait_s or 0) <= 1000
