"""What the harness tells and takes, as plain records; nothing here needs the compiled module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# By enum retime_kind.
KINDS: Final = {1: "tflite", 2: "litert"}
# By enum retime_delegate and retime_call.
DELEGATES: Final = ("none", "xnnpack", "external")
CALLS: Final = ("interpreter", "signature")
# By TfLiteType.
TYPES: Final = (
    *("none", "float32", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8"),
    *("float16", "float64", "complex128", "uint64", "resource", "variant", "uint32", "uint16"),
    *("int4", "bfloat16", "int2", "uint4", "float8_e4m3fn", "float8_e5m2"),
)


@dataclass(frozen=True)
class RuntimeOptions:
    """How a session is made, beside its delegate and threads.

    Attributes:
        call: `interpreter` or `signature`: the function that runs an inference. LiteRT decides it
            by itself.
        signature: which one runs; empty for the first.
        flags: XNNPACK's, as words with spaces between; with `no_` before it a flag is cleared.
        weight_cache: XNNPACK's: `memory`, or a file; empty for none.
        delegate_path: the external delegate's library.
        delegate_options: its options.
        shapes: input number -> extents that it is resized to.
    """

    call: str = "interpreter"
    signature: str = ""
    flags: str = ""
    weight_cache: str = ""
    delegate_path: str = ""
    delegate_options: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[int, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Startup:
    """What it took to make a session, in nanoseconds.

    Attributes:
        model_ns: reading the model.
        interpreter_ns: making the delegate and the interpreter.
        allocate_ns: allocating tensors, and packing weights where that is done then.
    """

    model_ns: int
    interpreter_ns: int
    allocate_ns: int


@dataclass(frozen=True)
class Nodes:
    """How much of the primary subgraph the delegate took; all None where it was not counted.

    Attributes:
        nodes: operators before delegation.
        delegated: of these, those inside a delegate.
        partitions: delegate kernels in the final plan.
    """

    nodes: int | None
    delegated: int | None
    partitions: int | None


@dataclass(frozen=True)
class Tensor:
    """An input or output.

    Attributes:
        name: as in the model; cut where it has more than 255 bytes.
        type_name: such as `float32` or `int8`.
        shape: the extents; the first 8 where there are more.
        byte_size: of all values together.
        scale: real = scale * (stored - zero_point); 0 where it is not quantized.
        zero_point: the stored value that means 0.
    """

    name: str
    type_name: str
    shape: tuple[int, ...]
    byte_size: int
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Clock:
    """The clock that samples are taken with.

    Attributes:
        name: such as `CLOCK_MONOTONIC_RAW`.
        resolution_ns: as the kernel states it.
        step_ns: the least by which two readings in a row were seen to differ.
        cost_ns: of one reading, the median of many.
    """

    name: str
    resolution_ns: int
    step_ns: int
    cost_ns: int


@dataclass(frozen=True)
class Timing:
    """How runs are timed.

    Attributes:
        runs: the least number; 0 for as many as there is room for.
        min_ns: the least time; both are reached, unless the room for samples is used up.
        delay_ns: a busy wait after each inference, inside the timed region; up to 10 s.
        gap_ns: idle time before each run; up to 10 s.
        flush_bytes: so many bytes are written before each run, to push others out of the caches.
        input_sets: sets of all inputs, laid end to end, that the runs take in turn; empty to leave
            the inputs as they are.
    """

    runs: int = 0
    min_ns: int = 0
    delay_ns: int = 0
    gap_ns: int = 0
    flush_bytes: int = 0
    input_sets: bytes = b""


@dataclass(frozen=True)
class Operation:
    """One operation of a profile; times are sums over all profiled runs, in nanoseconds.

    Attributes:
        index: the node's; for an operator inside a delegate, its place in the delegate's own order.
        parent: position, in the profile, of the operation inside which it ran; None at the top.
        partition: of a delegate's that it is an operator of, numbered as they run; None for a
            kernel in the graph.
        delegate: it is a delegate's kernel, which holds operators.
        total_ns: with what ran inside it.
        self_ns: without.
    """

    name: str
    subgraph: int
    index: int
    parent: int | None
    partition: int | None
    delegate: bool
    calls: int
    total_ns: int
    self_ns: int


@dataclass(frozen=True)
class Profile:
    """What each operation took.

    Attributes:
        runs: profiled inferences.
        total_ns: of all of them, each between two readings of the clock.
        operations: in the order in which they first ran.
        dropped: events for which there was no room.
        tick_ns: what times inside delegates are rounded down to.
        arena_bytes: of the primary subgraph's tensors; None where the library does not tell.
    """

    runs: int
    total_ns: int
    operations: tuple[Operation, ...]
    dropped: int
    tick_ns: int
    arena_bytes: int | None

    @property
    def unattributed_ns(self) -> int:
        """Time of the runs that no operator accounts for: overhead of runtime and delegates."""
        return self.total_ns - sum(one.self_ns for one in self.operations if not one.delegate)


@dataclass(frozen=True)
class Wishes:
    """What to ask of the operating system for this process.

    Attributes:
        cores: to run on; empty to leave them.
        priority: a nice value such as `-5`, or `realtime`; empty to leave it.
        flush_to_zero: `default`, `on` or `off`: whether subnormal numbers count as zero.
    """

    cores: tuple[int, ...] = ()
    priority: str = ""
    lock_memory: bool = False
    flush_to_zero: str = "default"


@dataclass(frozen=True)
class InForce:
    """Whether each wish is in force: `` where it was not asked for, `yes`, or `no: REASON`."""

    affinity: str
    priority: str
    memory_lock: str
    flush_to_zero: str


@dataclass(frozen=True)
class Reading:
    """Counters and gauges of this process and machine; None where not told.

    Attributes:
        cpu_ns: of all threads.
        migrations: of the main thread, from core to core.
        temperature_mc: the hottest thermal zone, in thousandths of a degree Celsius.
        frequency_khz: of the core that took the reading.
        throttled_bits: as the Raspberry Pi's firmware tells them.
        throttle_events: as an Intel core counts them.
        steal_ns: given to others by a hypervisor, all cores, since boot.
    """

    clock_ns: int | None
    cpu_ns: int | None
    voluntary_switches: int | None
    involuntary_switches: int | None
    minor_faults: int | None
    major_faults: int | None
    migrations: int | None
    resident_bytes: int | None
    peak_resident_bytes: int | None
    temperature_mc: int | None
    frequency_khz: int | None
    throttled_bits: int | None
    throttle_events: int | None
    steal_ns: int | None


@dataclass(frozen=True)
class Counts:
    """What perf_event counted, the process's threads together; None where it is not granted."""

    cycles: int | None
    instructions: int | None
    cache_misses: int | None
    branch_misses: int | None
    migrations: int | None
    context_switches: int | None


def known(value: Any) -> int | None:
    """A number of the harness's, in which -1 means that it is not told."""
    return None if value < 0 else int(value)
