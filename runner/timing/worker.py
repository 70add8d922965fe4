"""One fresh process: reads a job, takes samples, says what it saw.

Standard input holds the job. Standard output receives `step NAME` before each step, so that the
parent knows where a crash happened, then `result KEY VALUE` lines or one `error STEP MESSAGE` line.
Only the standard library and the harness are imported: a heavy import would change the process that
is measured. Exit code 0, or 3 after an `error` line.
"""

from __future__ import annotations

import contextlib
import errno
import resource
import sys
from array import array
from pathlib import Path

from runner.timing import native
from runner.timing.job import NO_SPACE, Job, Measurement

_LEAST_RUNS = 10


def main() -> int:
    """Runs the job on standard input."""
    job = Job.from_lines(sys.stdin)
    try:
        measurement = _measure(job)
    except native.HarnessError as error:
        _say(f"error {error.step} {' '.join(error.why.split())}")
        return 3
    except OSError as error:
        step = NO_SPACE if error.errno in {errno.ENOSPC, errno.EDQUOT} else "file"
        _say(f"error {step} {error}")
        return 3
    _say(measurement.to_lines().rstrip())
    return 0


def _measure(job: Job) -> Measurement:
    started_ns = native.now_ns()
    clock = native.clock()
    before = _memory_bytes("VmRSS")
    model = native.place(Path(job.model).read_bytes(), job.buffer_offset)
    _forget_memory_peak()
    _say("step open the library")
    with native.Library.open(job.library) as library:
        _say("step make the model ready")
        with library.session(model, delegate=job.delegate, threads=job.threads) as session:
            if job.input:
                session.write(0, Path(job.input).read_bytes())
            _say("step run the first inference")
            samples = array("q", [0])
            session.time(samples)
            first_ns = samples[0]
            _say("step warm up")
            warmup_started = native.now_ns()
            warmup_runs = session.warm_up(job.warmup_runs, job.warmup_ns)
            run_cost = (native.now_ns() - warmup_started) / max(1, warmup_runs)
            samples = array("q", bytes(8 * _affordable_runs(job, run_cost)))
            _say("step take samples")
            usage = resource.getrusage(resource.RUSAGE_SELF)
            session.time(samples, job.delay_ns)
            after = resource.getrusage(resource.RUSAGE_SELF)
            _say("step write samples")
            _write_samples(samples, job.samples)
            return Measurement(
                version=library.version,
                model_ns=session.startup.model_ns,
                interpreter_ns=session.startup.interpreter_ns,
                allocate_ns=session.startup.allocate_ns,
                first_ns=first_ns,
                warmup_runs=warmup_runs,
                runs=len(samples),
                peak_memory_bytes=max(0, _memory_bytes("VmHWM") - before),
                cpu_ns=round(
                    1e9 * (after.ru_utime - usage.ru_utime + after.ru_stime - usage.ru_stime)
                ),
                voluntary_switches=after.ru_nvcsw - usage.ru_nvcsw,
                involuntary_switches=after.ru_nivcsw - usage.ru_nivcsw,
                minor_faults=after.ru_minflt - usage.ru_minflt,
                major_faults=after.ru_majflt - usage.ru_majflt,
                clock=clock.name,
                clock_resolution_ns=clock.resolution_ns,
                clock_cost_ns=clock.cost_ns,
                elapsed_ns=native.now_ns() - started_ns,
            )


def _affordable_runs(job: Job, run_cost_ns: float) -> int:
    if not job.budget_ns:
        return job.runs
    return max(_LEAST_RUNS, min(job.runs, int(job.budget_ns / max(1.0, run_cost_ns))))


def _memory_bytes(field: str) -> int:
    """A field of /proc/self/status. `ru_maxrss` won't do: it remembers the parent before exec."""
    with Path("/proc/self/status").open(encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))


def _forget_memory_peak() -> None:
    """Restarts VmHWM, so that the bytes that the model was read through don't count."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _write_samples(samples: array[int], path: str) -> None:
    if sys.byteorder == "big":
        samples.byteswap()
    with Path(path).open("wb") as file:
        samples.tofile(file)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
