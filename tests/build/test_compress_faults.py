"""A compression that is ended at any point goes on after its last epoch, with the same bits."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.build.failures import StageFailure
from runner.build.protocol import Progress
from runner.errors import StageError
from tests.build.conftest import SCALING, Bench, recipe
from tests.build.test_compress import network, step
from tests.build.test_faults import worker_of

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]

STEPS = [
    step("distill"),
    step("prune", epochs=2),
    step("cluster", epochs=2, keep_zeros=True),
    step("quantization_aware"),
]
PARAMS = {
    "steps": STEPS,
    "train": recipe(),
    "scaling": SCALING,
    "teacher_scaling": SCALING,
}


class EndedError(Exception):
    """The end of an attempt."""


@pytest.fixture(scope="module")
def inputs(
    tensorflow: Any, small_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folders = {name: tmp_path_factory.mktemp(name) for name in ("source", "teacher")}
    for seed, folder in enumerate(folders.values()):
        network(seed).save(folder / "model.keras")
    return folders | {"data": small_data}


@pytest.fixture(scope="module")
def whole(inputs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compression that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert compress(inputs, folder)["resumed_after"] == 0
    return folder


def compress(
    inputs: dict[str, Path],
    output: Path,
    scratch: Path | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> dict[str, Any]:
    from runner.build.compress import compress_model

    return compress_model(PARAMS, inputs, output, report, scratch)


def same(one: Path, other: Path) -> bool:
    histories = [json.loads((folder / "history.json").read_text()) for folder in (one, other)]
    scores = [np.load(folder / "test_scores.npy") for folder in (one, other)]
    return histories[0] == histories[1] and bool((scores[0] == scores[1]).all())


@pytest.mark.parametrize(("name", "done"), [(one["name"], 2 * i) for i, one in enumerate(STEPS)])
@pytest.mark.parametrize("epoch", [0, 1])
def test_an_attempt_that_ends_in_any_step_is_gone_on_with_after_its_last_epoch(
    inputs: dict[str, Path], whole: Path, tmp_path: Path, name: str, done: int, epoch: int
) -> None:
    def end(progress: Progress) -> None:
        if progress.note.startswith(f"{name}: epoch") and progress.done > epoch:
            raise EndedError

    with pytest.raises(EndedError):
        compress(inputs, tmp_path, tmp_path / "scratch", end)
    output = tmp_path / "output"
    output.mkdir()
    summary = compress(inputs, output, tmp_path / "scratch")
    assert summary["resumed_after"] == done + epoch
    assert same(output, whole)


def test_a_worker_that_is_killed_late_in_compression_loses_no_whole_epoch(
    make_bench: Callable[[], Bench], inputs: dict[str, Path], tmp_path: Path
) -> None:
    bench = make_bench()
    killed: list[int] = []

    def kill(progress: Progress) -> None:
        if not killed and progress.note.startswith("cluster: epoch 2"):
            killed.append(worker_of(bench))
            os.kill(killed[0], signal.SIGKILL)

    def run(report: Callable[[Progress], None]) -> Any:
        asked = replace(bench.request("compress", PARAMS, **inputs), scratch=tmp_path / "scratch")
        return bench.executor.submit(asked, report).result(120)

    with pytest.raises(StageError, match="died") as caught:
        run(kill)
    assert caught.value.kind == "killed"
    assert run(lambda progress: None).summary["resumed_after"] >= 5


def test_a_loss_that_is_no_number_ends_compression_in_its_batch(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [step("prune", epochs=2)]
    steps[0]["options"]["learning_rate"] = float("nan")
    monkeypatch.setitem(PARAMS, "steps", steps)
    with pytest.raises(StageFailure, match="NaN or infinite") as caught:
        compress(inputs, tmp_path)
    assert caught.value.kind == "nan_loss"
    assert caught.value.why == "in epoch 1 of prune, batch 2"
