"""Stages that need no TensorFlow, done in a thread of their own while workers are at the others."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from runner.build.failures import explain
from runner.build.protocol import StageOutcome, log_name
from runner.errors import RetimeError, StageError
from runner.plan.records import Content, Stage
from runner.spec.measurement import StageLimits
from runner.steps.adopting import adopt
from runner.steps.deadline import Deadline
from runner.steps.evaluating import evaluate_stage
from runner.store.artifacts import Artifact
from runner.timing.libraries import RuntimeLibrary


class LightWork:
    """Does one stage at a time: takes a finished file over, or evaluates a converted model.

    Args:
        files: path of each file that the spec names -> its content.
        libraries: variant's name -> what its models are evaluated with.
        logs: an existing folder, which receives one log an evaluation.
        limits: of each stage.
        deadline: of all of them.

    Attributes:
        kinds: of stages that it does.
        workers: the most stages at once.
    """

    kinds = ("adopt", "evaluate")
    workers = 1

    def __init__(
        self,
        files: Mapping[str, Content],
        libraries: Mapping[str, RuntimeLibrary],
        logs: Path,
        limits: StageLimits,
        deadline: Deadline,
    ) -> None:
        self._files, self._libraries = files, libraries
        self._logs, self._limits, self._deadline = logs, limits, deadline
        self._unwanted = threading.Event()
        # The thread outlives what it starts, since Linux kills a child whose thread ends.
        self._thread = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> LightWork:
        """Starts nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends what is under way."""
        self._unwanted.set()
        self._thread.shutdown(cancel_futures=True)

    def submit(
        self, stage: Stage, inputs: Mapping[str, Artifact], draft: Path
    ) -> Future[StageOutcome]:
        """Queues a stage. The future gives its outcome, or raises what went wrong.

        Args:
            inputs: role -> what was made.
            draft: an existing folder for what comes out.
        """
        return self._thread.submit(self._do, stage, inputs, draft)

    def _do(self, stage: Stage, inputs: Mapping[str, Artifact], draft: Path) -> StageOutcome:
        """Whatever goes wrong fails the stage, as it does in a worker, and not the whole spec."""
        log = self._logs / log_name(stage.kind, stage.key)
        try:
            return self._outcome(stage, inputs, draft, log)
        except RetimeError:
            raise
        except Exception as error:
            with suppress(OSError), log.open("a", encoding="utf-8") as file:
                file.writelines(traceback.format_exception(error))
            failure = explain(error).as_record()
            where = ", ".join(stage.variants)
            raise StageError(stage=stage.kind, where=where, log=str(log), **failure) from error

    def _outcome(
        self, stage: Stage, inputs: Mapping[str, Artifact], draft: Path, log: Path
    ) -> StageOutcome:
        if stage.kind == "adopt":
            return StageOutcome(adopt(stage, self._files, draft))
        return StageOutcome(
            evaluate_stage(
                stage,
                inputs,
                self._libraries[stage.variants[0]],
                draft,
                log=log,
                limits=self._limits,
                deadline=self._deadline,
                unwanted=self._unwanted,
            )
        )
