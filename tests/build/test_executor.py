"""Real worker processes: what they say, how they die, and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.build import worker_process
from runner.build.executor import LocalExecutor
from runner.build.fake import FakeExecutor, FakeStage
from runner.build.protocol import Progress, StageOutcome, StageRequest
from runner.errors import StageError
from runner.watching import resident_bytes
from tests.build.conftest import Bench, data_params, train_params

DIGITS = data_params(image_size=[8, 8])
LONG = DIGITS | {"image_size": [512, 512]}


class Watch:
    """Waits for a stage's first progress."""

    def __init__(self) -> None:
        self.begun = threading.Event()

    def __call__(self, progress: Progress) -> None:
        if progress.done:
            self.begun.set()

    def wait(self) -> None:
        assert self.begun.wait(60)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def worker_pids(executor: LocalExecutor) -> list[int]:
    return [worker.pid for worker in executor._alive]


@pytest.mark.acceptance
def test_one_worker_serves_many_stages_and_logs_each(bench: Bench) -> None:
    folder, _ = bench.run("data", DIGITS)
    before = worker_pids(bench.executor)
    assert bench.events[-1] == Progress(1797, 1797, "images", "image")
    bench.run("data", DIGITS)
    assert worker_pids(bench.executor) == before
    logs = {path.name for path in (bench.root / "logs").iterdir()}
    assert f"{folder.name.ljust(12, '0')[:12]}" in {
        name.removeprefix("data-").removesuffix(".log") for name in logs
    }


@pytest.mark.acceptance
def test_a_failure_has_its_kind_and_its_log_holds_the_traceback(
    bench: Bench, tmp_path: Path
) -> None:
    with pytest.raises(StageError) as caught:
        bench.run("train", train_params(), data=tmp_path / "absent")
    error = caught.value
    assert (error.stage, error.kind) == ("train", "exception")
    assert "FileNotFoundError" in error.what
    assert "Traceback" not in f"{error.what}{error.why}{error.remedy}"
    assert "Traceback" in Path(error.log).read_text()
    with pytest.raises(StageError, match="no stage 'distil'") as caught:
        bench.run("distil", {})
    assert caught.value.kind == "bad_input"


@pytest.mark.acceptance
def test_a_full_disk_is_called_so_and_the_worker_goes_on(bench: Bench, small_disk: Path) -> None:
    with pytest.raises(StageError, match="no space left") as caught:
        bench.run("data", DIGITS, output=small_disk)
    assert caught.value.kind == "no_space"
    assert "free some room" in caught.value.remedy
    bench.run("data", DIGITS)


@pytest.mark.acceptance
def test_a_full_disk_for_the_model_is_called_so(
    bench: Bench, small_data: Path, small_disk: Path
) -> None:
    with pytest.raises(StageError, match="no space left") as caught:
        bench.run("train", train_params(epochs=0), data=small_data, output=small_disk)
    assert caught.value.kind == "no_space"


@pytest.mark.acceptance
def test_a_killed_worker_is_reported_and_replaced_and_closing_leaves_none(
    make_bench: Callable[[], Bench],
) -> None:
    bench = make_bench()
    watch = Watch()
    future = bench.executor.submit(bench.request("data", LONG), watch)
    watch.wait()
    (first,) = worker_pids(bench.executor)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(StageError, match="died") as caught:
        future.result(10)
    assert caught.value.kind == "killed"
    assert caught.value.why == "killed by SIGKILL (likely out of memory)"
    assert Path(caught.value.log).is_file()

    bench.run("data", DIGITS)
    (second,) = worker_pids(bench.executor)
    assert second != first
    watch = Watch()
    running = bench.executor.submit(bench.request("data", LONG), watch)
    waiting = bench.executor.submit(bench.request("data", DIGITS), lambda progress: None)
    watch.wait()
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(second, number)  # That is the parent's business.
    assert not running.done()
    begun = time.monotonic()
    bench.executor.close()
    assert time.monotonic() - begun < 1
    assert not is_running(second)
    with pytest.raises(StageError, match="interrupted"):
        running.result(0)
    assert waiting.cancelled()
    bench.executor.close()
    with pytest.raises(RuntimeError, match="closed"):
        bench.executor.submit(bench.request("data", DIGITS), lambda progress: None)


