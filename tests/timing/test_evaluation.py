"""An evaluation that nobody waits for is ended, whatever it is at."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from runner.errors import StageError
from runner.timing.evaluation import Evaluation, evaluate

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
