"""Processes that hang or lie, and experiments of one block and of very many."""

from __future__ import annotations

import gc
import tracemalloc
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.errors import StageError
from runner.report.progress import Display
from runner.report.wording import headline, verdict_sentence
from runner.steps.deadline import NEVER, deadline_in
from runner.steps.ledger import Ledger, read_ledger
from runner.steps.measuring import measure
from runner.steps.question import Question
from runner.steps.staying import Stay
from runner.store.runs import Run
from runner.timing.protocol import DELAYED, IDENTICAL
from tests.steps.experiments import BASE, OTHER, result_of, spec_of
from tests.steps.fake_target import FakeTarget, Samples, hang

pytestmark = pytest.mark.fast


def spoil(number: int, arm: str, becomes: Any) -> FakeTarget:
    """One process whose samples become others, or which raises; numbered from the pilot's three."""

    def change(name: str, index: int, samples: Samples) -> Samples:
        if (name, index) != (arm, number):
            return samples
        if isinstance(becomes, StageError):
            raise becomes
        samples[: len(becomes)] = becomes
        return samples if len(becomes) else samples[:0]

    return FakeTarget(change)


STEPPED = StageError(
    "time failed", stage="time", kind="refused", why="sample 3 is -5 ns: the clock stepped back"
)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ([0], "a clock that did not advance"),
        ([-5], "a clock that did not advance"),
        ([], "a clock that did not advance"),
        (STEPPED, "a clock that did not advance"),
        (hang(), "a process hung"),
        (StageError("Invoke failed", stage="time", kind="refused"), "a process failed"),
    ],
)
def test_a_process_that_lies_or_hangs_spoils_its_block_which_is_named_and_done_again(
    ask: Callable[..., Question], fake_run: Run, display: Display, fault: Any, reason: str
) -> None:
    ledger = measure(ask(), fake_run, spoil(5, OTHER, fault), display).ledger
    assert ledger.reasons == {reason: 1}
    assert not ledger.dropped
    assert {name: len(arm) for name, arm in ledger.arms.items()} == dict.fromkeys(fake_run.arms, 3)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_variant_is_given_up_after_the_retries_that_the_spec_allows(
    ask: Callable[..., Question], fake_run: Run, display: Display, retries: int
) -> None:
    def change(name: str, index: int, samples: Samples) -> Samples:
        if name == OTHER and index >= 5:
            raise hang()
        return samples

    target = FakeTarget(change)
    ledger = measure(ask(retries=retries), fake_run, target, display).ledger
    assert [name for name, _, _ in target.jobs].count(OTHER) == 5 + retries
    assert ledger.dropped[OTHER]["kind"] == "timeout"
    assert {name: len(arm) for name, arm in ledger.arms.items()} == {
        BASE: 3,
        IDENTICAL: 3,
        DELAYED: 3,
        OTHER: 1,
    }


def test_a_variant_that_lies_in_the_pilot_is_given_up_there(
    ask: Callable[..., Question], fake_run: Run, display: Display
) -> None:
    def change(name: str, index: int, samples: Samples) -> Samples:
        return samples * (name != OTHER)

    ledger = measure(ask(retries=2), fake_run, FakeTarget(change), display).ledger
    assert ledger.dropped[OTHER]["message"].startswith("the clock did not advance")


@pytest.mark.parametrize(("given", "pilot_s", "timed_s"), [(None, 600, 60), (7.5, 7.5, 7.5)])
def test_a_process_hangs_after_the_time_that_the_spec_allows(
    ask: Callable[..., Question],
    fake_run: Run,
    display: Display,
    given: float | None,
    pilot_s: float,
    timed_s: float,
) -> None:
    target = FakeTarget()
    measure(ask(process_timeout_s=given), fake_run, target, display)
    timeouts = [timeout_s for _, _, timeout_s in target.jobs]
    assert timeouts == [pilot_s] * 6 + [timed_s] * 12


def test_one_block_concludes_nothing_and_says_so(
    ask: Callable[..., Question], fake_run: Run, display: Display, tmp_path: Path
) -> None:
    spec = spec_of(tmp_path)
    experiment = measure(ask(min_blocks=1, max_blocks=1), fake_run, FakeTarget(), display)
    result = result_of(spec, experiment, fake_run, tmp_path)
    (comparison,) = result["comparisons"]
    assert (comparison["verdict"], comparison["interval"]) == ("inconclusive", None)
    assert "one block can't tell" in verdict_sentence(comparison, result)
    assert headline(result).startswith("Unproven: there are too few blocks for the controls")


KILLED = StageError("the process was killed in warm-up", stage="time", kind="killed")
REFUSED = StageError("the system had no room", stage="time", kind="unavailable")


def failing(arm: str, numbers: Collection[int], error: StageError) -> FakeTarget:
    """An arm whose processes with these numbers fail; the pilot has the first three."""

    def change(name: str, index: int, samples: Samples) -> Samples:
        if name == arm and index in numbers:
            raise error
        return samples

    return FakeTarget(change)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(KILLED, "a process was killed"), (REFUSED, "the system had no process to give")],
)
@pytest.mark.parametrize("number", [1, 5])
def test_what_may_be_gone_in_a_while_is_waited_for_and_not_held_against_an_arm(
    ask: Callable[..., Question],
    fake_run: Run,
    display: Display,
    error: StageError,
    reason: str,
    number: int,
) -> None:
    question = replace(ask(retries=0), kills=1)
    ledger = measure(question, fake_run, failing(OTHER, {number}, error), display).ledger
    assert not ledger.dropped
    assert ledger.blocks_done == 3
    assert ledger.reasons[reason] == (number > 3)
    (waited,) = [event for event in fake_run.journal.events() if event["event"] == "waited"]
    assert waited["seconds"] == 2.0
    assert read_ledger(fake_run).killed == ledger.killed == Counter()


