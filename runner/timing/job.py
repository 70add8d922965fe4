"""One (block, arm) job, as plain lines of key and value.

The format needs no parser library: the stand-alone program `retime-harness` reads the same lines.
Samples travel in a file of their own: int64, little-endian, nanoseconds, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from runner.timing.records import RuntimeOptions, Wishes


@dataclass(frozen=True)
class Job:
    """What one fresh process has to do. The keys are those of the spec, where it has them.

    Attributes:
        library: `tflite` or `litert`: the kind that `path` must be of.
        path: of the inference library.
        model: path of the .tflite file.
        input: path of a file with one or more whole sets of inputs, each all inputs end to end;
            empty for none.
        samples: path that the samples are written to.
        delegate: `none`, `xnnpack` or `external`.
        buffer_offset: bytes that the model's buffer is moved by, a multiple of 64.
        warmup_runs: inferences before the first timed one, at the least.
        warmup_ns: the same in time; both are reached.
        runs: timed, or profiled, inferences; the least where there is a least time.
        task: `time`, `outputs` (of every set of inputs) or `profile`.
        budget_ns: fewer runs, but at least 10, where `runs` would take longer; 0 sets no limit.
        min_run_time_ns: more runs, until so long has passed.
        delay_ns: a busy wait in the timed region.
        run_gap_ns: idle time before each timed run.
        flush_caches: push everything out of the caches before each timed run.
        inputs: `zeros`, `random`, `real` (the file's first set) or `rotating` (all sets, in turn).
            Without a file, `real` is zeros and `rotating` takes random sets.
        input_seed: of random sets.
        input_sets: how many of them.
        call: `interpreter` or `signature`.
        signature: its name; empty for the first.
        flags: XNNPACK's, words with spaces between; `no_` before one clears it.
        weight_cache: XNNPACK's: `memory` or a file; empty for none.
        delegate_path: the external delegate's library.
        delegate_options: its options, each `key=value`.
        shapes: inputs to resize, each `input extent extent ...`.
        affinity: cores to run on.
        priority: a nice value or `realtime`; empty to leave it.
        lock_memory: keep all memory resident.
        flush_to_zero: `default`, `on` or `off`: whether subnormal numbers count as zero.
        outputs: path that the outputs are written to, sets end to end.
        profile: path that the profile is written to.
    """

    library: str
    path: str
    model: str
    input: str
    samples: str
    delegate: str
    threads: int
    buffer_offset: int
    warmup_runs: int
    warmup_ns: int
    runs: int
    task: str = "time"
    budget_ns: int = 0
    min_run_time_ns: int = 0
    delay_ns: int = 0
    run_gap_ns: int = 0
    flush_caches: bool = False
    inputs: str = "real"
    input_seed: int = 0
    input_sets: int = 1
    call: str = "interpreter"
    signature: str = ""
    flags: str = ""
    weight_cache: str = ""
    delegate_path: str = ""
    delegate_options: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    affinity: tuple[int, ...] = ()
    priority: str = ""
    lock_memory: bool = False
    flush_to_zero: str = "default"
    outputs: str = ""
    profile: str = ""

    @property
    def options(self) -> RuntimeOptions:
        """What a session is made with, beside delegate and threads.

        Raises:
            ValueError: a shape holds something that is no number.
        """
        pairs = (one.partition("=") for one in self.delegate_options)
        numbers = ([int(part) for part in one.split()] for one in self.shapes)
        return RuntimeOptions(
            call=self.call,
            signature=self.signature,
            flags=self.flags,
            weight_cache=self.weight_cache,
            delegate_path=self.delegate_path,
            delegate_options={key: value for key, _, value in pairs},
            shapes={index: tuple(extents) for index, *extents in numbers},
        )

    @property
    def wishes(self) -> Wishes:
        """What to ask of the operating system."""
        return Wishes(self.affinity, self.priority, self.lock_memory, self.flush_to_zero)

    def to_lines(self) -> str:
        """The job as text: one `key value` a line, and one for each value of a list.

        Raises:
            ValueError: a value holds a line end, or a byte 0, which the format can't.
        """
        lines = []
        for field in fields(self):
            value = getattr(self, field.name)
            for one in value if isinstance(value, tuple) else (value,):
                text = str(int(one)) if isinstance(one, bool) else str(one)
                if {"\n", "\0"} & set(text):
                    raise ValueError(f"the job's {field.name} holds a line end: {text!r}")
                lines.append(f"{field.name} {text}\n")
        return "".join(lines)

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> Job:
        """Reads what `to_lines` wrote.

        Raises:
            ValueError: a key is unknown, missing, there twice, or has a value of the wrong kind.
        """
        kinds = {field.name: str(field.type) for field in fields(cls)}
        values: dict[str, str | int | bool | tuple[str | int, ...]] = {}
        for line in lines:
            key, _, text = line.rstrip("\n").partition(" ")
            if key not in kinds:
                raise ValueError(f"unknown key {key!r} in the job")
            kind = kinds[key]
            if kind.startswith("tuple"):
                earlier = values.get(key, ())
                one = int(text) if "int" in kind else text
                values[key] = (*earlier, one)  # type: ignore[misc]  # it is a tuple, by its kind
            elif key in values:
                raise ValueError(f"{key} is twice in the job")
            else:
                values[key] = (
                    text if kind == "str" else bool(int(text)) if kind == "bool" else int(text)
                )
        try:
            return cls(**values)  # type: ignore[arg-type]  # checked against the fields above
        except TypeError as error:
            raise ValueError(str(error)) from error
