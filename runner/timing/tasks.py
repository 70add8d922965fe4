"""What a job may be: samples, the outputs of its inputs, or a profile."""

from __future__ import annotations

import sys
from array import array
from dataclasses import replace
from pathlib import Path

from runner.timing import native, system
from runner.timing.bench import Bench, Say
from runner.timing.records import Operation, Profile, Reading, Timing
from runner.timing.report import Measurement

_LEAST_RUNS = 10
_MOST_SAMPLES = 100_000_000


def do_task(bench: Bench, say: Say) -> Measurement:
    """Does what the job says and returns what to report.

    Raises:
        HarnessError: an inference failed.
        OSError: a file can't be written.
    """
    if bench.job.task == "outputs":
        say("step evaluate")
        return _write_outputs(bench)
    say("step run the first inference")
    samples = array("q", [0])
    bench.session.time(samples)
    say("step warm up")
    started_ns = native.now_ns()
    warmup_runs = bench.session.warm_up(bench.job.warmup_runs, bench.job.warmup_ns)
    cost_ns = (native.now_ns() - started_ns) / max(1, warmup_runs)
    first = replace(_basics(bench), first_ns=samples[0], warmup_runs=warmup_runs)
    if bench.job.task == "profile":
        say("step profile")
        return _profile(bench, first)
    return _take_samples(bench, first, cost_ns, say)


def read_profile(text: str) -> tuple[Operation, ...]:
    """Reads the operations that a profile's file holds, one a line."""
    operations = []
    for line in text.splitlines():
        *numbers, name = line.split(" ", 8)
        subgraph, index, parent, partition, delegate, calls, total_ns, self_ns = map(int, numbers)
        operations.append(
            Operation(
                name=name,
                subgraph=subgraph,
                index=index,
                parent=None if parent < 0 else parent,
                partition=None if partition < 0 else partition,
                delegate=bool(delegate),
                calls=calls,
                total_ns=total_ns,
                self_ns=self_ns,
            )
        )
    return tuple(operations)


def _take_samples(bench: Bench, first: Measurement, cost_ns: float, say: Say) -> Measurement:
    job = bench.job
    runs = _affordable_runs(bench, cost_ns)
    samples = array("q", bytes(8 * _room(bench, runs, cost_ns)))
    timing = Timing(
        runs=runs,
        min_ns=job.min_run_time_ns,
        delay_ns=job.delay_ns,
        gap_ns=job.run_gap_ns,
        flush_bytes=system.cache_flush_bytes() if job.flush_caches else 0,
        input_sets=bench.input_sets if job.inputs == "rotating" else b"",
    )
    say("step take samples")
    before = system.take_reading()
    bench.counters.start()
    started_ns = native.now_ns()
    done = bench.session.time(samples, timing)
    timed_ns = native.now_ns() - started_ns
    counts = bench.counters.stop()
    after = system.take_reading()
    say("step write samples")
    _write_samples(samples[:done], job.samples)
    # What flushes the caches isn't the model's.
    peak = (before if job.flush_caches else after).peak_resident_bytes or 0
    return replace(
        first,
        runs=done,
        timed_ns=timed_ns,
        peak_memory_bytes=max(0, peak - bench.resident_bytes),
        cpu_ns=_grown(before, after, "cpu_ns") or 0,
        voluntary_switches=_grown(before, after, "voluntary_switches") or 0,
        involuntary_switches=_grown(before, after, "involuntary_switches") or 0,
        minor_faults=_grown(before, after, "minor_faults") or 0,
        major_faults=_grown(before, after, "major_faults") or 0,
        migrations=counts.migrations,
        resident_bytes=after.resident_bytes,
        temperature_before_mc=before.temperature_mc,
        temperature_after_mc=after.temperature_mc,
        frequency_before_khz=before.frequency_khz,
        frequency_after_khz=after.frequency_khz,
        throttled_bits=after.throttled_bits,
        throttle_events=_grown(before, after, "throttle_events"),
        steal_ns=_grown(before, after, "steal_ns"),
        cycles=counts.cycles,
        instructions=counts.instructions,
        cache_misses=counts.cache_misses,
        branch_misses=counts.branch_misses,
        flush_bytes=timing.flush_bytes,
        elapsed_ns=native.now_ns() - bench.started_ns,
    )