def test_an_arm_that_is_killed_again_and_again_is_given_up(
    ask: Callable[..., Question], fake_run: Run, display: Display
) -> None:
    question = replace(ask(), kills=0)
    ledger = measure(question, fake_run, failing(OTHER, {4}, KILLED), display).ledger
    assert ledger.dropped[OTHER]["kind"] == "killed"
    assert len(ledger.arms[BASE]) == 3


def test_a_baseline_that_was_given_up_in_the_pilot_is_tried_again_by_the_same_command(
    ask: Callable[..., Question], fake_run: Run, display: Display
) -> None:
    question = replace(ask(), kills=0)
    first = measure(question, fake_run, failing(BASE, {1}, KILLED), display)
    assert (first.stopped, list(first.ledger.dropped)) == ("failed", [BASE])
    second = measure(question, fake_run, FakeTarget(), display)
    assert (second.stopped, second.ledger.dropped) == ("blocks", {})
    assert len(second.ledger.arms[BASE]) == 3


def test_a_baseline_that_was_given_up_and_has_no_time_left_is_said_to_have_failed(
    ask: Callable[..., Question], fake_run: Run, display: Display
) -> None:
    question = replace(ask(), kills=0)
    measure(question, fake_run, failing(BASE, {1}, KILLED), display)
    again = measure(question, fake_run, FakeTarget(), display, deadline_in(0.0))
    assert (again.stopped, again.delay_ns) == ("failed", 0)


def test_a_variant_that_was_given_up_is_tried_again_and_the_others_keep_their_blocks(
    ask: Callable[..., Question], fake_run: Run, display: Display, tmp_path: Path
) -> None:
    crash = StageError("crashed with SIGSEGV", stage="time", kind="crashed")
    question = ask(max_blocks=3)
    first = measure(question, fake_run, failing(OTHER, {5, 6}, crash), display).ledger
    assert list(first.dropped) == [OTHER]
    before = dict(first.arms[BASE])

    # There is no room for a block: the reason stands.
    same = measure(question, fake_run, FakeTarget(), display)
    assert (same.stopped, list(same.ledger.dropped)) == ("blocks", [OTHER])

    spec = spec_of(tmp_path)
    more = measure(ask(max_blocks=6, min_blocks=6), fake_run, FakeTarget(), display)
    assert (more.stopped, more.ledger.dropped) == ("blocks", {})
    assert {name: list(arm) for name, arm in more.ledger.arms.items()} == {
        BASE: [0, 1, 2, 3, 4, 5],
        IDENTICAL: [0, 1, 2, 3, 4, 5],
        DELAYED: [0, 1, 2, 3, 4, 5],
        OTHER: [0, 3, 4, 5],
    }
    assert {block: more.ledger.arms[BASE][block] for block in before} == before
    (comparison,) = result_of(spec, more, fake_run, tmp_path)["comparisons"]
    assert comparison["blocks"] == 4


def test_a_line_that_is_lost_readmits_an_arm_all_the_same(
    ask: Callable[..., Question], fake_run: Run, display: Display
) -> None:
    question = replace(ask(), kills=0)
    measure(question, fake_run, failing(BASE, {1}, KILLED), display)
    measure(question, fake_run, FakeTarget(), display)
    journal = fake_run.folder / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(line for line in lines if '"readmitted"' not in line))
    assert not read_ledger(fake_run).dropped


def test_thousands_of_disturbed_attempts_are_no_number_too_large(
    ask: Callable[..., Question], fake_run: Run, display: Display, tmp_path: Path
) -> None:
    stay = Stay(
        *(ask(max_time_s=0.0), fake_run, FakeTarget(), tmp_path, Ledger(), display, NEVER),
        in_vain=5000,
    )
    stay.rest(display.task("timing"))
    stay.starved = 5000
    stay.rest(display.task("timing"))


def allocated_bytes() -> int:
    """What lines of this package hold; the interpreter's own tables grow in leaps."""
    gc.collect()
    ours = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(inclusive=True, filename_pattern="*/runner/*")]
    )
    return sum(trace.size for trace in ours.traces)


def test_memory_grows_by_a_summary_a_process_however_many_runs_it_has(
    ask: Callable[..., Question], fake_run: Run, display: Display
) -> None:
    """Samples stream to the disk: a thousand runs of 8 bytes each would show."""
    seen: list[int] = []

    def watch(name: str, index: int, samples: Samples) -> Samples:
        if name == BASE and index in {53, 153}:
            seen.append(allocated_bytes())
        return np.full(1000, 1000) if index > 3 else samples

    tracemalloc.start()
    try:
        question = ask(max_blocks=160, min_blocks=160, effect=1e-9)
        ledger = measure(question, fake_run, FakeTarget(watch), display).ledger
    finally:
        tracemalloc.stop()
    assert ledger.blocks_done == 160
    assert (seen[1] - seen[0]) / (100 * len(fake_run.arms)) < 1000
