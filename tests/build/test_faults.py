"""What breaks a training from outside: memory, kills, full disks, packages that are not there."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.build.failures import StageFailure, explain
from runner.build.protocol import Progress
from runner.errors import StageError
from tests.build.conftest import SCALING, Bench, recipe, train_params
from tests.build.test_compress import step
from tests.build.test_phases import BASE, same, train

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]

MIB = 2**20
LONG = train_params(base=BASE, epochs=3) | {"snapshots": {"step": [2, 4]}}


def worker_of(bench: Bench) -> int:
    (worker,) = bench.executor._alive
    return worker.pid


def mapped_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


def leave_little_memory(pid: int, room_bytes: int) -> None:
    """Whatever the process has, it can have no more than this beside it."""
    limit = mapped_bytes(pid) + room_bytes
    resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))


@pytest.fixture(scope="module")
def large_data(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same images with 64 times as many pixels."""
    large = tmp_path_factory.mktemp("large")
    for file in small_data.iterdir():
        (large / file.name).write_bytes(file.read_bytes())
    images = np.load(small_data / "train_images.npy")
    np.save(large / "train_images.npy", images.repeat(8, axis=1).repeat(8, axis=2))
    np.save(large / "test_images.npy", images[:32].repeat(8, axis=1).repeat(8, axis=2))
    return large


def test_a_training_without_enough_memory_says_so_and_the_next_one_is_done(
    make_bench: Callable[[], Bench], small_data: Path, large_data: Path
) -> None:
    bench = make_bench()
    pids: list[int] = []

    def limit(_: Progress) -> None:
        if not pids:
            pids.append(worker_of(bench))
            leave_little_memory(pids[0], 256 * MIB)

    greedy = train_params(base=BASE, train={"batch_size": 96})
    request = bench.request("train", greedy, data=large_data)
    with pytest.raises(StageError) as caught:
        bench.executor.submit(request, limit).result(timeout=120)
    # TensorFlow says so, or the system's allocator ends the process.
    error = caught.value
    assert error.kind in {"out_of_memory", "crashed"}, error
    assert "smaller batch size" in error.remedy
    assert "Traceback" not in f"{error.what}{error.why}{error.remedy}"
    # In another process: this one still has its limit, and may hold what it has allocated.
    bench.run("train", train_params(base=BASE, epochs=1), data=small_data)
    assert worker_of(bench) not in pids


def test_a_stage_that_finds_no_memory_in_a_used_worker_is_done_in_a_new_one(
    make_bench: Callable[[], Bench], small_data: Path, large_data: Path
) -> None:
    bench = make_bench()
    bench.run("train", train_params(base=BASE, epochs=1), data=small_data)
    used = worker_of(bench)
    leave_little_memory(used, 16 * MIB)
    greedy = train_params(base=BASE, epochs=1, train={"batch_size": 96})
    bench.run("train", greedy, data=large_data)
    assert worker_of(bench) != used


@pytest.fixture(scope="module")
def whole(make_bench: Callable[[], Bench], small_data: Path) -> tuple[Bench, Path]:
    """A training that nothing disturbed, and the bench that it was done at."""
    bench = make_bench()
    return bench, bench.run("train", LONG, data=small_data)[0]


@pytest.mark.parametrize("when", ["before", "in an epoch", "in the next", "scoring"])
def test_a_worker_that_is_killed_at_any_point_loses_no_whole_epoch(
    whole: tuple[Bench, Path], small_data: Path, tmp_path: Path, tensorflow: Any, when: str
) -> None:
    bench, undisturbed = whole
    reached: dict[str, Callable[[Progress], bool]] = {
        "before": lambda one: one.note == "building the training step",
        "in an epoch": lambda one: 0 < one.done < 1,
        "in the next": lambda one: 1 < one.done < 2,
        "scoring": lambda one: one.note == "scoring the test images",
    }
    killed: list[int] = []

    def kill(progress: Progress) -> None:
        if not killed and reached[when](progress):
            killed.append(worker_of(bench))
            os.kill(killed[0], signal.SIGKILL)

    scratch = tmp_path / "scratch"
    request = replace(bench.request("train", LONG, data=small_data), scratch=scratch)
    with pytest.raises(StageError, match="died") as caught:
        bench.executor.submit(request, kill).result(120)
    assert caught.value.kind == "killed"
    assert "goes on where it stopped" in caught.value.remedy
    again = replace(bench.request("train", LONG, data=small_data), scratch=scratch)
    summary = bench.executor.submit(again, lambda progress: None).result(120).summary
    # The last epoch is not kept apart: what comes of it is the artifact.
    wanted = {"before": 0, "in an epoch": 0, "in the next": 1, "scoring": 2}[when]
    assert summary["resumed_after"] == wanted
    assert same(undisturbed, again.output)
    for name in ("step-2.npz", "step-4.npz"):
        one, other = (np.load(f / "snapshots" / name) for f in (undisturbed, again.output))
        assert all((one[array] == other[array]).all() for array in one.files)


@pytest.mark.parametrize("kept", ["checkpoint", "snapshot"])
def test_no_room_for_what_a_training_notes_is_called_so(
    small_data: Path, small_disk: Path, tmp_path: Path, tensorflow: Any, kept: str
) -> None:
    params = train_params(base=BASE, epochs=2)
    if kept == "snapshot":
        params |= {"snapshots": {"step": [1]}}
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the kind is what matters
        train(small_data, tmp_path / "output", params, scratch=small_disk)
    failure = explain(caught.value)
    assert failure.kind == "no_space"
    assert "free some room" in failure.remedy


@pytest.mark.parametrize("missing", ["tf_keras", "tensorflow_model_optimization"])
def test_missing_packages_for_compression_name_the_extra(
    monkeypatch: pytest.MonkeyPatch, tensorflow: Any, tmp_path: Path, small_data: Path, missing: str
) -> None:
    from runner.build.compress import compress_model

    train(small_data, tmp_path / "source", train_params(base=BASE, epochs=0))
    monkeypatch.setitem(sys.modules, missing, None)
    params = {
        "steps": [step("prune")],
        "train": recipe(),
        "scaling": SCALING,
        "teacher_scaling": "",
    }
    inputs = {"source": tmp_path / "source", "data": small_data}
    with pytest.raises(StageFailure, match="not installed") as caught:
        compress_model(params, inputs, tmp_path, lambda progress: None)
    assert caught.value.kind == "missing_package"
    assert missing in caught.value.why
    assert "retime[compress]" in caught.value.remedy
