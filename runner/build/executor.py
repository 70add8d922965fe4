"""Runs stages in worker processes of this machine; the parent never imports TensorFlow.

A stage is a pure function of its parameters and its inputs' content, so that another executor, on
other machines, fits behind the same few methods.
"""

from __future__ import annotations

import queue
import shutil
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runner.build.protocol import Report, StageOutcome, StageRequest
from runner.build.worker_process import UNLIMITED, WorkerProcess, start_worker
from runner.errors import StageError
from runner.spec.measurement import StageLimits

# After this long, workers that were asked to end are killed.
_PATIENCE_S = 0.3


class Executor(Protocol):
    """What the pipeline needs of whatever runs its stages."""

    workers: int

    def submit(self, request: StageRequest, on_progress: Report) -> Future[StageOutcome]:
        """Queues a stage. The future gives its outcome, or raises StageError."""


@dataclass(frozen=True)
class _Order:
    request: StageRequest
    on_progress: Report
    future: Future[StageOutcome]


class LocalExecutor:
    """A pool of long-lived workers; each imports TensorFlow once and takes one stage at a time.

    Args:
        workers: the most processes at once; they are started as stages come in. More stages than
            that may be submitted: they wait.
        logs: receives one log a stage.
        threads: cores that each worker may use.
        limits: of each stage.
    """

    def __init__(
        self, workers: int, logs: Path, *, threads: int, limits: StageLimits = UNLIMITED
    ) -> None:
        self.workers = workers
        self._limits = limits
        self._logs = logs
        self._threads = threads
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._servants: list[threading.Thread] = []
        self._alive: set[WorkerProcess] = set()
        self._lock = threading.Lock()
        self._unfinished = 0
        self._is_closing = False
        logs.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> LocalExecutor:
        """Starts nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends every worker, also one in the middle of a stage."""
        self.close()

    def submit(self, request: StageRequest, on_progress: Report) -> Future[StageOutcome]:
        """Queues a stage. The future gives its outcome, or raises StageError.

        Args:
            on_progress: called from another thread.
        """
        order = _Order(request, on_progress, Future())
        with self._lock:
            if self._is_closing:
                raise RuntimeError("the executor is closed")
            self._orders.put(order)
            self._unfinished += 1
            if len(self._servants) < min(self.workers, self._unfinished):
                servant = threading.Thread(target=self._serve, daemon=True)
                self._servants.append(servant)
                servant.start()
        return order.future

    def close(self) -> None:
        """Ends the workers within a second; stages under way fail, waiting ones are cancelled."""
        with self._lock:
            self._is_closing = True
            alive = list(self._alive)
        for worker in alive:
            worker.hang_up()
        deadline = time.monotonic() + _PATIENCE_S
        for worker in alive:
            worker.end(max(0.0, deadline - time.monotonic()))
        for _ in self._servants:
            self._orders.put(None)
        for servant in self._servants:
            servant.join()

    def _serve(self) -> None:
        """One thread a worker: hands it stages, one after the other, and replaces it if it dies.

        The thread outlives its worker, since Linux kills a worker whose thread ends.
        """
        worker: WorkerProcess | None = None
        while (order := self._orders.get()) is not None:
            if self._is_closing:
                order.future.cancel()
                continue
            if order.future.set_running_or_notify_cancel():
                worker = self._fulfil(order, worker)
            with self._lock:
                self._unfinished -= 1
        if worker is not None:
            self._dismiss(worker)

    def _fulfil(self, order: _Order, worker: WorkerProcess | None) -> WorkerProcess | None:
        """Runs a stage; returns the worker for the next one, if it is fit for it."""
        log = self._logs / order.request.log_name
        try:
            if worker is not None and not worker.suits(order.request):
                self._dismiss(worker)
                worker = None
            is_fresh = worker is None
            worker = worker or self._hire(order.request, log)
            outcome = worker.run(order.request, log, order.on_progress)
        except StageError as error:
            if error.kind == "out_of_memory" and worker and not self._is_closing:
                # What it holds of this stage, or of those before, would be missing to the next one.
                self._dismiss(worker)
                worker = None
                if not is_fresh:
                    _empty(order.request.output)
                    return self._fulfil(order, None)
            order.future.set_exception(_interrupted(error) if self._is_closing else error)
        except BaseException as error:
            # It may still be at work on this stage.
            if worker is not None:
                self._dismiss(worker)
            order.future.set_exception(error)
            return None
        else:
            order.future.set_result(outcome)
        return worker

    def _hire(self, request: StageRequest, log: Path) -> WorkerProcess:
        with self._lock:
            if self._is_closing:
                raise StageError("not started", stage=request.stage, kind="interrupted")
            worker = start_worker(self._threads, request, log, self._limits)
            self._alive.add(worker)
        return worker

    def _dismiss(self, worker: WorkerProcess) -> None:
        worker.dismiss()
        with self._lock:
            self._alive.discard(worker)


def _interrupted(error: StageError) -> StageError:
    return StageError(
        "interrupted",
        stage=error.stage,
        kind="interrupted",
        why="the work was ended before this stage was done",
        remedy="run the same command again; it goes on where it stopped",
        log=error.log,
    )


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
