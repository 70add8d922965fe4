"""The stand-alone program does the same jobs as the worker in Python, and says the same."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from runner.timing.job import Job
from runner.timing.libraries import find_library
from runner.timing.records import Operation
from runner.timing.tasks import read_profile
from tests import native_models
from tests.timing.harness_program import build_program, run_program

pytestmark = pytest.mark.fast


@pytest.fixture(scope="session")
def program() -> str:
    return str(build_program())


@pytest.fixture(params=["tflite", "litert"])
def job(request: pytest.FixtureRequest, tmp_path: Path) -> Job:
    """Times a model of two inputs."""
    model = tmp_path / "a model.tflite"
    model.write_bytes(native_models.maximum())
    return Job(
        library=request.param,
        path=find_library(request.param, None).path,
        model=str(model),
        input="",
        samples=str(tmp_path / "samples"),
        delegate="xnnpack",
        threads=1,
        buffer_offset=192,
        warmup_runs=10,
        warmup_ns=1_000_000,
        runs=50,
        outputs=str(tmp_path / "outputs"),
        profile=str(tmp_path / "profile"),
    )


def faces(program: str) -> list[list[str]]:
    return [[program], [sys.executable, "-c", _WORKER_WITH_A_DASH]]


# The worker takes no arguments; the program's dash says standard input.
_WORKER_WITH_A_DASH = "import sys; from runner.timing.worker import main; sys.exit(main())"


def test_both_take_as_many_positive_samples_as_asked(program: str, job: Job) -> None:
    for face in faces(program):
        done = run_program(face, job)
        assert (done.code, done.report.error) == (0, None), done.errors
        measurement = done.report.measurement
        assert measurement is not None
        samples = np.fromfile(job.samples, "<i8")
        assert len(samples) == measurement.runs == 50
        assert samples.min() > 0
        assert measurement.warmup_runs >= 10
        assert measurement.first_ns > 0
        assert measurement.peak_memory_bytes > 100_000
        assert measurement.emulator == ""
        assert measurement.minor_faults >= 0
        assert (measurement.cycles is None) <= bool(measurement.counters_reason)


def test_both_give_the_same_outputs_for_the_same_random_sets(program: str, job: Job) -> None:
    evaluation = dataclasses.replace(
        job, task="outputs", inputs="rotating", input_seed=7, input_sets=5
    )
    given = []
    for face in faces(program):
        done = run_program(face, evaluation)
        assert done.code == 0, done.report.error
        assert done.report.measurement is not None
        assert done.report.measurement.runs == 5
        given.append(Path(job.outputs).read_bytes())
    assert given[0] == given[1]
    values = np.frombuffer(given[0], np.float32)
    assert values.shape == (20,)
    assert np.ptp(values) > 0.1


def test_both_read_sets_of_inputs_from_a_file(program: str, job: Job, tmp_path: Path) -> None:
    sets = np.arange(24, dtype=np.float32).reshape(3, 2, 4) * [[[1], [-1]]]
    (tmp_path / "sets").write_bytes(sets.astype(np.float32).tobytes())
    evaluation = dataclasses.replace(job, task="outputs", input=str(tmp_path / "sets"))
    for face in faces(program):
        assert run_program(face, evaluation).code == 0
        given = np.fromfile(job.outputs, np.float32).reshape(3, 4)
        np.testing.assert_array_equal(given, sets.max(axis=1))


def test_both_write_a_profile_of_the_same_shape(program: str, job: Job) -> None:
    for face in faces(program):
        done = run_program(face, dataclasses.replace(job, task="profile", runs=20))
        assert done.code == 0, done.report.error
        measurement = done.report.measurement
        assert measurement is not None
        assert measurement.runs == 20
        assert measurement.profile_total_ns is not None
        assert measurement.profile_total_ns > 0
        assert (measurement.nodes, measurement.delegated_nodes, measurement.partitions) == (1, 1, 1)
        (only,) = read_profile(Path(job.profile).read_text())
        assert isinstance(only, Operation)
        assert "Maximum" in only.name
        assert (only.calls, only.partition, only.parent, only.subgraph) == (20, 0, None, 0)


def test_both_run_for_a_least_time_with_gaps_and_cold_caches(program: str, job: Job) -> None:
    spaced = dataclasses.replace(
        job,
        runs=3,
        min_run_time_ns=50_000_000,
        run_gap_ns=5_000_000,
        flush_caches=True,
        inputs="rotating",
        input_sets=2,
    )
    for face in faces(program):
        done = run_program(face, spaced)
        assert done.report.measurement is not None, done.report.error
        samples = np.fromfile(job.samples, "<i8")
        assert done.report.measurement.runs == len(samples) >= 3
        assert done.report.measurement.flush_bytes >= 1 << 20
        # What lies between the runs takes its time too.
        assert done.report.measurement.timed_ns > samples.sum() + len(samples) * 5_000_000


def test_both_tell_which_conditions_are_in_force(program: str, job: Job) -> None:
    wished = dataclasses.replace(
        job, affinity=(0,), priority="5", lock_memory=True, flush_to_zero="on"
    )
    for face in faces(program):
        measurement = run_program(face, wished).report.measurement
        assert measurement is not None
        assert measurement.affinity == "yes"
        assert measurement.priority == "yes"
        assert measurement.memory_lock == "yes" or measurement.memory_lock.startswith("no: ")
        assert measurement.flush_to_zero == "yes"
        absent = dataclasses.replace(wished, affinity=(1000,), flush_to_zero="default")
        measurement = run_program(face, absent).report.measurement
        assert measurement is not None
        assert measurement.affinity.startswith("no: ")
        assert measurement.flush_to_zero == ""


@pytest.mark.parametrize(
    ("changes", "code", "step", "why"),
    [
        ({"path": "/nowhere/lib.so"}, 4, "dlopen", "/nowhere/lib.so"),
        ({"path": "libm.so.6"}, 4, "dlsym", "no inference library"),
        ({"model": "/nowhere/model"}, 4, "file", "/nowhere/model"),
        ({"input": "/nowhere/input"}, 4, "file", "/nowhere/input"),
        ({"samples": "/nowhere/samples"}, 4, "file", "/nowhere/samples"),
        ({"delegate": "gpu"}, 2, "job", "gpu"),
        ({"call": "shout"}, 2, "job", "shout"),
        ({"task": "sing"}, 2, "job", "task"),
        ({"priority": "99"}, 2, "job", "priority"),
        ({"flush_to_zero": "maybe"}, 2, "job", "flush_to_zero"),
        ({"flags": "fp17"}, 3, "xnnpack-flags", "force_fp16"),
        ({"shapes": ("0 1 4 5 x",)}, 2, "job", ""),
        ({"shapes": ("7 1 4",)}, 3, "ResizeInputTensor", "no input 7"),
        ({"call": "signature", "signature": "absent"}, 3, "", ""),
    ],
)
def test_both_refuse_the_same_with_the_same_code(
    program: str, job: Job, changes: dict[str, object], code: int, step: str, why: str
) -> None:
    for face in faces(program):
        done = run_program(face, dataclasses.replace(job, **changes))
        assert done.code == code, done.report
        assert done.report.measurement is None
        assert done.report.error is not None
        assert step in done.report.error[0]
        assert why in done.report.error[1]


def test_both_refuse_inputs_that_are_no_whole_sets(program: str, job: Job, tmp_path: Path) -> None:
    # A set is two inputs of floats, so no odd number of bytes is whole sets.
    odd = tmp_path / "odd"
    for content in (b"", b"1", b"7 bytes", bytes(4097)):
        odd.write_bytes(content)
        for face in faces(program):
            done = run_program(face, dataclasses.replace(job, input=str(odd)))
            assert done.code == 3, done.report
            assert done.report.measurement is None
            assert done.report.error is not None
            assert "inputs" in done.report.error[0]
            assert f"{len(content)} bytes are no whole sets" in done.report.error[1]


def test_both_hold_the_librarys_kind_against_the_jobs(program: str, job: Job) -> None:
    other = {"tflite": "litert", "litert": "tflite"}[job.library]
    for face in faces(program):
        done = run_program(face, dataclasses.replace(job, library=other))
        assert done.code == 4
        assert done.report.error is not None
        assert f"of kind {job.library}" in done.report.error[1]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense 1\n", "unknown key"),
        ("threads two\n", "two"),
        ("threads 1\nthreads 1\n", "twice"),
        ("threads 1\n", "library"),
    ],
)
def test_a_job_that_is_wrong_is_refused_with_its_reason(program: str, text: str, why: str) -> None:
    for face in faces(program):
        done = run_program(face, text)
        assert done.code == 2
        assert done.report.error is not None
        assert why in done.report.error[1]


def test_the_program_explains_itself_and_probes_libraries(program: str) -> None:
    told = subprocess.run([program, "--help"], capture_output=True, text=True, check=True)
    assert "retime-harness JOB" in told.stdout
    assert subprocess.run([program], capture_output=True, check=False).returncode == 2
    assert subprocess.run([program, "-x"], capture_output=True, check=False).returncode == 2
    for kind in ("tflite", "litert"):
        path = find_library(kind, None).path
        probed = subprocess.run(
            [program, "--probe", path], capture_output=True, text=True, check=True
        )
        assert f"result library {kind}\n" in probed.stdout
    absent = subprocess.run([program, "--probe", "/nowhere"], capture_output=True, check=False)
    assert absent.returncode == 4


def test_a_job_may_be_a_file_that_is_there(program: str, job: Job, tmp_path: Path) -> None:
    file = tmp_path / "job"
    file.write_text(job.to_lines())
    assert subprocess.run([program, file], capture_output=True, check=False).returncode == 0
    absent = subprocess.run(
        [program, tmp_path / "absent"], capture_output=True, text=True, check=False
    )
    assert absent.returncode == 2
    assert "No such file" in absent.stdout


def test_an_interrupted_program_ends_by_the_signal(program: str, job: Job) -> None:
    endless = dataclasses.replace(job, warmup_ns=10**12)
    with subprocess.Popen([program, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(endless.to_lines().encode())
        child.stdin.close()
        while b"warm up" not in child.stdout.readline():
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=60) == -signal.SIGINT
