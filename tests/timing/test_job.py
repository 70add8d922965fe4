"""A job and a result survive the trip through plain lines."""

import pytest

from runner.timing.job import Job
from runner.timing.report import Measurement, read_report

pytestmark = pytest.mark.fast

JOB = Job(
    library="tflite",
    path="/opt/a library.so",
    model="m.tflite",
    input="",
    samples="s",
    delegate="xnnpack",
    threads=2,
    buffer_offset=64,
    warmup_runs=10,
    warmup_ns=5,
    runs=100,
    delay_ns=7,
)
MEASUREMENT = Measurement(
    version="2.17.1",
    model_ns=1,
    interpreter_ns=2,
    allocate_ns=3,
    first_ns=4,
    warmup_runs=5,
    runs=6,
    peak_memory_bytes=7,
    cpu_ns=8,
    voluntary_switches=9,
    involuntary_switches=10,
    minor_faults=11,
    major_faults=12,
    clock="CLOCK_MONOTONIC_RAW",
    clock_resolution_ns=1,
    clock_cost_ns=20,
    elapsed_ns=99,
)


def test_a_job_reads_back_as_it_was_written() -> None:
    assert Job.from_lines(JOB.to_lines().splitlines(keepends=True)) == JOB


@pytest.mark.parametrize("lines", [["nonsense 1"], ["threads two"], ["threads 2"]])
def test_a_job_with_a_wrong_missing_or_unknown_key_is_refused(lines: list[str]) -> None:
    with pytest.raises(ValueError, match=r"job|literal|missing"):
        Job.from_lines(lines)


def test_a_report_tells_the_result_or_how_far_it_came() -> None:
    whole = read_report("step open\nstep take samples\n" + MEASUREMENT.to_lines())
    assert whole.measurement == MEASUREMENT
    crashed = read_report("step open\nstep make the model ready\n")
    assert (crashed.step, crashed.measurement) == ("make the model ready", None)
    refused = read_report("step open\nerror AllocateTensors it overflows\n")
    assert refused.error == ("AllocateTensors", "it overflows")


def test_a_report_cut_in_the_middle_is_no_result() -> None:
    text = MEASUREMENT.to_lines()
    assert read_report(text[: len(text) // 2]).measurement is None
