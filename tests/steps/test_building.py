"""Stages are built within the time allowed, and what failed for good is not tried by others."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from runner.build.fake import FakeExecutor, FakeStage
from runner.build.protocol import Report, StageOutcome, StageRequest
from runner.errors import OutOfTimeError, StageError
from runner.plan.records import Content, Plan, Surroundings
from runner.plan.stages import make_plan
from runner.report.progress import Display
from runner.spec.expand import expand
from runner.spec.load import parse
from runner.spec.measurement import StageLimits
from runner.steps import building, evaluating
from runner.steps.building import build_variants
from runner.steps.built import Built
from runner.steps.contents import hash_contents
from runner.steps.deadline import Deadline, deadline_in
from runner.steps.hashing import hash_path
from runner.steps.retrying import Failures
from runner.store.artifacts import ArtifactStore
from runner.store.runs import Run, RunStore
from runner.timing.libraries import RuntimeLibrary
from tests.results import check_result, quickstart
from tests.spec.conftest import SMALLEST
from tests.steps.experiments import result_of, spec_of

pytestmark = pytest.mark.fast

LIMITS = StageLimits(stage_time_s=500.0, memory_bytes=None, retries=2)
IMAGES = {
    "classes": 10,
    "train_images": 30,
    "test_images": 10,
    "corrupt": 0,
    "corrupt_names": [],
    "empty_classes": [],
    "class_counts": {str(digit): [3, 1] for digit in range(10)},
}
MADE = {
    "data": FakeStage({}, IMAGES),
    "convert": FakeStage({"model.tflite": b"model"}, {"operations": 3}),
}
HANGS = StageError("was not done in time", stage="train", kind="timeout")


@dataclass(frozen=True)
class Hand(Deadline):
    """A clock that somebody else turns: so many seconds are left."""

    turned_to: list[float] = field(default_factory=list)

    @property
    def left_s(self) -> float:
        return self.turned_to[-1]

    def turn_to(self, left_s: float) -> None:
        self.turned_to.append(left_s)


def with_left(left_s: float) -> Hand:
    return Hand(turned_to=[left_s])


class Workshop:
    """The plan of two variants, and workers and a runtime that only pretend."""

    def __init__(self, tmp_path: Path, run: Run, display: Display) -> None:
        spec = spec_of(tmp_path)
        self.names = [variant.name for variant in spec.variants]
        surroundings = Surroundings({}, {}, dict.fromkeys(self.names, "library"), "host")
        self.plan: Plan = make_plan(spec, surroundings)
        self.store = ArtifactStore(tmp_path / "cache")
        self.run, self.display = run, display
        self.executors: list[FakeExecutor] = []

    def build(
        self,
        stages: Mapping[str, FakeStage] | None = None,
        limits: StageLimits = LIMITS,
        executor: type[FakeExecutor] = FakeExecutor,
        **options: Any,
    ) -> dict[str, Built]:
        def employ(workers: int, *_: object, **__: object) -> FakeExecutor:
            self.executors.append(executor({**MADE, **(stages or {})}, workers))
            return self.executors[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(building, "LocalExecutor", employ)
            library = RuntimeLibrary(path="lib", origin="spec", sha256=None)
            libraries = dict.fromkeys(self.names, library)
            return build_variants(
                self.plan, self.store, libraries, self.run, self.display, limits, **options
            )

    def asked(self) -> list[str]:
        """The kinds of all stages that were given to workers."""
        return [request.stage for one in self.executors for request in one.requests]

    def statuses(self) -> list[tuple[str, str]]:
        """Kind and status of every stage, as the journal has them."""
        events = (event for event in self.run.journal.events() if event["event"] == "stage")
        return [(event["stage"], event["status"]) for event in events]


@pytest.fixture
def workshop(tmp_path: Path, fake_run: Run, display: Display) -> Workshop:
    return Workshop(tmp_path, fake_run, display)


def test_an_evaluation_takes_no_longer_than_is_left_and_is_not_held_against_its_model(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = with_left(90.0)
    allowed_s: list[float] = []

    def evaluate(*_: object, timeout_s: float, **__: object) -> dict[str, Any]:
        allowed_s.append(timeout_s)
        clock.turn_to(0.0)
        raise HANGS

    monkeypatch.setattr(evaluating, "evaluate", evaluate)
    with pytest.raises(OutOfTimeError):
        workshop.build(deadline=clock)
    assert allowed_s == [90.0]
    assert workshop.statuses()[-1] == ("evaluate", "interrupted")


def test_an_evaluation_that_hangs_while_there_is_time_fails(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed_s: list[float] = []

    def evaluate(*_: object, timeout_s: float, **__: object) -> dict[str, Any]:
        allowed_s.append(timeout_s)
        raise HANGS

    monkeypatch.setattr(evaluating, "evaluate", evaluate)
    built = workshop.build(deadline=with_left(9000.0))
    assert allowed_s == [500.0, 500.0]
    assert all(one.error for one in built.values())


def test_what_is_tried_again_is_waited_for_no_longer_than_there_is_time(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = with_left(90.0)
    slept_s: list[float] = []

    def evaluate(*_: object, **__: object) -> dict[str, Any]:
        clock.turn_to(0.5)
        raise StageError("killed", stage="evaluate", kind="killed")

    def sleep(seconds: float) -> None:
        slept_s.append(seconds)
        clock.turn_to(0.0)

    monkeypatch.setattr(evaluating, "evaluate", evaluate)
    monkeypatch.setattr("runner.steps.building.time.sleep", sleep)
    with pytest.raises(OutOfTimeError):
        workshop.build(deadline=clock)
    assert slept_s == [0.5]


class Holding(FakeExecutor):
    """Holds the second conversion back until somebody lets go of it."""

    def __init__(self, stages: Mapping[str, FakeStage], workers: int = 2) -> None:
        super().__init__(stages, workers)
        self.held: Future[StageOutcome] = Future()

    def submit(self, request: StageRequest, on_progress: Report) -> Future[StageOutcome]:
        done = super().submit(request, on_progress)
        conversions = sum(one.stage == "convert" for one in self.requests)
        return self.held if request.stage == "convert" and conversions == 2 else done


def test_a_model_is_evaluated_while_others_are_built(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_held: list[bool] = []

    def evaluate(*_: object, **__: object) -> dict[str, Any]:
        (executor,) = workshop.executors
        assert isinstance(executor, Holding)
        was_held.append(not executor.held.done())
        if was_held[-1]:
            executor.held.set_result(StageOutcome(MADE["convert"].summary))
        return {"samples": 10}

    monkeypatch.setattr(evaluating, "evaluate", evaluate)
    monkeypatch.setattr("runner.steps.scoring.compare_answers", lambda *_: {})
    # Were it done behind all that is built, nobody would let go, and the time would be up.
    built = workshop.build(executor=Holding, deadline=deadline_in(30.0))
    assert not any(one.error for one in built.values())
    assert was_held == [True, False]


class Downloading(FakeExecutor):
    """Puts a set where its source looks for it, as a stage does that finds none."""

    def submit(self, request: StageRequest, on_progress: Report) -> Future[StageOutcome]:
        if request.stage == "data":
            source = request.params["source"]["options"]
            prepared = Path(source["folder"], source["dataset"], "1.0.0")
            prepared.mkdir(parents=True)
            (prepared / "images.tfrecord").write_bytes(b"downloaded")
        return super().submit(request, on_progress)


def test_a_set_that_a_stage_downloaded_leaves_all_that_was_made_of_it_in_force(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "evaluate", lambda *_, **__: {"samples": 0})
    text = SMALLEST.replace("source: digits", "source: {tfds: {dataset: tones, folder: sets}}")

    def plan() -> None:
        spec = expand(parse(text.encode(), file="spec.yaml", folder=tmp_path))
        workshop.names = [variant.name for variant in spec.variants]
        libraries = dict.fromkeys(workshop.names, "library")
        workshop.plan = make_plan(spec, Surroundings({}, hash_contents(spec), libraries, "host"))

    plan()
    assert not any(one.error for one in workshop.build(executor=Downloading).values())
    plan()
    workshop.build()
    assert {status for _, status in workshop.statuses()[len(workshop.plan.stages) :]} == {"cached"}
    assert not workshop.executors[1].requests


def test_an_evaluation_is_told_when_nobody_waits_for_it_any_longer(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bool] = []

    def evaluate(*_: object, unwanted: threading.Event, **__: object) -> dict[str, Any]:
        told.append(unwanted.wait(30.0))
        raise HANGS

    monkeypatch.setattr(evaluating, "evaluate", evaluate)
    with pytest.raises(OutOfTimeError):
        workshop.build(deadline=deadline_in(1.0))
    assert told == [True]
    assert workshop.statuses()[-1] == ("evaluate", "interrupted")


def test_notes_of_a_stage_of_another_unfinished_run_outlive_a_date_of_long_ago(
    workshop: Workshop, tmp_path: Path
) -> None:
    plan = {"schedule_seed": 1, "arms": [], "stages": {"wanted": {}}}
    RunStore(tmp_path, "another").create("cd" * 32, plan)
    notes = {key: workshop.store.scratch("train", key) for key in ("wanted", "forgotten")}
    for folder in notes.values():
        folder.mkdir(parents=True)
        os.utime(folder, (0, 0))
    workshop.build({"data": FakeStage(error=HANGS)})
    assert {key: folder.exists() for key, folder in notes.items()} == {
        "wanted": True,
        "forgotten": False,
    }


def test_a_stage_that_failed_for_one_spec_of_a_batch_is_not_tried_by_the_next(
    workshop: Workshop,
) -> None:
    failures, hangs = Failures(), {"train": FakeStage(error=HANGS)}
    workshop.build(hangs, failures=failures)
    assert workshop.asked().count("train") == 1
    first = workshop.run.name
    built = workshop.build(hangs, failures=failures)
    assert workshop.asked().count("train") == 1
    assert ("train", "failed") in workshop.statuses()[-len(workshop.plan.stages) :]
    for variant in built.values():
        assert variant.error is not None
        assert variant.error["kind"] == "timeout"
        assert f"it failed so in {first}" in variant.error["message"]
        assert variant.stages["convert"] == "skipped"
    # The next command, or a batch that begins anew, tries it again.
    workshop.build(hangs)
    assert workshop.asked().count("train") == 2


@pytest.mark.parametrize(
    ("error", "limits"),
    [
        (StageError("killed", stage="train", kind="killed"), replace(LIMITS, retries=0)),
        (HANGS, replace(LIMITS, stage_time_s=501.0)),
        (StageError("too much", stage="train", kind="out_of_memory"), LIMITS),
    ],
)
def test_what_may_go_well_the_next_time_is_tried_by_the_next_spec(
    workshop: Workshop, error: StageError, limits: StageLimits
) -> None:
    failures, tight = Failures(), replace(LIMITS, memory_bytes=2**30, retries=0)
    workshop.build({"train": FakeStage(error=error)}, tight, failures=failures)
    workshop.build({"train": FakeStage(error=error)}, limits, failures=failures)
    assert workshop.asked().count("train") == 2


def test_stages_that_were_tried_again_are_in_the_result(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate(*_: object, **__: object) -> dict[str, Any]:
        raise StageError("the process died", stage="evaluate", kind="killed")

    monkeypatch.setattr(evaluating, "evaluate", evaluate)
    monkeypatch.setattr("runner.steps.building.time.sleep", lambda _: None)
    monkeypatch.setattr("runner.steps.retrying._FIRST_PAUSE_S", 0.0)
    workshop.build()
    result = result_of(spec_of(tmp_path), None, workshop.run, tmp_path)
    check_result(quickstart() | {"retried": result["retried"]})
    assert [(one["stage"], one["count"], one["reason"]) for one in result["retried"]] == [
        ("evaluate", 2, "the process died"),
        ("evaluate", 2, "the process died"),
    ]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model is evaluated."""

    def evaluate(*_: object, **__: object) -> dict[str, Any]:
        raise StageError("not supported", stage="evaluate", kind="refused")

    monkeypatch.setattr(evaluating, "evaluate", evaluate)


