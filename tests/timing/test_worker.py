"""A timing process, as the experiment starts it: what it does, and what it does when it can't."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runner.errors import StageError
from runner.timing.job import Job
from runner.timing.libraries import find_library, find_tflite
from runner.timing.targets.local import LocalTarget
from tests import native_models
from tests.conftest import Models


@pytest.fixture
def job(models: Models, tmp_path: Path) -> Job:
    return Job(
        library="tflite",
        path=find_tflite(None).path,
        model=str(models.plain),
        input=str(models.input),
        samples=str(tmp_path / "samples"),
        delegate="xnnpack",
        threads=1,
        buffer_offset=192,
        warmup_runs=10,
        warmup_ns=20_000_000,
        runs=50,
    )


def samples(job: Job) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.fromfile(job.samples, dtype="<i8")


def test_a_job_gives_as_many_positive_samples_as_were_asked_for(job: Job, tmp_path: Path) -> None:
    measurement = LocalTarget(tmp_path / "log").run(job, arm="a", timeout_s=60)
    assert len(samples(job)) == measurement.runs == 50
    assert samples(job).min() > 0
    assert measurement.warmup_runs >= 10
    assert measurement.first_ns > 0
    assert measurement.interpreter_ns > 0
    assert measurement.peak_memory_bytes > 1_000_000
    assert measurement.version.startswith("2.")
    assert "XNNPACK" in (tmp_path / "log").read_text()


def test_a_delay_is_added_to_every_sample(job: Job, tmp_path: Path) -> None:
    delayed = dataclasses.replace(job, delay_ns=2_000_000)
    LocalTarget(tmp_path / "log").run(delayed, arm="a", timeout_s=60)
    assert samples(job).min() > 2_000_000


def test_a_time_budget_cuts_the_runs_but_not_below_ten(job: Job, tmp_path: Path) -> None:
    short = dataclasses.replace(job, runs=1_000_000, budget_ns=1)
    assert LocalTarget(tmp_path / "log").run(short, arm="a", timeout_s=60).runs == 10


def test_a_timing_process_imports_neither_numpy_nor_tensorflow(job: Job) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-X", "importtime", "-m", "runner.timing.worker"],
        input=job.to_lines(),
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "runner.timing._harness" in imported
    assert not imported & {"numpy", "tensorflow", "scipy", "rich", "yaml"}


def test_a_model_that_the_runtime_refuses_is_reported_in_its_words(
    job: Job, models: Models, tmp_path: Path
) -> None:
    corrupt = dataclasses.replace(job, model=str(models.corrupt))
    with pytest.raises(StageError) as caught:
        LocalTarget(tmp_path / "log").run(corrupt, arm="wide/int8", timeout_s=60)
    assert caught.value.kind == "refused"
    assert caught.value.why
    assert caught.value.where == "wide/int8"
    assert caught.value.log == str(tmp_path / "log")


def test_what_litert_prints_of_a_refusal_is_told(job: Job, tmp_path: Path) -> None:
    model = tmp_path / "future.tflite"
    model.write_bytes(native_models.future_operator())
    future = dataclasses.replace(
        job,
        library="litert",
        path=find_library("litert", None).path,
        model=str(model),
        input="",
    )
    with pytest.raises(StageError) as caught:
        LocalTarget(tmp_path / "log").run(future, arm="a", timeout_s=60)
    assert "Op builtin_code out of range: 9999" in caught.value.why


def test_a_missing_model_is_refused_with_its_path(job: Job, tmp_path: Path) -> None:
    absent = dataclasses.replace(job, model=str(tmp_path / "absent.tflite"))
    with pytest.raises(StageError, match="failed") as caught:
        LocalTarget(tmp_path / "log").run(absent, arm="a", timeout_s=60)
    assert "absent.tflite" in caught.value.why


def test_a_process_that_takes_too_long_is_ended_and_named(job: Job, tmp_path: Path) -> None:
    endless = dataclasses.replace(job, warmup_ns=10**12)
    with pytest.raises(StageError, match="no answer within 1 s") as caught:
        LocalTarget(tmp_path / "log").run(endless, arm="a", timeout_s=1)
    assert caught.value.kind == "timeout"
    assert "warm up" in caught.value.why


def test_a_crash_names_the_signal_and_the_step(job: Job, tmp_path: Path) -> None:
    # A library whose calls do nothing, but for the one that jumps into nothing.
    source, library = tmp_path / "crash.c", tmp_path / "crash.so"
    symbols = subprocess.run(
        ["nm", "-D", "--defined-only", job.path], capture_output=True, text=True, check=True
    )
    names = {line.split()[-1].partition("@")[0] for line in symbols.stdout.splitlines()}
    body = {True: "*(volatile int *)8 = 1; return 0;", False: "static char room[64]; return room;"}
    source.write_text(
        "".join(
            f"void *{name}(void) {{ {body[name == 'TfLiteInterpreterAllocateTensors']} }}\n"
            for name in names
            if name.startswith("TfLite")
        )
    )
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    with pytest.raises(StageError, match="crashed with SIGSEGV in AllocateTensors") as caught:
        LocalTarget(tmp_path / "log").run(
            dataclasses.replace(job, path=str(library), delegate="none"), arm="a", timeout_s=60
        )
    assert caught.value.kind == "crashed"
