"""The experiment on real models in real processes, and its journal after faults."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.analysis.verdicts import Verdict, compare
from runner.errors import StageError
from runner.report.progress import Display, LineDisplay
from runner.spec.measurement import Limits, Measure
from runner.steps.ledger import read_ledger
from runner.steps.measuring import Experiment, measure
from runner.steps.question import Question
from runner.store.runs import Run, RunStore
from runner.timing.job import Job
from runner.timing.libraries import find_tflite
from runner.timing.protocol import DELAYED, IDENTICAL, Arm
from runner.timing.report import Measurement
from runner.timing.targets.local import LocalTarget
from tests.conftest import Models

ARMS = ["base", "same", "slow", IDENTICAL, DELAYED]
MEASURE = Measure(
    effect=0.1,
    confidence=0.999,
    power=0.9,
    max_time_s=120.0,
    min_blocks=6,
    max_blocks=6,
    warmup_runs=10,
    warmup_time_s=0.02,
    inputs="real",
    run_gap_s=0.0,
    flush_caches=False,
    sustained_s=None,
    retries=1,
    process_timeout_s=None,
    # Tests share their machine; whether a block is judged well is tested elsewhere.
    limits=Limits(steal=1.0, load_cores=1000.0, temperature_c=100.0),
    seed=None,
)


class Faulty:
    """The real local target, with faults injected between it and the experiment."""

    def __init__(self, log: Path, **faults: Any) -> None:
        self.real = LocalTarget(log)
        self.ran: list[str] = []
        self.faults = faults

    def run(
        self, job: Job, *, arm: str, timeout_s: float, environment_padding: int = 0
    ) -> Measurement:
        """Runs the job, or does what the test wants at this process's number."""
        self.ran.append(arm)
        if fault := self.faults.get(f"{arm}_{self.ran.count(arm)}", self.faults.get(arm)):
            raise fault
        return self.real.run(
            job, arm=arm, timeout_s=timeout_s, environment_padding=environment_padding
        )


