"""What a job is done with: the library, the model made ready, and its inputs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from runner.timing import native, system
from runner.timing.job import Job
from runner.timing.records import InForce
from runner.timing.session import Session

Say: TypeAlias = Callable[[str], None]

_TASKS = ("time", "outputs", "profile")


@dataclass(frozen=True)
class Bench:
    """Everything that a task needs.

    Attributes:
        input_sets: whole sets of inputs, end to end; empty for zeros.
        in_force: which wishes were granted.
        resident_bytes: before the model was there.
        started_ns: when the job began.
    """

    job: Job
    library: native.Library
    session: Session
    input_sets: bytes
    in_force: InForce
    counters: system.Counters
    emulator: str
    resident_bytes: int
    started_ns: int


@contextlib.contextmanager
def open_bench(job: Job, say: Say) -> Iterator[Bench]:
    """Makes ready what the job asks for, and closes it in the end.

    Raises:
        HarnessError: the library refuses the model or the options, or is of another kind.
        OSError: a file can't be read.
        ValueError: the job has a word that means nothing.
    """
    if job.task not in _TASKS:
        raise ValueError(f"the task {job.task!r} is none of {', '.join(_TASKS)}")
    started_ns = native.now_ns()
    emulator = _emulator(job)
    resident_bytes = system.take_reading().resident_bytes or 0
    # Before the library starts threads, which then are counted too.
    with system.Counters() as counters:
        say("step open the library")
        with native.Library.open(job.path) as library:
            _check_kind(job, library)
            say("step read the model")
            model = native.place(Path(job.model).read_bytes(), job.buffer_offset)
            _forget_memory_peak()
            say("step make the model ready")
            in_force = system.apply_wishes(job.wishes)
            with library.session(
                model,
                delegate=job.delegate,
                threads=job.threads,
                count_nodes=job.task == "profile",
                profile=job.task == "profile",
                options=job.options,
                progress=lambda step: say(f"step {step}"),
            ) as session:
                input_sets = _input_sets(job, session, say)
                if input_sets:
                    session.write_set(input_sets[: session.input_size])
                yield Bench(
                    job=job,
                    library=library,
                    session=session,
                    input_sets=input_sets,
                    in_force=in_force,
                    counters=counters,
                    emulator=emulator,
                    resident_bytes=resident_bytes,
                    started_ns=started_ns,
                )


def _emulator(job: Job) -> str:
    """The emulator that this runs under, where the task allows one."""
    emulator = system.emulator()
    if emulator and job.task != "outputs":
        raise native.HarnessError(
            status=-3,
            step="emulator",
            message=f"{emulator} emulates this processor: what runs under it has outputs but no "
            "latency",
        )
    return emulator


def _check_kind(job: Job, library: native.Library) -> None:
    if library.kind != job.library:
        raise native.HarnessError(
            status=-3,
            step="open-library",
            message=f"{job.path} is a library of kind {library.kind}; the job wants {job.library}",
        )


def _input_sets(job: Job, session: Session, say: Say) -> bytes:
    """Whole sets of inputs from where the job says; empty for zeros."""
    size = session.input_size
    if job.inputs == "zeros" or not size or (job.inputs == "real" and not job.input):
        return b""
    say("step read the inputs")
    if job.input:
        sets = Path(job.input).read_bytes()
    else:
        seeds = range(job.input_seed, job.input_seed + job.input_sets)
        sets = b"".join(session.randomize(seed) for seed in seeds)
    if not sets or len(sets) % size:
        raise native.HarnessError(
            status=-1,
            step="inputs",
            message=f"{len(sets)} bytes are no whole sets of inputs; a set has {size}",
        )
    return sets


def _forget_memory_peak() -> None:
    """Restarts VmHWM, so that the bytes that the model was read through don't count."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
