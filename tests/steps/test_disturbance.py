"""A machine that is loaded, hot or cold while it measures: what is done again, how that ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.errors import StageError
from runner.report.progress import Display
from runner.report.wording import block_sentence, headline
from runner.spec.measurement import Limits
from runner.steps import measuring, piloting, staying, sustaining
from runner.steps.blocks import changes_between
from runner.steps.ledger import read_ledger
from runner.steps.measuring import measure
from runner.steps.question import Question
from runner.store.runs import Run, was_cut_short
from runner.timing import experiment
from runner.timing.host import Conditions
from runner.timing.protocol import DELAYED
from tests.steps.experiments import BASE, OTHER, result_of, spec_of
from tests.steps.fake_target import FakeTarget, Samples, hang

pytestmark = pytest.mark.fast

Ask = Callable[..., Question]
LIMITS = Limits(steal=0.1, load_cores=0.5, temperature_c=3.0)
# Processes of a pilot, and of a block.
PILOT, BLOCK = 6, 4


@dataclass
class Machine:
    """A machine of which every process takes a second, as far as its counters tell.

    Attributes:
        temperature_c: now; it falls by half a degree a second of rest, down to `idle_c`.
        working_c: which each process brings it a degree closer to.
        loaded: numbers of processes, from 0, beside which somebody else works hard.
    """

    temperature_c: float = 50.0
    idle_c: float = 50.0
    working_c: float = 50.0
    loaded: set[int] = field(default_factory=set)
    now_s: float = 1000.0
    others_s: float = 0.0
    number: int = 0
    slept: list[float] = field(default_factory=list)

    def read(self) -> Conditions:
        return Conditions(
            steal_s=0.0,
            busy_s=self.others_s,
            own_s=0.0,
            throttled_s=0.0,
            swapped_pages=0,
            temperature_c=self.temperature_c,
            boot_id="one",
            monotonic_s=self.now_s,
            boottime_s=self.now_s,
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds
        self.temperature_c = max(self.idle_c, self.temperature_c - seconds / 2)

    def work(self) -> None:
        """One process."""
        self.now_s += 1.0
        self.others_s += BLOCK * (self.number in self.loaded)
        away = self.working_c - self.temperature_c
        self.temperature_c += max(-1.0, min(1.0, away))
        self.number += 1

    def target(self, change: Any = None) -> FakeTarget:
        """A target whose processes are this machine's work."""

        def changed(name: str, index: int, samples: Samples) -> Samples:
            before = self.number
            self.work()
            return change(name, before, samples) if change else samples

        return FakeTarget(changed)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    one = Machine()
    for module in (experiment, measuring, piloting, staying, sustaining):
        monkeypatch.setattr(module, "read_conditions", one.read)
    monkeypatch.setattr(staying.time, "sleep", one.sleep)
    return one


def test_a_disturbed_pilot_block_is_done_again_and_nothing_of_it_is_kept(
    ask: Ask, fake_run: Run, display: Display, machine: Machine
) -> None:
    machine.loaded = {1}

    def slow_while_loaded(_: str, number: int, samples: Samples) -> Samples:
        return samples * 2 if number < 2 else samples

    question = ask(limits=LIMITS)
    target = machine.target(slow_while_loaded)
    found = measure(question, fake_run, target, display)
    assert found.ledger.reasons == {"load from others": 1}
    assert len(target.jobs) == PILOT + 2 + 3 * BLOCK
    assert found.delay_ns == pytest.approx(question.measure.effect * 1000, rel=0.05)
    assert machine.slept == [2.0]
    assert found.ledger.elapsed_s >= 2.0
    assert found.stopped == "blocks"


def test_a_failure_in_a_disturbed_pilot_block_is_not_held_against_the_arm(
    ask: Ask, fake_run: Run, display: Display, machine: Machine
) -> None:
    machine.loaded = set(range(6))

    def crash_while_loaded(name: str, number: int, samples: Samples) -> Samples:
        if name == OTHER and number < 6:
            raise StageError("crashed", stage="time", kind="crashed")
        return samples

    target = machine.target(crash_while_loaded)
    ledger = measure(ask(limits=LIMITS, retries=0), fake_run, target, display).ledger
    assert not ledger.dropped
    assert ledger.redone == 3
    assert len(ledger.arms[OTHER]) == 3