class SlowToSettle:
    """The real local target on a machine that needs a longer warm-up: until then, samples fall."""

    def __init__(self, log: Path, settles_after_ns: float) -> None:
        self.real = LocalTarget(log)
        self.settles_after_ns = settles_after_ns

    def run(
        self, job: Job, *, arm: str, timeout_s: float, environment_padding: int = 0
    ) -> Measurement:
        """Runs the job; puts a fall into its samples where the warm-up was too short."""
        measurement = self.real.run(
            job, arm=arm, timeout_s=timeout_s, environment_padding=environment_padding
        )
        if job.warmup_ns < self.settles_after_ns:
            path = Path(job.samples)
            samples = np.fromfile(path, dtype="<i8")
            samples[: samples.size // 2] *= 2
            samples.tofile(path)
        return measurement


@pytest.fixture
def display() -> Display:
    import io

    from rich.console import Console

    return LineDisplay(Console(file=io.StringIO()))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return RunStore(tmp_path, "demo").create("ab" * 32, {"schedule_seed": 1, "arms": ARMS})


def make_question(models: Models, **changes: Any) -> Question:
    def arm(name: str, model: Path) -> Arm:
        library = find_tflite(None).path
        return Arm(name, library, str(model), str(models.input), "xnnpack", 1)

    arms = [arm("base", models.plain), arm("same", models.plain), arm("slow", models.slower)]
    pairs = {"same": "base", "slow": "base"}
    return Question(arms, "base", pairs, dataclasses.replace(MEASURE, **changes), seed=1)


def crash() -> StageError:
    return StageError("crashed with SIGSEGV", stage="time", kind="crashed")


def verdicts(question: Question, experiment: Experiment) -> dict[str, Verdict]:
    arms = {name: experiment.ledger.arms[name] for name in ("base", "same", "slow")}
    found = compare(arms, question.pairs, question.design, np.random.default_rng(1))
    return {comparison.variant: comparison.verdict for comparison in found}


def test_a_slower_model_is_slower_and_a_model_is_not_slower_than_itself(
    models: Models, run: Run, display: Display, tmp_path: Path
) -> None:
    question = make_question(models, max_blocks=12, min_blocks=12)
    experiment = measure(question, run, LocalTarget(tmp_path / "log"), display)
    found = verdicts(question, experiment)
    assert found["slow"] is Verdict.SLOWER
    assert found["same"] in (Verdict.EQUIVALENT, Verdict.INCONCLUSIVE)
    assert experiment.stopped == "blocks"
    assert experiment.ledger.blocks_done == 12


def test_an_experiment_goes_on_at_the_process_where_it_was_interrupted(
    models: Models, run: Run, display: Display, tmp_path: Path
) -> None:
    question = make_question(models, max_blocks=4, min_blocks=2, effect=0.001)
    first = Faulty(tmp_path / "log", slow_5=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        measure(question, run, first, display)
    done_before = [e for e in run.journal.events() if e["event"] == "process"]

    second = Faulty(tmp_path / "log")
    experiment = measure(question, run, second, display)
    events = [e for e in run.journal.events() if e["event"] == "process"]
    assert events[: len(done_before)] == done_before
    taken = [(e["block"], e["attempt"], e["arm"]) for e in events]
    assert len(taken) == len(set(taken))
    assert len(second.ran) == len(events) - len(done_before)
    assert sum(e["event"] == "pilot" for e in run.journal.events()) == 1
    assert all(len(arm) == 4 for arm in experiment.ledger.arms.values())


def test_the_ledger_read_back_is_the_one_that_was_kept(
    models: Models, run: Run, display: Display, tmp_path: Path
) -> None:
    question = make_question(models, max_blocks=2, min_blocks=2, effect=0.001)
    experiment = measure(question, run, LocalTarget(tmp_path / "log"), display)
    kept, read = experiment.ledger, read_ledger(run)
    for ledger in (kept, read):
        ledger.pilot_processes = {
            key: {**event, "time": None} for key, event in ledger.pilot_processes.items()
        }
    assert read == kept


def test_a_process_that_fails_once_has_its_block_redone(
    models: Models, run: Run, display: Display, tmp_path: Path
) -> None:
    question = make_question(models, max_blocks=2, min_blocks=2, effect=0.001)
    target = Faulty(tmp_path / "log", slow_4=crash())
    experiment = measure(question, run, target, display)
    assert experiment.ledger.reasons["a process failed"] == 1
    assert not experiment.ledger.dropped
    assert all(len(arm) == 2 for arm in experiment.ledger.arms.values())


def test_an_arm_that_fails_for_good_is_dropped_and_the_others_keep_their_blocks(
    models: Models, run: Run, display: Display, tmp_path: Path
) -> None:
    question = make_question(models, max_blocks=3, min_blocks=3, effect=0.001)
    target = Faulty(tmp_path / "log", slow_5=crash(), slow_6=crash())
    experiment = measure(question, run, target, display)
    assert experiment.ledger.dropped["slow"]["kind"] == "crashed"
    lengths = {name: len(arm) for name, arm in experiment.ledger.arms.items()}
    assert lengths == {"base": 3, "same": 3, IDENTICAL: 3, DELAYED: 3, "slow": 1}
    assert experiment.stopped == "blocks"


def test_an_arm_that_fails_in_the_pilot_leaves_the_others_their_experiment(
    models: Models, run: Run, display: Display, tmp_path: Path
) -> None:
    question = make_question(models, max_blocks=2, min_blocks=2, effect=0.001)
    target = Faulty(tmp_path / "log", slow=crash())
    experiment = measure(question, run, target, display)
    assert experiment.ledger.dropped["slow"]["kind"] == "crashed"
    assert target.ran.count("slow") == 2
    assert len(experiment.ledger.arms["same"]) == 2


def test_a_baseline_that_fails_for_good_ends_the_experiment_with_its_reason(
    models: Models, run: Run, display: Display, tmp_path: Path
) -> None:
    target = Faulty(tmp_path / "log", base=crash())
    experiment = measure(make_question(models), run, target, display)
    assert experiment.stopped == "failed"
    assert experiment.ledger.dropped["base"]["message"] == "crashed with SIGSEGV"


def test_an_interrupted_pilot_goes_on_where_it_was(
    models: Models, run: Run, display: Display, tmp_path: Path
) -> None:
    question = make_question(models, max_blocks=1, min_blocks=1)
    with pytest.raises(KeyboardInterrupt):
        measure(question, run, Faulty(tmp_path / "log", slow_2=KeyboardInterrupt()), display)
    measure(question, run, Faulty(tmp_path / "log"), display)
    pilot = [(e["block"], e["arm"]) for e in run.journal.events() if e["event"] == "pilot_process"]
    assert len(pilot) == len(set(pilot)) == 9


def test_a_failure_in_a_disturbed_block_is_not_held_against_the_arm(
    models: Models, run: Run, display: Display, tmp_path: Path
) -> None:
    always = Limits(steal=1.0, load_cores=-1.0, temperature_c=100.0)
    question = make_question(models, max_blocks=1, min_blocks=1, limits=always, max_time_s=1.0)
    target = Faulty(tmp_path / "log", slow_4=crash(), slow_5=crash(), slow_6=crash())
    experiment = measure(question, run, target, display)
    assert experiment.stopped == "disturbed"
    assert not experiment.ledger.dropped


def test_a_process_whose_samples_were_lost_did_not_happen(
    models: Models, run: Run, display: Display, tmp_path: Path
) -> None:
    question = make_question(models, max_blocks=2, min_blocks=2, effect=0.001)
    measure(question, run, LocalTarget(tmp_path / "log"), display)
    path = run.samples_path("slow")
    path.write_bytes(path.read_bytes()[:-24])
    assert [len(read_ledger(run).arms[name]) for name in ("base", "slow")] == [2, 1]


def test_precision_ends_an_experiment_and_reading_it_again_runs_nothing(
    models: Models, run: Run, display: Display, tmp_path: Path
) -> None:
    question = make_question(models, max_blocks=60, min_blocks=3, effect=5.0)
    target = Faulty(tmp_path / "log")
    assert measure(question, run, target, display).stopped == "precise"
    again = Faulty(tmp_path / "log")
    assert measure(question, run, again, display).stopped == "precise"
    assert again.ran == []


def test_a_warm_up_that_is_too_short_is_lengthened_and_the_blocks_before_do_not_count(
    models: Models, run: Run, display: Display, tmp_path: Path
) -> None:
    question = make_question(models, max_blocks=6, min_blocks=6, effect=0.001)
    target = SlowToSettle(tmp_path / "log", settles_after_ns=30e6)
    experiment = measure(question, run, target, display)
    ledger = experiment.ledger
    assert ledger.warmup_factor == 2
    assert ledger.first_block == 5
    assert ledger.blocks_done == 6
    assert set(ledger.arms["base"]) == set(range(5, 11))
    assert read_ledger(run).arms == ledger.arms


def test_the_warm_up_is_not_lengthened_where_no_time_is_left_for_that(
    models: Models, run: Run, display: Display, tmp_path: Path
) -> None:
    question = make_question(models, max_blocks=8, min_blocks=8, effect=0.001, max_time_s=6.0)
    target = SlowToSettle(tmp_path / "log", settles_after_ns=1e12)
    experiment = measure(question, run, target, display)
    assert experiment.ledger.warmup_factor == 1
