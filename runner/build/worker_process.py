"""One worker process, seen from its parent."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from runner.build.failures import explain
from runner.build.protocol import Progress, Report, StageOutcome, StageRequest
from runner.endings import cause_of_end, check_start
from runner.errors import StageError
from runner.spec.measurement import StageLimits
from runner.watching import Excess, Watch, resident_bytes

# What a worker finds in its environment. oneDNN is asked for: on a processor without AVX-512
# TensorFlow leaves it off otherwise, and then last bits depend on the size of a batch.
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_USE_LEGACY_KERAS": "0",
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "",
}
# Stages that work with tf-keras, which TensorFlow must know of before it is imported.
LEGACY_STAGES = ("compress",)
MOST_GROWTH_BYTES = 2**30
UNLIMITED = StageLimits(stage_time_s=math.inf, memory_bytes=None, retries=0)
_NUMBERS = itertools.count(1)
# It ignores the latter two as soon as it can.
_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT}
_RERUN = "run the same command again; it goes on where it stopped"
_LITTLE_MEMORY = "With little memory, a smaller batch size or image size helps"
_LAST_WORDS = f"{_RERUN}; the log holds the process's last words"
_REMEDIES: dict[int, str] = {
    signal.SIGKILL: f"{_RERUN}. {_LITTLE_MEMORY}",
    # How native code ends that asked for memory and got none, often without a word.
    **dict.fromkeys(
        (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS), f"{_LAST_WORDS}. {_LITTLE_MEMORY}"
    ),
    signal.SIGILL: "this build of TensorFlow needs a newer processor; build on another machine",
}


class WorkerProcess:
    """A child in a session of its own, which runs one stage at a time.

    Args:
        threads: cores that it may use.
        log: receives what the process prints before its first stage.
        home: the folder below which TensorFlow and Keras may write beside their results.
        owner: what the names of temporary files there end with.
        limits: of every stage that it runs.
        is_legacy: whether `tf.keras` is tf-keras there.
    """

    def __init__(
        self,
        threads: int,
        log: Path,
        home: Path,
        *,
        limits: StageLimits = UNLIMITED,
        owner: str = "",
        is_legacy: bool = False,
    ) -> None:
        self.is_legacy = is_legacy
        self._limits = limits
        self._settled_bytes = 0
        # Isolated: a module beside the spec must not be taken for one of TensorFlow's.
        command = [sys.executable, "-I", "-m", "runner.build.worker", "--threads", str(threads)]
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                env=_environment(home, owner) | {"TF_USE_LEGACY_KERAS": str(int(is_legacy))},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The child's process number, which is its group's too."""
        return self._child.pid

    @property
    def has_grown(self) -> bool:
        """Whether it holds far more memory than after its first stage: time for another one.

        TensorFlow keeps the graph of every training step for ever (a gradient function of the
        optimizer's reduction stays registered), which is 100 MiB and more for a MobileNet.
        """
        held = resident_bytes(self._child.pid)
        return held > self._settled_bytes + MOST_GROWTH_BYTES

    def suits(self, request: StageRequest) -> bool:
        """Whether it may take this stage: it lives, is of the right kind and not too large."""
        is_kind = self.is_legacy == (request.stage in LEGACY_STAGES)
        return is_kind and self.is_alive and not self.has_grown

    @property
    def is_alive(self) -> bool:
        """Whether it can take a stage."""
        return self._child.poll() is None

    def run(self, request: StageRequest, log: Path, on_progress: Report) -> StageOutcome:
        """Has a stage run, and waits for its end.

        Raises:
            StageError: it failed, or took the process along.
        """
        assert self._child.stdin is not None  # noqa: S101 - it was made with pipes
        number = next(_NUMBERS)
        text = request.as_line(number, log)
        # If it is gone, or was told to go (ValueError), the end of what it says tells why.
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._child.stdin.write(text + "\n")
            self._child.stdin.flush()
        with Watch(self._child.pid, self._limits.stage_time_s, self._limits.memory_bytes) as watch:
            event = self._last_event(number, on_progress)
        self._settled_bytes = self._settled_bytes or resident_bytes(self._child.pid)
        if event is not None:
            return _outcome(request, event, log)
        code = self._child.wait()
        raise _ended(request, watch.excess, log) if watch.excess else _crashed(request, code, log)

    def _last_event(self, number: int, on_progress: Report) -> dict[str, Any] | None:
        """Passes progress on until the stage is over; None where the process ended before it."""
        assert self._child.stdout is not None  # noqa: S101 - it was made with pipes
        for line in self._child.stdout:
            event: dict[str, Any] = json.loads(line)
            if event["id"] != number:
                continue
            if event["event"] != "progress":
                return event
            on_progress(Progress(event["done"], event["total"], event["note"], event["unit"]))
        return None

    def hang_up(self) -> None:
        """Closes its standard input, at which it ends by itself, without waiting for that."""
        assert self._child.stdin is not None  # noqa: S101 - as above
        with contextlib.suppress(OSError, ValueError):
            self._child.stdin.close()

    def end(self, patience_s: float) -> None:
        """Waits so long for it to end, then kills its group; returns when it is gone."""
        self.hang_up()
        try:
            self._child.wait(patience_s)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()

    def dismiss(self) -> None:
        """Ends it now, whatever it is at. For the thread that uses it, after which it is no use."""
        self.end(0.0)
        assert self._child.stdout is not None  # noqa: S101 - as above
        self._child.stdout.close()


