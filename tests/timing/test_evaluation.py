"""An evaluation that nobody waits for is ended, whatever it is at."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from runner.errors import StageError
from runner.timing.evaluation import Evaluation, evaluate
from runner.timing.libraries import find_tflite
from tests.native_models import negation

pytestmark = pytest.mark.fast


def test_an_evaluation_that_is_not_wanted_any_longer_is_ended(tmp_path: Path) -> None:
    # Nobody ever writes to it, so that reading the model never ends.
    model = tmp_path / "model.tflite"
    os.mkfifo(model)
    evaluation = Evaluation(
        model=str(model),
        images="",
        scaling="raw",
        library="",
        delegate="none",
        threads=1,
        output=str(tmp_path),
    )
    unwanted = threading.Event()
    unwanted.set()
    with pytest.raises(StageError) as caught:
        evaluate(
            evaluation,
            variant="a",
            log=tmp_path / "log",
            timeout_s=20.0,
            memory_bytes=None,
            unwanted=unwanted,
        )
    assert caught.value.kind == "interrupted"


def test_a_python_exception_is_told_in_its_own_words(tmp_path: Path) -> None:
    model, images = tmp_path / "model.tflite", tmp_path / "images.npy"
    model.write_bytes(negation(4))
    images.write_bytes(b"no array")
    error = failure(evaluation_of(model, tmp_path, str(images)), tmp_path / "log")
    assert error.kind == "exception"
    assert "the evaluation failed: " in error.what
    assert "Error" in error.what
    assert "exit code" not in error.what
    assert "Traceback" in (tmp_path / "log").read_text()


def test_an_evaluation_that_somebody_killed_says_so(tmp_path: Path) -> None:
    model = tmp_path / "model.tflite"
    os.mkfifo(model)
    killer = threading.Thread(target=kill_evaluation)
    killer.start()
    error = failure(evaluation_of(model, tmp_path), tmp_path / "log")
    killer.join()
    assert error.kind == "killed"
    assert error.why == "killed by SIGKILL (likely out of memory)"


def evaluation_of(model: Path, output: Path, images: str = "") -> Evaluation:
    library = find_tflite(None).path
    return Evaluation(str(model), images, "raw", library, "none", 1, str(output))


def failure(evaluation: Evaluation, log: Path) -> StageError:
    with pytest.raises(StageError) as caught:
        evaluate(
            evaluation,
            variant="a",
            log=log,
            timeout_s=60.0,
            memory_bytes=None,
            unwanted=threading.Event(),
        )
    return caught.value


def kill_evaluation() -> None:
    """Waits for this process's child to be started, and kills it."""
    while True:
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                is_ours = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                command = (folder / "cmdline").read_bytes()
                if int(is_ours) == os.getpid() and b"evaluation_worker" in command:
                    os.kill(int(folder.name), signal.SIGKILL)
                    return
        time.sleep(0.01)
