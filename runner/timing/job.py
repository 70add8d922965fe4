"""One (block, arm) job and its result, as plain lines of key and value.

The format needs no parser library, so a stand-alone program on a board can read the one and write
the other. Samples travel in a file of their own: int64, little-endian, nanoseconds, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from runner.errors import StageError

# The step that a worker names when the disk was full, which is no arm's fault.
NO_SPACE = "no-space"


@dataclass(frozen=True)
class Job:
    """What one fresh process has to do.

    Attributes:
        library: path of the inference library.
        model: path of the .tflite file.
        input: path of the bytes for the model's only input; empty for zeros.
        samples: path that the samples are written to.
        delegate: `xnnpack` or `none`.
        buffer_offset: bytes that the model's buffer is moved by, a multiple of 64.
        warmup_runs: inferences before the first timed one, at the least.
        warmup_ns: the same in time; both are reached.
        runs: timed inferences.
        budget_ns: fewer runs, but at least 10, where `runs` would take longer; 0 sets no limit.
        delay_ns: a busy wait in the timed region.
    """

    library: str
    model: str
    input: str
    samples: str
    delegate: str
    threads: int
    buffer_offset: int
    warmup_runs: int
    warmup_ns: int
    runs: int
    budget_ns: int = 0
    delay_ns: int = 0

    def to_lines(self) -> str:
        """The job as text: one `key value` a line."""
        return "".join(f"{field.name} {getattr(self, field.name)}\n" for field in fields(self))

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> Job:
        """Reads what `to_lines` wrote.

        Raises:
            ValueError: a key is unknown, missing or has a value of the wrong kind.
        """
        known = {field.name: field.type for field in fields(cls)}
        values: dict[str, str | int] = {}
        for line in lines:
            key, _, text = line.rstrip("\n").partition(" ")
            if key not in known:
                raise ValueError(f"unknown key {key!r} in the job")
            values[key] = int(text) if known[key] == "int" else text
        try:
            return cls(**values)  # type: ignore[arg-type]  # checked against the fields above
        except TypeError as error:
            raise ValueError(str(error)) from error


@dataclass(frozen=True)
class Measurement:
    """What one process reports beside its samples; times in ns, memory in bytes.

    Attributes:
        version: of the inference library, in its own words.
        first_ns: the first inference, before the warm-up.
        warmup_runs: inferences of the warm-up.
        peak_memory_bytes: most resident memory beyond what was resident before the model.
        cpu_ns: CPU time of the timed part, all threads.
        voluntary_switches: context switches while timing because something was waited for.
        involuntary_switches: those because the core was taken away.
        major_faults: page faults while timing that read the disk.
        clock_resolution_ns: of the clock in use.
        clock_cost_ns: of one reading.
        elapsed_ns: of the whole job, process start excluded.
    """

    version: str
    model_ns: int
    interpreter_ns: int
    allocate_ns: int
    first_ns: int
    warmup_runs: int
    runs: int
    peak_memory_bytes: int
    cpu_ns: int
    voluntary_switches: int
    involuntary_switches: int
    minor_faults: int
    major_faults: int
    clock: str
    clock_resolution_ns: int
    clock_cost_ns: int
    elapsed_ns: int

    def to_lines(self) -> str:
        """The result as text: `result key value` a line."""
        return "".join(
            f"result {field.name} {getattr(self, field.name)}\n" for field in fields(self)
        )


@dataclass(frozen=True)
class Report:
    """All that a timing process printed: how far it came, and its result or error.

    Attributes:
        step: the last step that it began.
        error: its own error as (step, message), None where it gave none.
        measurement: None where it did not finish.
    """

    step: str
    error: tuple[str, str] | None
    measurement: Measurement | None


def read_report(text: str) -> Report:
    """Reads a timing process's standard output; lines it can't read are passed over."""
    step, error = "start", None
    values: dict[str, str | int] = {}
    kinds = {field.name: field.type for field in fields(Measurement)}
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        key, _, value = rest.partition(" ")
        if kind == "step":
            step = rest
        elif kind == "error":
            error = (key, value)
        elif kind == "result" and key in kinds:
            values[key] = int(value) if kinds[key] == "int" else value
    complete = values.keys() == kinds.keys()
    return Report(step, error, Measurement(**values) if complete else None)  # type: ignore[arg-type]


def refusal(report: Report, *, where: str, log: str) -> StageError:
    """The error of a process that said itself what went wrong."""
    step, message = report.error or (report.step, "")
    return StageError(
        f"{step} failed",
        stage="time",
        kind="refused",
        why=message,
        where=where,
        log=log,
        remedy="read the runtime's message; another quantization mode or delegate may be accepted",
    )