@pytest.mark.acceptance
def test_a_worker_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from runner.build.executor import LocalExecutor
from runner.build.protocol import StageRequest
root = Path({str(tmp_path)!r})
with LocalExecutor(1, root, threads=1) as executor:
    request = StageRequest("data", "0" * 12, {LONG!r}, {{}}, root)
    def show(progress):
        if progress.done:
            print(*[worker.pid for worker in executor._alive], flush=True)
    executor.submit(request, show).result()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
    deadline = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(pid)


@pytest.mark.acceptance
def test_a_watcher_that_fails_ends_the_stage_and_spares_the_next(bench: Bench) -> None:
    def broken(progress: Progress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.executor.submit(bench.request("data", DIGITS), broken).result(60)
    bench.run("data", DIGITS)


@pytest.mark.fast
def test_workers_start_only_as_stages_come(tmp_path: Path) -> None:
    with LocalExecutor(3, tmp_path / "logs", threads=1) as executor:
        assert not executor._servants
        assert worker_pids(executor) == []


@pytest.mark.fast
def test_a_worker_that_holds_too_much_memory_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = worker_process.WorkerProcess(1, tmp_path / "log", tmp_path)
    try:
        assert 0 < resident_bytes(worker.pid) < 2**30
        assert not worker.has_grown
        monkeypatch.setattr(worker_process, "MOST_GROWTH_BYTES", 0)
        assert worker.has_grown
    finally:
        worker.dismiss()
    assert not worker.is_alive

    class Stub(worker_process.WorkerProcess):
        """A worker that has grown after its second stage."""

        is_alive = True

        def __init__(self) -> None:
            self.is_legacy = False
            self.stages = 0
            stubs.append(self)

        @property
        def has_grown(self) -> bool:
            return self.stages == 2

        def run(self, *_: object) -> StageOutcome:
            self.stages += 1
            return StageOutcome({})

        def hang_up(self) -> None:
            pass

        def end(self, patience_s: float) -> None:
            pass

        def dismiss(self) -> None:
            self.is_alive = False

    stubs: list[Stub] = []
    monkeypatch.setattr("runner.build.executor.start_worker", lambda *_: Stub())
    request = StageRequest("data", "0" * 12, {}, {}, tmp_path)
    with LocalExecutor(1, tmp_path, threads=1) as executor:
        for _ in range(5):
            executor.submit(request, lambda progress: None).result(10)
    assert [stub.stages for stub in stubs] == [2, 2, 1]
    assert not any(stub.is_alive for stub in stubs)


@pytest.mark.acceptance
def test_compression_gets_a_worker_of_its_own_kind(bench: Bench, tmp_path: Path) -> None:
    def kind() -> bytes:
        (worker,) = worker_pids(bench.executor)
        environment = Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
        return next(one for one in environment if one.startswith(b"TF_USE_LEGACY_KERAS="))

    bench.run("data", DIGITS)
    assert kind().endswith(b"0")
    params = {"steps": [], "train": {"seed": 1}, "scaling": "raw", "teacher_scaling": ""}
    # A SavedModel, which is refused; by then the worker is there.
    with pytest.raises(StageError, match="a SavedModel can't be compressed"):
        bench.run("compress", params, source=tmp_path, data=tmp_path)
    assert kind().endswith(b"1")
    bench.run("data", DIGITS)
    assert kind().endswith(b"0")


@pytest.mark.fast
def test_a_worker_that_cannot_be_started_fails_its_stage_alone(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    request = StageRequest("data", "0" * 12, DIGITS, {}, tmp_path)
    with LocalExecutor(1, logs, threads=1) as executor:
        logs.rmdir()
        with pytest.raises(StageError, match="FileNotFoundError"):
            executor.submit(request, lambda progress: None).result(10)


@pytest.mark.fast
def test_the_fake_writes_files_remembers_requests_and_fails_on_demand(tmp_path: Path) -> None:
    broken = StageError("refused", stage="convert", kind="refused")
    stages = {
        "train": FakeStage({"model.keras": b"weights"}, {"parameters": 3}),
        "convert": FakeStage(error=broken),
    }
    seen: list[Progress] = []
    with FakeExecutor(stages) as executor:
        train = StageRequest("train", "k", {"seed": 1}, {}, tmp_path)
        assert executor.submit(train, seen.append).result().summary == {"parameters": 3}
        convert = StageRequest("convert", "k", {}, {"train": tmp_path}, tmp_path)
        with pytest.raises(StageError, match="refused"):
            executor.submit(convert, seen.append).result()
    assert (tmp_path / "model.keras").read_bytes() == b"weights"
    assert executor.requests == [train, convert]
    assert executor.is_closed
    assert len(seen) == 2
