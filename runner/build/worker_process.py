"""One worker process, seen from its parent."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from runner.build.failures import explain
from runner.build.protocol import Progress, Report, StageOutcome, StageRequest
from runner.errors import StageError

_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_USE_LEGACY_KERAS": "0",
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "",
}
# Stages that work with tf-keras, which TensorFlow must know of before it is imported.
LEGACY_STAGES = ("compress",)
MOST_GROWTH_BYTES = 2**30
_NUMBERS = itertools.count(1)
_RERUN = "run the same command again; it goes on where it stopped"
_REMEDIES: dict[int, str] = {
    signal.SIGKILL: f"{_RERUN}. With little memory, a smaller batch size or image size helps",
    signal.SIGILL: "this build of TensorFlow needs a newer processor; build on another machine",
}


class WorkerProcess:
    """A child in a session of its own, which runs one stage at a time.

    Args:
        threads: cores that it may use.
        log: receives what the process prints before its first stage.
        home: the folder below which TensorFlow and Keras may write beside their results.
        is_legacy: whether `tf.keras` is tf-keras there.
    """

    def __init__(self, threads: int, log: Path, home: Path, *, is_legacy: bool = False) -> None:
        self.is_legacy = is_legacy
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
                env=_environment(home) | {"TF_USE_LEGACY_KERAS": str(int(is_legacy))},
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
        return self._resident_bytes() > self._settled_bytes + MOST_GROWTH_BYTES

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
        assert self._child.stdout is not None  # noqa: S101
        number = next(_NUMBERS)
        text = request.as_line(number, log)
        # If it is gone, or was told to go (ValueError), the end of what it says tells why.
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._child.stdin.write(text + "\n")
            self._child.stdin.flush()
        for line in self._child.stdout:
            event = json.loads(line)
            if event["id"] != number:
                continue
            if event["event"] != "progress":
                self._settled_bytes = self._settled_bytes or self._resident_bytes()
                return _outcome(request, event, log)
            on_progress(Progress(event["done"], event["total"], event["note"], event["unit"]))
        raise _crashed(request, self._child.wait(), log)

    def hang_up(self) -> None:
        """Closes its standard input, at which it ends by itself, without waiting for that."""
        assert self._child.stdin is not None  # noqa: S101
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
        assert self._child.stdout is not None  # noqa: S101
        self._child.stdout.close()

    def _resident_bytes(self) -> int:
        """0 where the system doesn't tell."""
        try:
            fields = Path(f"/proc/{self._child.pid}/statm").read_text(encoding="ascii").split()
        except OSError:
            return 0
        return int(fields[1]) * resource.getpagesize()


def _environment(home: Path) -> dict[str, str]:
    """This process's environment, with nothing that makes a worker write outside `home`.

    TensorFlow leaves generated code in the temporary folder when it is killed, and Keras makes a
    folder in the user's home; one that is there already, with weights perhaps, is used.
    """
    scratch = home / f"scratch.{os.getpid()}"
    scratch.mkdir(parents=True, exist_ok=True)
    keras = {} if Path("~/.keras").expanduser().is_dir() else {"KERAS_HOME": str(home / "keras")}
    return {**keras, **os.environ, **_ENVIRONMENT, "TMPDIR": str(scratch)}


def start_worker(threads: int, request: StageRequest, log: Path) -> WorkerProcess:
    """Starts a worker for a stage.

    Raises:
        StageError: there is no room for its log, or the system refuses another process.
    """
    try:
        home = request.output.absolute().parent
        return WorkerProcess(threads, log, home, is_legacy=request.stage in LEGACY_STAGES)
    except OSError as error:
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


def _crashed(request: StageRequest, code: int, log: Path) -> StageError:
    why = f"it ended with exit code {code}"
    if code < 0:
        likely = " (likely out of memory)" if code == -signal.SIGKILL else ""
        why = f"killed by {_signal_name(-code)}{likely}"
    return StageError(
        "the worker process died",
        stage=request.stage,
        kind="crashed",
        why=why,
        remedy=_REMEDIES.get(-code, f"{_RERUN}; the log holds the process's last words"),
        log=str(log),
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
