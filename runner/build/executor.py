"""Runs stages in worker processes of this machine; the parent never imports TensorFlow."""

from __future__ import annotations

import ctypes
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from runner.build.protocol import Progress, StageOutcome, StageRequest
from runner.errors import StageError

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONHASHSEED": "0",
}


@dataclass(frozen=True)
class _Order:
    request: StageRequest
    on_progress: Callable[[Progress], None]
    future: Future[StageOutcome]


class LocalExecutor:
    """A pool of long-lived workers; each imports TensorFlow once and takes one stage at a time.

    Args:
        workers: the most processes at once; they are started as stages come in. More stages than
            that may be submitted: they wait.
        logs: an existing folder that receives one log a stage.
        threads: cores that each worker may use.
    """

    def __init__(self, workers: int, logs: Path, *, threads: int) -> None:
        self.workers = workers
        self._logs = logs
        self._threads = threads
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._servants: list[threading.Thread] = []
        self._children: dict[int, subprocess.Popen[str]] = {}
        self._lock = threading.Lock()
        self._pending = 0
        self._closing = False

    def __enter__(self) -> LocalExecutor:
        """Starts nothing yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends every worker, also one in the middle of a stage."""
        self.close()

    def submit(
        self, request: StageRequest, on_progress: Callable[[Progress], None]
    ) -> Future[StageOutcome]:
        """Queues a stage. The future gives its outcome, or raises StageError.

        Args:
            on_progress: called from another thread.
        """
        future: Future[StageOutcome] = Future()
        with self._lock:
            self._pending += 1
            if len(self._servants) < min(self.workers, self._pending):
                servant = threading.Thread(target=self._serve, daemon=True)
                self._servants.append(servant)
                servant.start()
        self._orders.put(_Order(request, on_progress, future))
        return future

    def close(self) -> None:
        """Kills the workers and what they started; returns when they are gone."""
        with self._lock:
            self._closing = True
            children = list(self._children.values())
        for child in children:
            _kill_group(child)
        for _ in self._servants:
            self._orders.put(None)
        for servant in self._servants:
            servant.join()

    def _serve(self) -> None:
        """One thread a worker: hands it stages, one after the other, and replaces it if it dies."""
        child: subprocess.Popen[str] | None = None
        while (order := self._orders.get()) is not None and not self._closing:
            try:
                if child is None or child.poll() is not None:
                    child = self._start()
                outcome = self._run(order, child)
            except BaseException as error:
                order.future.set_exception(error)
            else:
                order.future.set_result(outcome)
            with self._lock:
                self._pending -= 1
        if child is not None:
            _kill_group(child)
            child.wait()

    def _start(self) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-I", "-m", "runner.build.worker", "--threads", str(self._threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **_ENVIRONMENT},
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - it only calls prctl
        )
        with self._lock:
            self._children[child.pid] = child
        return child

    def _run(self, order: _Order, child: subprocess.Popen[str]) -> StageOutcome:
        request = order.request
        log = self._logs / f"{request.stage}-{request.key[:12]}.log"
        message = {
            "stage": request.stage,
            "params": request.params,
            "inputs": {role: str(folder) for role, folder in request.inputs.items()},
            "output": str(request.output),
            "log": str(log.resolve()),
        }
        assert child.stdin is not None  # noqa: S101 - it was made with a pipe
        assert child.stdout is not None  # noqa: S101
        try:
            child.stdin.write(json.dumps(message) + "\n")
            child.stdin.flush()
        except BrokenPipeError:
            raise self._died(request, child, log) from None
        for line in child.stdout:
            event = json.loads(line)
            if event["event"] == "progress":
                order.on_progress(Progress(event["done"], event["total"], event["note"]))
            elif event["event"] == "finished":
                return StageOutcome(event["summary"])
            else:
                raise _failure(request, event, log)
        raise self._died(request, child, log)

    def _died(self, request: StageRequest, child: subprocess.Popen[str], log: Path) -> StageError:
        code = child.wait()
        how = f"ended with exit code {code}"
        if code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
        likely = " (likely out of memory)" if code == -signal.SIGKILL else ""
        return StageError(
            f"the worker {how}{likely}",
            stage=request.stage,
            kind="crashed",
            log=str(log),
            remedy="run the same command again; with less memory, a smaller batch size helps",
        )


def _failure(request: StageRequest, event: dict[str, Any], log: Path) -> StageError:
    return StageError(
        event["what"],
        stage=request.stage,
        kind=event["kind"],
        why=event["why"],
        remedy=event["remedy"],
        log=str(log),
    )


def _kill_group(child: subprocess.Popen[str]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        child.kill()


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
