"""An executor for tests of its callers: no process, no TensorFlow, the same promises."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from runner.build.protocol import Progress, Report, StageOutcome, StageRequest
from runner.errors import StageError


@dataclass(frozen=True)
class FakeStage:
    """What a stage pretends to make.

    Attributes:
        files: name -> bytes, written to the output folder.
        error: raised instead of giving an outcome, after the files were written.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    error: StageError | None = None


class FakeExecutor:
    """Does every stage at once, in the caller's thread, and remembers what was asked of it.

    Args:
        stages: stage's name -> what it pretends to make; others make nothing.

    Attributes:
        requests: every request, in order.
        is_closed: whether the caller closed it.
    """

    def __init__(self, stages: Mapping[str, FakeStage], workers: int = 2) -> None:
        self.workers = workers
        self.requests: list[StageRequest] = []
        self.is_closed = False
        self._stages = stages

    def __enter__(self) -> FakeExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, request: StageRequest, on_progress: Report) -> Future[StageOutcome]:
        """Writes the files, reports once, and gives a future that is done."""
        self.requests.append(request)
        stage = self._stages.get(request.stage, FakeStage())
        for name, content in stage.files.items():
            (request.output / name).write_bytes(content)
        on_progress(Progress(1, 1, request.stage))
        future: Future[StageOutcome] = Future()
        if stage.error:
            future.set_exception(stage.error)
        else:
            future.set_result(StageOutcome(stage.summary))
        return future

    def close(self) -> None:
        """Notes that it was closed."""
        self.is_closed = True
