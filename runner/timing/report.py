"""What a timing process says of its work: the lines that it prints, read.

The worker in Python and the stand-alone program `retime-harness` print the same ones.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from pathlib import Path

from runner.errors import StageError

# The step that a worker names when the disk was full, which is no arm's fault.
NO_SPACE = "no-space"
_LAST = "elapsed_ns"
# How LiteRT's errors end where it had printed the reason.
_ELSEWHERE = "on standard error"
_LAST_WORDS_BYTES = 400


@dataclass(frozen=True)
class Measurement:
    """What one process reports beside its samples; times in ns, memory in bytes.

    What a job's task doesn't find out keeps its default; what this machine doesn't tell is None.

    Attributes:
        version: of the inference library, in its own words.
        first_ns: the first inference, before the warm-up.
        warmup_runs: inferences of the warm-up.
        timed_ns: of the timed part, with what lies between its runs: pauses, flushes, inputs.
        peak_memory_bytes: most resident memory beyond what was resident before the model.
        cpu_ns: CPU time of the timed part, all threads.
        voluntary_switches: context switches while timing because something was waited for.
        involuntary_switches: those because the core was taken away.
        major_faults: page faults while timing that read the disk.
        clock_resolution_ns: of the clock in use.
        clock_cost_ns: of one reading.
        clock_step_ns: the least by which two readings in a row were seen to differ.
        elapsed_ns: of the whole job, process start excluded.
        call: what ran an inference, `interpreter` or `signature`.
        migrations: from core to core while timing.
        resident_bytes: after timing.
        throttled_bits: after timing, as the Raspberry Pi's firmware tells them.
        throttle_events: while timing, as an Intel core counts them.
        steal_ns: while timing, given to others by a hypervisor.
        cycles: while timing, as `instructions`, `cache_misses` and `branch_misses`.
        counters_reason: why some counter isn't granted; empty where all are.
        affinity: whether it is in force: empty where not asked for, `yes`, or `no: REASON`; so are
            `priority`, `memory_lock` and `flush_to_zero`.
        flushes_to_zero: 1 if subnormal numbers counted as zero at the end, 0 if not.
        flush_bytes: written before each run to push others out of the caches.
        emulator: the program that emulates this processor; empty for none.
        profile_tick_ns: what times inside delegates are rounded down to.
    """

    version: str
    model_ns: int
    interpreter_ns: int
    allocate_ns: int
    first_ns: int
    warmup_runs: int
    runs: int
    clock: str
    clock_resolution_ns: int
    clock_cost_ns: int
    elapsed_ns: int
    clock_step_ns: int | None = None
    timed_ns: int = 0
    call: str = "interpreter"
    peak_memory_bytes: int = 0
    cpu_ns: int = 0
    voluntary_switches: int = 0
    involuntary_switches: int = 0
    minor_faults: int = 0
    major_faults: int = 0
    migrations: int | None = None
    resident_bytes: int | None = None
    temperature_before_mc: int | None = None
    temperature_after_mc: int | None = None
    frequency_before_khz: int | None = None
    frequency_after_khz: int | None = None
    throttled_bits: int | None = None
    throttle_events: int | None = None
    steal_ns: int | None = None
    cycles: int | None = None
    instructions: int | None = None
    cache_misses: int | None = None
    branch_misses: int | None = None
    counters_reason: str = ""
    affinity: str = ""
    priority: str = ""
    memory_lock: str = ""
    flush_to_zero: str = ""
    flushes_to_zero: int | None = None
    flush_bytes: int = 0
    emulator: str = ""
    profile_total_ns: int | None = None
    profile_dropped: int | None = None
    profile_tick_ns: int | None = None
    arena_bytes: int | None = None
    nodes: int | None = None
    delegated_nodes: int | None = None
    partitions: int | None = None

    def to_lines(self) -> str:
        """The result as text: `result key value` a line; None is written as -1.

        `elapsed_ns` comes last, so that a result that was cut is seen to be.
        """
        names = sorted((field.name for field in fields(self)), key=lambda name: name == _LAST)
        values = ((name, getattr(self, name)) for name in names)
        return "".join(
            f"result {name} {-1 if value is None else value}\n" for name, value in values
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
    """Reads a timing process's standard output; lines it can't read are passed over.

    So is a last line without an end: its writer died over it.
    """
    step, error = "start", None
    values: dict[str, str | int | None] = {}
    kinds = {field.name: str(field.type) for field in fields(Measurement)}
    for line in text.split("\n")[:-1]:
        kind, _, rest = line.partition(" ")
        key, _, value = rest.partition(" ")
        if kind == "step":
            step = rest
        elif kind == "error":
            error = (key, value)
        elif kind == "result" and key in kinds:
            values[key] = _value(kinds[key], value)
    complete = all(
        field.name in values for field in fields(Measurement) if field.default is MISSING
    )
    return Report(step, error, Measurement(**values) if complete else None)  # type: ignore[arg-type]


def refusal(report: Report, *, where: str, log: str) -> StageError:
    """The error of a process that said itself what went wrong."""
    step, message = report.error or (report.step, "")
    if message.endswith(_ELSEWHERE):
        message = f"{message}: {_last_words(log)}"
    return StageError(
        f"{step} failed",
        stage="time",
        kind="refused",
        why=message,
        where=where,
        log=log,
        remedy="read the runtime's message; another quantization mode or delegate may be accepted",
    )


def _value(kind: str, text: str) -> str | int | None:
    """A value of a result line, of the kind that the field has."""
    if kind == "str":
        return text
    return None if "None" in kind and int(text) < 0 else int(text)


def _last_words(log: str) -> str:
    """The end of a log, as one line; empty where there is none."""
    try:
        end = Path(log).read_bytes()[-_LAST_WORDS_BYTES:]
    except OSError:
        return ""
    return " ".join(end.decode("utf-8", errors="replace").split())