@pytest.mark.usefixtures("refused")
def test_notes_of_a_stage_that_is_done_are_removed_by_whoever_finds_its_artifact(
    workshop: Workshop,
) -> None:
    """Whoever made it was killed between the two."""
    workshop.build()
    kinds = {key: one.kind for key, one in workshop.plan.stages.items()}
    notes = {key: workshop.store.scratch(kind, key) for key, kind in kinds.items()}
    for folder in notes.values():
        folder.mkdir(parents=True)
    workshop.build()
    assert {kinds[key] for key, folder in notes.items() if folder.exists()} == {"evaluate"}


@pytest.mark.usefixtures("refused")
def test_a_file_that_is_gone_when_a_stage_ends_fails_what_was_made_of_it_and_no_more(
    workshop: Workshop, tmp_path: Path
) -> None:
    """One of the two conversions reads it."""
    file = tmp_path / "file"
    file.write_bytes(b"numbers")
    reader = next(one for one in workshop.plan.stages.values() if one.kind == "convert")
    stages = dict(workshop.plan.stages)
    stages[reader.key] = replace(reader, params={**reader.params, "file": str(file)})
    files = {str(file): Content(hash_path(file))}
    workshop.plan = replace(workshop.plan, stages=stages, files=files)
    file.unlink()
    errors = [one.error for one in workshop.build().values() if one.error]
    assert sorted(error["kind"] for error in errors) == ["changed", "refused"]
    assert any("a file is gone" in error["message"] for error in errors)
    statuses = [status for kind, status in workshop.statuses() if kind == "convert"]
    assert sorted(statuses) == ["done", "failed"]


def test_an_exception_beside_the_workers_fails_its_variant_and_is_in_its_log(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate(*_: object, **__: object) -> dict[str, Any]:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(evaluating, "evaluate", evaluate)
    for one in workshop.build().values():
        assert one.error is not None
        assert (one.error["stage"], one.error["kind"]) == ("evaluate", "exception")
        assert "ZeroDivisionError: oops" in one.error["message"]
        assert "Traceback" in Path(one.error["log"]).read_text()
