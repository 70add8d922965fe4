"""Builds what the plan asks for and the store lacks: each stage once, in worker processes.

Stages run as soon as their inputs are there. One that fails takes along only what depends on it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from runner.build.executor import LocalExecutor
from runner.build.protocol import Progress, StageOutcome, StageRequest
from runner.errors import EnvironmentUnusableError, StageError
from runner.plan.stages import Plan, Stage
from runner.report.progress import Display, Task
from runner.steps.contents import changed_contents, hash_path
from runner.steps.options import session_options
from runner.store.artifacts import Artifact, ArtifactStore
from runner.store.runs import Run
from runner.timing.evaluation import Evaluation, evaluate
from runner.timing.libraries import RuntimeLibrary

_EVALUATION_TIMEOUT_S = 3600.0
_MOST_WORKERS = 2


@dataclass(frozen=True)
class Built:
    """What came of one variant, as `result.json` holds it.

    Attributes:
        error: why it is not there; None when it is.
        facts: what the runtime said of the model.
        model_path: the .tflite file; None on failure.
        input_path: the first test images as the model takes them; None where there are none.
    """

    error: Mapping[str, Any] | None
    model: Mapping[str, Any] | None = None
    accuracy: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] | None = None
    model_path: Path | None = None
    input_path: Path | None = None


def build_variants(
    plan: Plan,
    store: ArtifactStore,
    libraries: Mapping[str, RuntimeLibrary],
    run: Run,
    display: Display,
) -> dict[str, Built]:
    """Builds and evaluates every variant; variant's name -> what came of it."""
    site = _Site(plan, store, run, display)
    site.collect_finished()
    site.run_in_workers()
    site.evaluate(libraries)
    return {name: site.outcome(name) for name in plan.of_variant}