def test_a_pilot_that_finds_no_quiet_ends_with_the_budget_and_says_so(
    ask: Ask, fake_run: Run, display: Display, machine: Machine, tmp_path: Path
) -> None:
    machine.loaded = set(range(10_000))
    found = measure(ask(limits=LIMITS, max_time_s=600.0), fake_run, machine.target(), display)
    assert found.stopped == "disturbed"
    assert sum(machine.slept) == pytest.approx(600.0, abs=1.0)
    result = result_of(spec_of(tmp_path), found, fake_run, tmp_path)
    assert headline(result).startswith("No answer: this machine did not become quiet")
    assert was_cut_short(result)


def test_an_interrupted_pilot_block_is_judged_by_both_of_its_parts(
    ask: Ask, fake_run: Run, display: Display, machine: Machine
) -> None:
    machine.loaded = {0}

    def interrupt(_: str, number: int, samples: Samples) -> Samples:
        if number == 1:
            raise KeyboardInterrupt
        return samples

    question = ask(limits=LIMITS)
    with pytest.raises(KeyboardInterrupt):
        measure(question, fake_run, machine.target(interrupt), display)
    machine.others_s += 1e6
    ledger = measure(question, fake_run, machine.target(), display).ledger
    assert ledger.reasons == {"load from others": 1}
    assert read_ledger(fake_run).arms == ledger.arms