def _environment(home: Path, owner: str) -> dict[str, str]:
    """This process's environment, with nothing that makes a worker write outside `home`.

    TensorFlow leaves generated code in the temporary folder when it is killed, Keras and TensorFlow
    Datasets make folders in the user's home; one that is there already, with weights perhaps, is
    used.
    """
    scratch = home / f"scratch{owner}"
    scratch.mkdir(parents=True, exist_ok=True)
    places = {
        variable: str(home / name)
        for variable, usual, name in (
            ("KERAS_HOME", "~/.keras", "keras"),
            ("TFDS_DATA_DIR", "~/tensorflow_datasets", "tensorflow_datasets"),
        )
        if not Path(usual).expanduser().is_dir()
    }
    return {**places, **os.environ, **ENVIRONMENT, "TMPDIR": str(scratch)}


def start_worker(
    threads: int, request: StageRequest, log: Path, limits: StageLimits
) -> WorkerProcess:
    """Starts a worker for a stage.

    Raises:
        StageError: there is no room for its log, or the system refuses another process.
    """
    try:
        home, owner = request.output.absolute().parent, request.output.suffix
        is_legacy = request.stage in LEGACY_STAGES
        return WorkerProcess(threads, log, home, limits=limits, owner=owner, is_legacy=is_legacy)
    except OSError as error:
        check_start(error, request.stage, log=str(log))
        failure = explain(error).as_record()
        raise StageError(stage=request.stage, **failure) from error


def _outcome(request: StageRequest, event: dict[str, Any], log: Path) -> StageOutcome:
    if event["event"] == "finished":
        return StageOutcome(event["summary"])
    raise StageError(
        event["what"],
        stage=request.stage,
        kind=event["kind"],
        why=event["why"],
        remedy=event["remedy"],
        log=str(log),
    )


def _ended(request: StageRequest, excess: Excess, log: Path) -> StageError:
    return StageError(
        excess.what,
        stage=request.stage,
        kind=excess.kind,
        why=excess.why,
        remedy=excess.remedy,
        log=str(log),
    )


def _crashed(request: StageRequest, code: int, log: Path) -> StageError:
    return StageError(
        "the worker process died",
        stage=request.stage,
        # Nothing in the process kills it with these: somebody did, or the kernel, which had no
        # memory left.
        kind="killed" if -code in _FROM_OUTSIDE else "crashed",
        why=cause_of_end(code),
        remedy=_REMEDIES.get(-code, _LAST_WORDS),
        log=str(log),
    )