@dataclass
class _Site:
    """The work under way."""

    plan: Plan
    store: ArtifactStore
    run: Run
    display: Display
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    errors: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def collect_finished(self) -> None:
        """Takes from the store what is there and undamaged."""
        for key, stage in self.plan.stages.items():
            if artifact := self.store.verified(stage.kind, key):
                self.artifacts[key] = artifact
                self.journal(stage, "cached")

    def run_in_workers(self) -> None:
        """Runs every missing stage but evaluations; finished files need no worker."""
        for stage in [stage for stage in self._missing() if stage.kind == "adopt"]:
            self._do_here(stage, partial(self._adopt, stage))
        missing = [stage for stage in self._missing() if stage.kind != "evaluate"]
        if not missing:
            return
        cores = len(os.sched_getaffinity(0))
        workers = min(_MOST_WORKERS, cores, len(missing))
        try:
            with LocalExecutor(
                workers, self.run.logs, threads=max(1, cores // workers)
            ) as executor:
                self._run_all(missing, executor)
        finally:
            self.store.tidy()

    def _run_all(self, missing: list[Stage], executor: LocalExecutor) -> None:
        running: dict[Future[StageOutcome], _Running] = {}
        waiting = list(missing)
        while waiting or running:
            for stage in [stage for stage in waiting if self._ready(stage)]:
                if len(running) < executor.workers:
                    waiting.remove(stage)
                    if not self._blocked(stage):
                        running |= self._start(stage, executor)
            if not running:
                continue
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                self._finish(running.pop(future), future)

    def _start(self, stage: Stage, executor: LocalExecutor) -> dict[Future[StageOutcome], _Running]:
        draft = self.store.draft(stage.kind, stage.key)
        task = self.display.task(f"{stage.kind} {stage.label}")
        request = StageRequest(
            stage=stage.kind,
            key=stage.key,
            params=stage.params,
            inputs={role: self.artifacts[key].folder for role, key in stage.inputs.items()},
            output=draft,
            scratch=self.store.scratch(stage.kind, stage.key),
        )
        future = executor.submit(request, _shower(task))
        return {future: _Running(stage, draft, task, time.monotonic())}

    def _finish(self, running: _Running, future: Future[StageOutcome]) -> None:
        try:
            summary = future.result().summary
            self._commit(running, summary)
            running.task.end("done")
        except StageError as error:
            self._give_up(running, error)
        except BaseException:
            self.store.discard(running.draft)
            raise

    def _give_up(self, running: _Running, error: StageError) -> None:
        self.store.discard(running.draft)
        running.task.end(f"failed: {error.what}")
        if error.kind == "no_space":
            # No stage after this one would fare better.
            raise EnvironmentUnusableError(error.what, why=error.why, remedy=error.remedy)
        self._fail(running.stage, error.as_record())

    def _commit(self, running: _Running, summary: Mapping[str, Any]) -> None:
        """Keeps what a stage made, if it was made of what its key says.

        Raises:
            StageError: a file was changed since the plan was made.
        """
        stage = running.stage
        if changed := changed_contents(stage.params, self.plan.files):
            raise _changed(stage, changed[0])
        seconds = time.monotonic() - running.started
        self.artifacts[stage.key] = self.store.commit(
            running.draft,
            stage.kind,
            stage.key,
            identity=stage.identity,
            summary=summary,
            seconds=seconds,
        )
        self.journal(stage, "done", seconds=round(seconds, 3))

    def _adopt(self, stage: Stage, draft: Path) -> dict[str, Any]:
        """Takes a finished .tflite file over, so that what is timed can't change under way."""
        file, copy = stage.params["file"], draft / "model.tflite"
        try:
            shutil.copyfile(file, copy)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise StageError(
                "the model file can't be read",
                stage="adopt",
                kind="bad_input",
                why=str(error.strerror),
                where=file,
                remedy="check that it is there and may be read",
            ) from error
        if hash_path(copy) != self.plan.files[file]:
            raise _changed(stage, file)
        return {}

    def evaluate(self, libraries: Mapping[str, RuntimeLibrary]) -> None:
        """Runs every converted model over the test split, through the runtime that is timed."""
        for stage in [stage for stage in self._missing() if stage.kind == "evaluate"]:
            if not self._blocked(stage):
                library = libraries[stage.variants[0]]
                self._do_here(stage, partial(self._evaluate, stage, library))

    def _do_here(self, stage: Stage, make: Callable[[Path], dict[str, Any]]) -> None:
        """Runs a stage that needs no worker of the pool."""
        task = self.display.task(f"{stage.kind} {stage.label}")
        draft = self.store.draft(stage.kind, stage.key)
        running = _Running(stage, draft, task, time.monotonic())
        try:
            self._commit(running, make(draft))
            task.end("done")
        except StageError as error:
            self._give_up(running, error)
        except BaseException:
            self.store.discard(draft)
            raise

    def _evaluate(self, stage: Stage, library: RuntimeLibrary, draft: Path) -> dict[str, Any]:
        import numpy as np

        from runner.analysis.accuracy import compare_scores

        inputs = {role: self.artifacts[key] for role, key in stage.inputs.items()}
        data, reference = inputs.get("data"), inputs.get("reference")
        runtime = stage.params["runtime"]
        facts = evaluate(
            Evaluation(
                model=str(inputs["model"].file("model.tflite")),
                images=str(data.file("test_images.npy")) if data else "",
                scaling=stage.params["scaling"],
                library=library.path,
                delegate=runtime["delegate"]["name"],
                options=session_options(runtime),
                threads=runtime["threads"],
                output=str(draft),
            ),
            variant=", ".join(stage.variants),
            log=self.run.logs / f"evaluate-{stage.key[:12]}.log",
            timeout_s=_EVALUATION_TIMEOUT_S,
        )
        if data is None:
            return {"facts": facts, "accuracy": None}
        accuracy = compare_scores(
            _scores_of(reference),
            np.load(draft / "scores.npy"),
            np.load(data.file("test_labels.npy")),
        )
        return {"facts": facts, "accuracy": asdict(accuracy)}

    def outcome(self, name: str) -> Built:
        """What came of one variant."""
        keys = self.plan.of_variant[name]
        failed = [self.errors[key] for key in keys.values() if key in self.errors]
        source = self.artifacts.get(self.plan.maker_of_model(name) or "")
        file = self.artifacts.get(self.plan.maker_of_file(name))
        evaluation = self.artifacts.get(keys["evaluate"])
        facts = evaluation.summary["facts"] if evaluation else {}
        model = _model_record(source, file, facts) if file else None
        if failed or file is None or evaluation is None:
            return Built(error=failed[0], model=model)
        return Built(
            error=None,
            model=model,
            accuracy=evaluation.summary["accuracy"],
            facts=facts,
            model_path=file.file("model.tflite").resolve(),
            input_path=evaluation.file("input.bin").resolve() if "data" in keys else None,
        )

    def journal(self, stage: Stage, status: str, **fields: Any) -> None:
        """Notes what became of a stage: `cached`, `done`, `failed` or `skipped`."""
        self.run.journal.append(
            "stage", stage=stage.kind, key=stage.key, label=stage.label, status=status, **fields
        )

    def _missing(self) -> list[Stage]:
        return [stage for key, stage in self.plan.stages.items() if key not in self.artifacts]

    def _ready(self, stage: Stage) -> bool:
        return all(key in self.artifacts or key in self.errors for key in stage.inputs.values())

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
class _Running:
    stage: Stage
    draft: Path
    task: Task
    started: float


def _shower(task: Task) -> Callable[[Progress], None]:
    def show(progress: Progress) -> None:
        task.update(progress.done, progress.total, progress.note)

    return show


def _changed(stage: Stage, path: str) -> StageError:
    return StageError(
        "a file was changed while the spec was at work",
        stage=stage.kind,
        kind="changed",
        why="what was made of it does not belong to the file that the plan was made for",
        where=path,
        remedy="run the same command again, which takes the file as it is now",
    )


def _scores_of(reference: Artifact | None) -> Any:
    """What the Keras model answers to the test images; None where it was not scored."""
    import numpy as np

    if reference is None or not reference.file("test_scores.npy").exists():
        return None
    return np.load(reference.file("test_scores.npy"))


def _model_record(
    source: Artifact | None, made: Artifact, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """What a report says of a .tflite file.

    Args:
        source: what it was made of; None for a finished one, whose parameters nobody counted.
        facts: what the runtime said of it, if it got that far.
    """
    path = made.file("model.tflite").resolve()
    counts = source.summary if source else {}
    return {
        "path": str(path),
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "parameters": counts.get("parameters"),
        "trainable_parameters": counts.get("trainable_parameters"),
        "operations": made.summary.get("operations", facts.get("nodes")),
    }
