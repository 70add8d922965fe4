"""What a spec says of running, timing and judging models, as frozen records.

Shape and names are those of `schemas/spec.schema.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Delegate:
    """`xnnpack`, `none` (the built-in kernels) or `external`, with all its options."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Runtime:
    """What runs the model.

    Attributes:
        library: `tflite` or `litert`.
        path: the absolute path of the library's file; None to search for it.
        affinity: the cores that the process may use; None for all that it is given.
        call: `interpreter` or `signature`.
        signature: the signature to run; None for the first.
        flush_to_zero: `default`, `on` or `off`: whether subnormal numbers count as zero.
        priority: `normal`, `high` or `realtime`.
        lock_memory: whether the process's memory stays in memory.
    """

    library: str
    path: str | None
    delegate: Delegate
    threads: int
    affinity: tuple[int, ...] | None
    call: str
    signature: str | None
    flush_to_zero: str
    priority: str
    lock_memory: bool


@dataclass(frozen=True)
class Device:
    """A device by the way it is reached: `ssh`, `adb` or `emulator`, with all its options."""

    kind: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Limits:
    """How much a machine may be disturbed during a block before the block is done again.

    Attributes:
        steal: time given to other machines by a hypervisor, as a share of one core's.
        load_cores: cores that other processes keep busy on average.
        temperature_c: degrees above or below the temperature at the start.
    """

    steal: float
    load_cores: float
    temperature_c: float


@dataclass(frozen=True)
class Measure:
    """The experiment's design, fixed before the first sample.

    Attributes:
        effect: the smallest change of latency that matters, as a share of the baseline's.
        confidence: of every interval and of the family of verdicts.
        power: how sure a plan wants to be that the effect is found.
        max_time_s: seconds that timing may take.
        min_blocks: blocks before precision may end the experiment.
        max_blocks: blocks after which it ends in any case.
        warmup_runs: inferences before the first timed one, at the least.
        warmup_time_s: seconds of warm-up, at the least.
        inputs: what the model is fed: `real`, `rotating`, `random` or `zeros`.
        run_gap_s: idle seconds before each run.
        flush_caches: whether caches are filled with other data before each run.
        sustained_s: seconds that each variant is run back to back after the blocks; None for none.
        retries: how often in a row a failed process is tried again before its variant is given up.
        process_timeout_s: seconds after which a process counts as hung; None derives it from what
            the pilot's processes took.
        limits: when a block counts as disturbed.
        seed: of the schedule; None draws one, which is stored.
    """

    effect: float
    confidence: float
    power: float
    max_time_s: float
    min_blocks: int
    max_blocks: int
    warmup_runs: int
    warmup_time_s: float
    inputs: str
    run_gap_s: float
    flush_caches: bool
    sustained_s: float | None
    retries: int
    process_timeout_s: float | None
    limits: Limits
    seed: int | None


@dataclass(frozen=True)
class StageLimits:
    """What a stage may take before it is ended, and what is done then.

    Attributes:
        stage_time_s: seconds.
        memory_bytes: of its process, and of a timed model's; None for as much as there is.
        retries: how often a stage is tried again after what may be gone by then.
    """

    stage_time_s: float
    memory_bytes: int | None
    retries: int


@dataclass(frozen=True)
class Bounds:
    """A range that a measured figure is expected to lie in; None leaves a side open."""

    min: float | None
    max: float | None


@dataclass(frozen=True)
class Expectation:
    """A promise about one or several variants, which decides the exit code.

    Attributes:
        variants: the names of the variants that it is about.
        latency_ratio: of the variant to the baseline; says nothing about the baseline itself.
        accuracy: of the converted model on the test split, between 0 and 1.
    """

    variants: tuple[str, ...]
    latency_ratio: Bounds | None
    accuracy: Bounds | None


@dataclass(frozen=True)
class Report:
    """What the report shows beside the verdicts.

    Attributes:
        formats: files beside result.json: `html`, `csv`, `markdown`.
        percentiles: latencies beside the median: `p50`, `p90`, `p95`, `p99`.
        sort: `spec`, `latency` or `accuracy`.
    """

    formats: tuple[str, ...]
    percentiles: tuple[str, ...]
    sort: str