def _write_outputs(bench: Bench) -> Measurement:
    session = bench.session
    # The first inference decides the shape of some outputs.
    session.warm_up(1, 0)
    sets = bench.input_sets or bytes(session.input_size)
    count = len(sets) // session.input_size if session.input_size else 1
    Path(bench.job.outputs).write_bytes(session.map(sets, count))
    return replace(_basics(bench), runs=count, elapsed_ns=native.now_ns() - bench.started_ns)


def _profile(bench: Bench, first: Measurement) -> Measurement:
    profile = bench.session.profile(bench.job.runs)
    Path(bench.job.profile).write_text(_profile_lines(profile), encoding="utf-8")
    nodes = bench.session.nodes
    return replace(
        first,
        runs=profile.runs,
        profile_total_ns=profile.total_ns,
        profile_dropped=profile.dropped,
        profile_tick_ns=profile.tick_ns,
        arena_bytes=profile.arena_bytes,
        nodes=nodes.nodes,
        delegated_nodes=nodes.delegated,
        partitions=nodes.partitions,
        elapsed_ns=native.now_ns() - bench.started_ns,
    )


def _profile_lines(profile: Profile) -> str:
    lines = []
    for one in profile.operations:
        parent = -1 if one.parent is None else one.parent
        partition = -1 if one.partition is None else one.partition
        numbers = (one.subgraph, one.index, parent, partition, int(one.delegate))
        times = (one.calls, one.total_ns, one.self_ns)
        lines.append(" ".join(map(str, (*numbers, *times, one.name))) + "\n")
    return "".join(lines)


def _basics(bench: Bench) -> Measurement:
    """What every task reports."""
    startup, clock, in_force = bench.session.startup, native.clock(), bench.in_force
    flushes = system.flushes_to_zero()
    return Measurement(
        version=bench.library.version,
        model_ns=startup.model_ns,
        interpreter_ns=startup.interpreter_ns,
        allocate_ns=startup.allocate_ns,
        first_ns=0,
        warmup_runs=0,
        runs=0,
        clock=clock.name,
        clock_resolution_ns=clock.resolution_ns,
        clock_cost_ns=clock.cost_ns,
        clock_step_ns=clock.step_ns,
        elapsed_ns=0,
        call=bench.session.call,
        counters_reason=bench.counters.reason,
        affinity=in_force.affinity,
        priority=in_force.priority,
        memory_lock=in_force.memory_lock,
        flush_to_zero=in_force.flush_to_zero,
        flushes_to_zero=None if flushes is None else int(flushes),
        emulator=bench.emulator,
    )


def _affordable_runs(bench: Bench, cost_ns: float) -> int:
    job = bench.job
    if not job.budget_ns:
        return job.runs
    affordable = int(job.budget_ns / max(1.0, cost_ns + job.run_gap_ns))
    return max(min(_LEAST_RUNS, job.runs), min(job.runs, affordable))


def _room(bench: Bench, runs: int, cost_ns: float) -> int:
    """Samples to have room for: twice as many as the warm-up makes likely in the least time."""
    job = bench.job
    if not job.min_run_time_ns:
        return runs
    likely = 2 * job.min_run_time_ns / max(1.0, cost_ns + job.run_gap_ns) + 64
    return max(runs, min(int(likely), _MOST_SAMPLES))


def _grown(before: Reading, after: Reading, name: str) -> int | None:
    earlier, later = getattr(before, name), getattr(after, name)
    return None if earlier is None or later is None else later - earlier


def _write_samples(samples: array[int], path: str) -> None:
    if sys.byteorder == "big":
        samples.byteswap()
    with Path(path).open("wb") as file:
        samples.tofile(file)
