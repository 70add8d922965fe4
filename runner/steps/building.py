"""Builds what the plan asks for and the store lacks: each stage once, in worker processes.

Stages run as soon as their inputs are there. One that fails takes along only what depends on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.build.executor import Executor, LocalExecutor
from runner.build.protocol import Progress, StageOutcome, StageRequest, log_name
from runner.errors import EnvironmentUnusableError, RetimeError, StageError
from runner.plan.records import Plan, Stage
from runner.report.progress import Display, Task
from runner.spec.measurement import StageLimits
from runner.steps.adopting import changed, gone
from runner.steps.built import Built, data_record, model_record
from runner.steps.contents import changed_contents, note_downloads
from runner.steps.deadline import NEVER, Deadline
from runner.steps.lightwork import LightWork
from runner.steps.retrying import Failures, Retries
from runner.steps.workforce import workforce_here
from runner.store.artifacts import Artifact, ArtifactStore
from runner.store.runs import Run
from runner.store.stock import unfinished_keys
from runner.timing.libraries import RuntimeLibrary
from runner.units import format_duration

# What the journal says of a stage whose artifact was not what it had been.
DAMAGED = "damaged"


def build_variants(
    plan: Plan,
    store: ArtifactStore,
    libraries: Mapping[str, RuntimeLibrary],
    run: Run,
    display: Display,
    limits: StageLimits,
    *,
    deadline: Deadline = NEVER,
    failures: Failures | None = None,
) -> dict[str, Built]:
    """Builds and evaluates every variant; variant's name -> what came of it.

    Args:
        failures: of earlier specs of the same batch, which are not tried again.

    Raises:
        OutOfTimeError: the deadline came before all was built.
    """
    retries, failures = Retries(limits.retries), failures or Failures()
    site = _Site(plan, store, run, display, limits, retries, failures, deadline)
    try:
        site.collect_finished()
        site.recall_failures()
        # Behind it: what is wanted has been said by then.
        store.sweep(lambda: unfinished_keys(run.folder.parents[1]))
        site.run_stages(libraries)
    finally:
        store.tidy()
    return {name: site.outcome(name) for name in plan.of_variant}


@dataclass
class _Site:
    """The work under way.

    Attributes:
        statuses: stage's key -> what became of it, in the words of `journal`.
        resting: stage's key -> the monotonic second before which it is not tried again.
    """

    plan: Plan
    store: ArtifactStore
    run: Run
    display: Display
    limits: StageLimits
    retries: Retries
    failures: Failures
    deadline: Deadline
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    errors: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    resting: dict[str, float] = field(default_factory=dict)

    def collect_finished(self) -> None:
        """Takes from the store what is there and undamaged; what is damaged is said."""
        for key, stage in self.plan.stages.items():
            self.deadline.check()
            checked = self.store.check(stage.kind, key)
            if checked.artifact:
                self.artifacts[key] = checked.artifact
                self.store.forget_scratch(stage.kind, key)
                self.journal(stage, "cached")
                continue
            self.store.come_back_to(stage.kind, key)
            if checked.damaged:
                files = ", ".join(checked.damaged)
                self.display.say(
                    f"  {stage.kind} {stage.label}: damaged on the disk ({files}); it is made again"
                )
                self.journal(stage, DAMAGED, files=list(checked.damaged))

    def recall_failures(self) -> None:
        """Gives up what an earlier spec of the batch needed too, and could not get."""
        for stage in self._missing():
            if error := self.failures.recall(stage.key, self.limits):
                self.display.say(f"  {stage.kind} {stage.label}: failed before, not tried again")
                self._fail(stage, error.as_record())

    def run_stages(self, libraries: Mapping[str, RuntimeLibrary]) -> None:
        """Runs every missing stage: in workers, or beside them where it needs no TensorFlow."""
        missing = self._missing()
        heavy = sum(stage.kind not in LightWork.kinds for stage in missing)
        force = workforce_here()
        with (
            LocalExecutor(
                min(force.workers, heavy), self.run.logs, threads=force.threads, limits=self.limits
            ) as executor,
            LightWork(
                self.plan.files, libraries, self.run.logs, self.limits, self.deadline
            ) as light,
        ):
            self._run_all(missing, _Crews(executor, light))

    def _run_all(self, waiting: list[Stage], crews: _Crews) -> None:
        running: dict[Future[StageOutcome], _Running] = {}
        try:
            while waiting or running:
                self.deadline.check()
                for stage in [stage for stage in waiting if self._ready(stage)]:
                    if self._blocked(stage):
                        waiting.remove(stage)
                    elif crews.have_room(stage, running.values()):
                        waiting.remove(stage)
                        running |= self._start(stage, crews)
                if not running and waiting:
                    time.sleep(min(self.deadline.left_s, self._rest_s(waiting) or 0.0))
                finished, _ = wait(running, self._patience_s(waiting), FIRST_COMPLETED)
                for future in finished:
                    done = running[future]
                    waiting += [done.stage] if self._finish(done, future) else []
                    del running[future]
        except BaseException:
            for one in running.values():
                if one.stage.key not in self.artifacts:
                    self.journal(one.stage, "interrupted")
            raise

    def _rest_s(self, waiting: Sequence[Stage]) -> float | None:
        """Seconds until a stage is tried again; None where none waits for that."""
        now = time.monotonic()
        ends = (self.resting.get(stage.key, now) - now for stage in waiting)
        return min((left for left in ends if left > 0), default=None)

    def _patience_s(self, waiting: Sequence[Stage]) -> float | None:
        """Seconds after which there is something to do though no stage ended; None for none."""
        limits = (self._rest_s(waiting), self.deadline.wait_s)
        return min((limit for limit in limits if limit is not None), default=None)

    def _start(self, stage: Stage, crews: _Crews) -> dict[Future[StageOutcome], _Running]:
        draft = self.store.draft(stage.kind, stage.key)
        task = self.display.task(f"{stage.kind} {stage.label}")
        inputs = {role: self.artifacts[key] for role, key in stage.inputs.items()}
        if stage.kind in LightWork.kinds:
            future = crews.light.submit(stage, inputs, draft)
        else:
            request = StageRequest(
                stage=stage.kind,
                key=stage.key,
                params=stage.params,
                inputs={role: artifact.folder for role, artifact in inputs.items()},
                output=draft,
                scratch=self.store.scratch(stage.kind, stage.key),
            )
            future = crews.executor.submit(request, _shower(task))
        return {future: _Running(stage, draft, task, time.monotonic())}

    def _finish(self, running: _Running, future: Future[StageOutcome]) -> bool:
        """Deals with what came of a stage; whether it is to be tried again."""
        try:
            summary = future.result().summary
            self._commit(running, summary)
            note = running.stage.note
            running.task.end(f"done; {note}" if note else "done")
        except StageError as error:
            return self._try_again(running, error)
        except BaseException:
            self.store.discard(running.draft)
            raise
        return False

    def _try_again(self, running: _Running, error: StageError) -> bool:
        """Whether a failed stage is tried again later; if not, it is given up."""
        stage = running.stage
        self.store.discard(running.draft)
        if error.kind == "no_space":
            # No stage after this one would fare better.
            running.task.end(f"failed: {error.what}")
            raise EnvironmentUnusableError(error.what, why=error.why, remedy=error.remedy)
        pause_s = self.retries.pause_s(stage.key, error)
        if pause_s is None:
            running.task.end(f"failed: {error.what}")
            self.failures.note(stage.key, error, self.run.name, self.limits)
            self._fail(stage, error.as_record())
            return False
        running.task.end(f"{error.what}; tried again in {format_duration(pause_s)}")
        self.resting[stage.key] = time.monotonic() + pause_s
        self.run.journal.append(
            "stage_retried",
            stage=stage.kind,
            key=stage.key,
            label=stage.label,
            error=error.as_record(),
            pause_s=pause_s,
        )
        return True

    def _commit(self, running: _Running, summary: Mapping[str, Any]) -> None:
        """Keeps what a stage made, if it was made of what its key says.

        Raises:
            StageError: a file was changed since the plan was made, or is gone.
        """
        stage = running.stage
        try:
            others = changed_contents(stage.params, self.plan.files)
        except RetimeError as error:
            raise gone(stage, error) from error
        if others:
            raise changed(stage, others[0])
        seconds = time.monotonic() - running.started
        self.artifacts[stage.key] = self.store.commit(
            running.draft,
            stage.kind,
            stage.key,
            identity=stage.identity,
            summary=summary,
            seconds=seconds,
        )
        note_downloads(stage.params, self.plan.files)
        self.journal(stage, "done", seconds=round(seconds, 3))

    def outcome(self, name: str) -> Built:
        """What came of one variant."""
        keys = self.plan.of_variant[name]
        failed = [self.errors[key] for key in keys.values() if key in self.errors]
        source = self.artifacts.get(self.plan.maker_of_model(name) or "")
        file = self.artifacts.get(self.plan.maker_of_file(name))
        evaluation = self.artifacts.get(keys["evaluate"])
        images = self.artifacts.get(keys.get("data", ""))
        data = data_record(images) if images else None
        facts = evaluation.summary["facts"] if evaluation else {}
        model = model_record(source, file, facts) if file else None
        stages = {kind: self.statuses[key] for kind, key in keys.items()}
        if failed or file is None or evaluation is None:
            return Built(error=failed[0], stages=stages, model=model, data=data)
        return Built(
            error=None,
            stages=stages,
            model=model,
            accuracy=evaluation.summary["accuracy"],
            facts=facts,
            data=data,
            model_path=file.file("model.tflite").resolve(),
            input_path=evaluation.file("input.bin").resolve() if facts["samples"] else None,
        )

    def journal(self, stage: Stage, status: str, **fields: Any) -> None:
        """Notes what became of a stage.

        Args:
            status: `cached`, `done`, `failed`, `skipped` because an input failed, `interrupted`, or
                `damaged`, which is made again.
        """
        self.statuses[stage.key] = status
        self.run.journal.append(
            "stage", stage=stage.kind, key=stage.key, label=stage.label, status=status, **fields
        )
        log = self.run.logs / log_name(stage.kind, stage.key)
        where = f", log: {log}" if log.exists() else ""
        self.display.detail(f"    {stage.kind} {stage.label}: {status}{where}")

    def _missing(self) -> list[Stage]:
        ended = self.artifacts.keys() | self.errors.keys()
        return [stage for key, stage in self.plan.stages.items() if key not in ended]

    def _ready(self, stage: Stage) -> bool:
        is_rested = self.resting.get(stage.key, 0.0) <= time.monotonic()
        inputs = stage.inputs.values()
        return is_rested and all(key in self.artifacts or key in self.errors for key in inputs)

    def _blocked(self, stage: Stage) -> bool:
        """Whether an input failed; then the stage is skipped, for the same reason."""
        failed = [key for key in stage.inputs.values() if key in self.errors]
        if not failed:
            return False
        self.errors[stage.key] = self.errors[failed[0]]
        self.journal(stage, "skipped", because=failed[0])
        return True

    def _fail(self, stage: Stage, error: Mapping[str, Any]) -> None:
        self.errors[stage.key] = error
        self.journal(stage, "failed", error=error)


@dataclass(frozen=True)
class _Crews:
    """Who does the stages."""

    executor: Executor
    light: LightWork

    def have_room(self, stage: Stage, running: Iterable[_Running]) -> bool:
        """Whether the crew that does such a stage can begin it now."""
        is_light = stage.kind in LightWork.kinds
        busy = sum((one.stage.kind in LightWork.kinds) == is_light for one in running)
        return busy < (self.light.workers if is_light else self.executor.workers)


@dataclass(frozen=True)
class _Running:
    stage: Stage
    draft: Path
    task: Task
    started: float


def _shower(task: Task) -> Callable[[Progress], None]:
    def show(progress: Progress) -> None:
        task.update(progress.done, progress.total, progress.note)

    return show