class Settling(FakeTarget):
    """Its samples fall by half until the warm-up is long enough, and are three times as long."""

    def __init__(self, settled_after_ns: float) -> None:
        super().__init__()
        self._settled_after_ns = settled_after_ns

    def run(self, job: Any, **rest: Any) -> Any:
        measured = super().run(job, **rest)
        samples = np.fromfile(job.samples, dtype="<i8")
        if job.warmup_ns < self._settled_after_ns:
            samples[: samples.size // 2] *= 2
            samples = samples * 3
        samples.tofile(job.samples)
        return measured


def test_a_longer_warm_up_gets_a_pilot_of_its_own(
    ask: Ask, fake_run: Run, display: Display
) -> None:
    """The delay must be a share of the latency that settled processes have."""
    question = ask(min_blocks=6, max_blocks=6, effect=0.02, warmup_time_s=0.01)
    found = measure(question, fake_run, Settling(2e7), display)
    assert (found.ledger.warmup_factor, found.ledger.first_block) == (2, 5)
    assert found.delay_ns == 20
    assert found.ledger.blocks_done == 6
    taken = [event["event"] for event in fake_run.journal.events()]
    assert taken.count("pilot") == 2
    again = read_ledger(fake_run)
    assert (again.arms, again.pilot) == (found.ledger.arms, found.ledger.pilot)


def test_a_machine_that_never_settles_still_ends(ask: Ask, fake_run: Run, display: Display) -> None:
    question = ask(min_blocks=5, max_blocks=5, warmup_time_s=0.01)
    experiment = measure(question, fake_run, Settling(1e12), display)
    assert experiment.stopped == "blocks"
    assert experiment.ledger.warmup_factor == 8
    assert not any(process.steady for process in experiment.ledger.processes())


def test_runs_are_limited_to_what_the_pilot_left_of_the_time(
    ask: Ask, fake_run: Run, display: Display, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process takes a second, and each of its runs a millisecond of that."""
    machine.loaded = set(range(8))
    monkeypatch.setattr(experiment.time, "monotonic", lambda: machine.now_s)
    question = ask(limits=LIMITS, min_blocks=20, max_blocks=20, max_time_s=150.0)

    def a_millisecond(_: str, __: int, samples: Samples) -> Samples:
        return np.full_like(samples, 1_000_000)

    found = measure(question, fake_run, machine.target(a_millisecond), display)
    pilot, spent_s = found.ledger.pilot, 8 + PILOT + 2 + 4 + 8 + 16
    assert pilot is not None
    assert pilot.block_s * 20 == pytest.approx(0.9 * (150 - spent_s), rel=0.01)


def test_another_day_has_another_temperature_and_costs_no_more_than_warming_up(
    ask: Ask, fake_run: Run, display: Display, machine: Machine
) -> None:
    first = ask(limits=LIMITS, min_blocks=4, max_blocks=4)
    measure(first, fake_run, machine.target(), display)
    machine.temperature_c, machine.idle_c, machine.working_c = 25.0, 25.0, 30.0
    second = ask(limits=LIMITS, min_blocks=20, max_blocks=20)
    ledger = measure(second, fake_run, machine.target(), display).ledger
    assert ledger.blocks_done == 20
    assert ledger.reasons == {"temperature": 1}
    assert machine.slept == []
    references = [
        event["conditions"]["temperature_c"]
        for event in fake_run.journal.events()
        if event["event"] == "reference"
    ]
    assert references == [29.0]


def test_a_processor_that_is_too_hot_is_let_cool_until_it_is_as_it_was(
    ask: Ask, fake_run: Run, display: Display, machine: Machine
) -> None:
    def heated_once(_: str, number: int, samples: Samples) -> Samples:
        machine.temperature_c += 20.0 * (number == PILOT + 1)
        return samples

    question = ask(limits=LIMITS, max_blocks=5, min_blocks=5)
    machine.working_c = 50.0
    ledger = measure(question, fake_run, machine.target(heated_once), display).ledger
    assert ledger.reasons == {"temperature": 1}
    # It works at 50 degrees, and each process after the heat brings it a degree closer to that.
    assert sum(machine.slept) == pytest.approx(2 * (20 - 2 - 3), abs=2)
    assert ledger.elapsed_s >= sum(machine.slept)


def test_a_processor_that_is_too_cold_gets_warm_by_working(
    ask: Ask, fake_run: Run, display: Display, machine: Machine
) -> None:
    """A wait for somebody else to be done cools it; waiting on would keep it cold."""
    machine.temperature_c = machine.working_c = 50.0
    machine.idle_c = 20.0
    first_blocks = range(PILOT, PILOT + 5 * BLOCK)
    machine.loaded = set(first_blocks)
    question = ask(limits=LIMITS, max_blocks=5, min_blocks=5)
    ledger = measure(question, fake_run, machine.target(), display).ledger
    assert ledger.blocks_done == 5
    assert machine.slept == [2.0, 4.0, 8.0, 16.0, 32.0]
    # Two beside the load, and then from 30 degrees up, by four degrees a block.
    assert ledger.reasons["temperature"] == 2 + 5


@pytest.mark.parametrize("change_c", [-15.0, 15.0])
def test_a_temperature_that_has_changed_for_good_is_taken_as_it_is(
    ask: Ask, fake_run: Run, display: Display, machine: Machine, change_c: float
) -> None:
    """A window was opened, or closed; arms are compared within blocks in any case."""

    def changed(_: str, number: int, samples: Samples) -> Samples:
        if number == PILOT:
            machine.idle_c = machine.working_c = machine.temperature_c = 50.0 + change_c
        return samples

    question = ask(limits=LIMITS, max_blocks=5, min_blocks=5, max_time_s=36_000.0)
    found = measure(question, fake_run, machine.target(changed), display)
    assert found.stopped == "blocks"
    assert set(found.ledger.reasons) == {"temperature"}
    assert found.ledger.redone <= 5
    assert sum(machine.slept) == (300.0 if change_c > 0 else 0.0)


def test_a_night_that_has_its_blocks_is_no_disturbed_one_because_of_its_last_minute(
    ask: Ask, fake_run: Run, display: Display, machine: Machine, tmp_path: Path
) -> None:
    machine.loaded = set(range(PILOT + 30 * BLOCK, 10_000))
    question = ask(
        limits=LIMITS,
        effect=1e-6,
        min_blocks=20,
        max_blocks=1000,
        max_time_s=300.0,
        sustained_s=0.001,
    )
    found = measure(question, fake_run, machine.target(), display)
    assert (found.stopped, found.ledger.blocks_done) == ("time", 30)
    assert set(found.ledger.sustained) == {BASE, OTHER}
    result = result_of(spec_of(tmp_path, "{sustained: 1ms}"), found, fake_run, tmp_path)
    assert not was_cut_short(result)
    assert "the time allowed was used up" in block_sentence(result)


def test_too_few_blocks_on_a_loaded_machine_are_told_as_such_however_often_it_is_asked(
    ask: Ask, fake_run: Run, display: Display, machine: Machine
) -> None:
    machine.loaded = set(range(PILOT + 5 * BLOCK, 10_000))
    question = ask(limits=LIMITS, min_blocks=20, max_blocks=1000, max_time_s=300.0)
    for _ in range(2):
        found = measure(question, fake_run, machine.target(), display)
        assert (found.stopped, found.ledger.blocks_done) == ("disturbed", 5)
    longer = ask(limits=LIMITS, min_blocks=20, max_blocks=20, max_time_s=600.0)
    machine.loaded = set()
    assert measure(longer, fake_run, machine.target(), display).stopped == "blocks"


def test_processes_that_fail_cost_the_time_that_they_took(
    ask: Ask, fake_run: Run, display: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0

    def monotonic() -> float:
        return now_s

    def change(name: str, index: int, samples: Samples) -> Samples:
        nonlocal now_s
        # One in the pilot, and each after two timed blocks, hangs for a minute.
        if name == OTHER and (index == 2 or index > 6):
            now_s += 60.0
            raise hang()
        now_s += 1.0
        return samples

    monkeypatch.setattr(experiment.time, "monotonic", monotonic)
    ledger = measure(ask(max_time_s=1e4), fake_run, FakeTarget(change), display).ledger
    assert ledger.dropped[OTHER]["kind"] == "timeout"
    # Two attempts at the third block lack what hung; with the second it is dropped.
    processes = PILOT + 2 * BLOCK + 2 * (BLOCK - 1)
    assert ledger.elapsed_s == pytest.approx(processes + 3 * 60.0)
    assert read_ledger(fake_run).elapsed_s == pytest.approx(ledger.elapsed_s)


def test_a_block_costs_what_its_attempts_take_without_pilot_and_waits(
    ask: Ask, fake_run: Run, display: Display, monkeypatch: pytest.MonkeyPatch, machine: Machine
) -> None:
    machine.loaded = {PILOT, PILOT + BLOCK}
    monkeypatch.setattr(experiment.time, "monotonic", lambda: machine.now_s)
    ledger = measure(ask(limits=LIMITS), fake_run, machine.target(), display).ledger
    assert ledger.redone == 2
    assert ledger.elapsed_s == pytest.approx(PILOT + 5 * BLOCK + 2 + 4)
    assert ledger.block_s == pytest.approx(BLOCK)


def test_a_control_that_is_given_up_proves_nothing_and_is_called_by_its_name(
    ask: Ask, fake_run: Run, display: Display, tmp_path: Path
) -> None:
    def change(name: str, index: int, samples: Samples) -> Samples:
        if name == DELAYED and index > 15:
            raise StageError("crashed with SIGSEGV", stage="time", kind="crashed")
        return samples

    question = ask(min_blocks=20, max_blocks=20)
    found = measure(question, fake_run, FakeTarget(change), display)
    result = result_of(spec_of(tmp_path, "{effect: 10%}"), found, fake_run, tmp_path)
    delayed = result["controls"]["delayed"]
    # What it showed in the blocks from before would do.
    assert delayed["interval"][0] > 1
    assert not delayed["out_of_step"]
    assert not result["proven"]
    assert delayed["error"]["message"] == "crashed with SIGSEGV"
    assert headline(result).startswith(
        "Unproven: the delayed control failed (crashed with SIGSEGV), so nothing shows"
    )


@pytest.mark.parametrize("case", [(50.0, 17, 0.0), (65.0, 150, 12.0)])
def test_the_heat_of_one_run_under_load_is_let_go_before_the_next(
    ask: Ask,
    fake_run: Run,
    display: Display,
    machine: Machine,
    case: tuple[float, int, float],
) -> None:
    """Each heats the machine by 20 C. Where it stays hot, the next one begins, and that is told."""

    idle_c, waits, hotter_c = case

    def heat(_: str, number: int, samples: Samples) -> Samples:
        if number >= PILOT + 3 * BLOCK:
            machine.temperature_c += 20.0
            machine.idle_c = idle_c
        return samples

    question = ask(limits=LIMITS, sustained_s=0.002)
    ledger = measure(question, fake_run, machine.target(heat), display).ledger
    assert machine.slept == [2.0] * waits
    begun = [event["throughput"]["began_hotter_c"] for event in ledger.sustained.values()]
    assert begun == [0.0, hotter_c]


def test_what_of_the_machine_changed_between_two_stays_is_found(fake_run: Run) -> None:
    slow, fast = {"governor": "powersave", "cores": 2}, {"governor": "performance", "cores": 2}
    fake_run.begin_stay(b"", host=slow)
    fake_run.begin_stay(b"", host=fast)
    assert changes_between(fake_run.hosts()) == {"governor": ["powersave", "performance"]}
    assert changes_between([slow, slow]) == {}


def test_the_load_that_blocks_had_and_that_was_allowed_is_in_the_result(
    ask: Ask, fake_run: Run, display: Display, machine: Machine, tmp_path: Path
) -> None:
    """One core for a whole block, the first of three."""
    machine.loaded = {PILOT}
    question = ask(limits=Limits(steal=0.1, load_cores=2.0, temperature_c=3.0))
    found = measure(question, fake_run, machine.target(), display)
    assert found.ledger.redone == 0
    assert found.ledger.others_cores == [1.0, 0.0, 0.0]
    assert read_ledger(fake_run).others_cores == [1.0, 0.0, 0.0]
    result = result_of(spec_of(tmp_path), found, fake_run, tmp_path)
    assert result["blocks"]["load_of_others"] == {"median": 0.0, "most": 1.0}
