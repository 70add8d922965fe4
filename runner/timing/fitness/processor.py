"""The processor: what it is, whether its frequency is steady, how its time is read."""

from __future__ import annotations

import re

from runner.timing.fitness.findings import Finding, Group
from runner.timing.fitness.tree import CPUS, Tree

_SLOW_CLOCKS = {"hpet", "acpi_pm", "jiffies", "pit", "refined-jiffies"}
_CLOCKS = "sys/devices/system/clocksource/clocksource0"
_GOVERNORS = f"{CPUS}/cpu[0-9]*/cpufreq/scaling_governor"
_NO_TURBO = f"{CPUS}/intel_pstate/no_turbo"
_BOOST = f"{CPUS}/cpufreq/boost"
_SMT = f"{CPUS}/smt"


def examine_processor(tree: Tree, usable_cores: int, architecture: str) -> Group:
    """Looks at the processor.

    Args:
        usable_cores: how many this process may run on.
        architecture: as `uname -m` has it.
    """
    return Group(
        "Processor",
        (
            model(tree, usable_cores, architecture),
            threads(tree),
            governor(tree),
            turbo(tree),
            clock_source(tree),
        ),
    )


def model(tree: Tree, usable_cores: int, architecture: str) -> Finding:
    """Which processor, and how much of it is ours."""
    name = _cpu_name(tree)
    online = len(_numbers(tree.text(f"{CPUS}/online") or ""))
    cores = f"{usable_cores} core{'s' * (usable_cores != 1)}"
    if online > usable_cores:
        cores = f"{usable_cores} of {online} cores usable"
    found = f"{name or 'not named'}, {architecture}, {cores}"
    why = "a latency holds for the processor that it was measured on"
    if usable_cores == 1:
        return Finding(
            "model",
            "advice",
            found,
            "the timed process shares the only core with everything else",
            "give it a second core, by taskset, cpuset or the container's settings",
        )
    return Finding("model", "good" if name else "unknown", found, why)


def threads(tree: Tree) -> Finding:
    """Whether two hardware threads share a core."""
    active = tree.integer(f"{_SMT}/active")
    why = "what runs on the other thread of a core slows the timed one"
    if active is None:
        return Finding("hardware threads", "unknown", "not told", why)
    if not active:
        return Finding("hardware threads", "good", "one per core", why)
    return Finding(
        "hardware threads",
        "advice",
        "two or more per core (SMT)",
        why,
        "switch them off while measuring",
        f"echo off | sudo tee /{_SMT}/control",
    )


def governor(tree: Tree) -> Finding:
    """Who decides the frequency."""
    found = sorted(set(tree.texts(_GOVERNORS)))
    why = "a frequency that follows the load makes the first runs slow"
    if not found:
        told = "not told, as is usual in a virtual machine" if _virtual(tree) else "not told"
        return Finding("governor", "unknown", told, why)
    drivers = sorted(set(tree.texts(f"{CPUS}/cpu[0-9]*/cpufreq/scaling_driver")))
    words = " and ".join(found) + (f", driver {' and '.join(drivers)}" if drivers else "")
    if found != ["performance"]:
        return Finding(
            "governor",
            "advice",
            words,
            why,
            "hold the frequency up while measuring",
            f"echo performance | sudo tee /{_GOVERNORS.replace('[0-9]', '')}",
        )
    if capped := _cap(tree):
        return Finding(
            "governor",
            "advice",
            f"{words}, {capped}",
            "latencies will be those of a slower processor",
            "raise scaling_max_freq, unless the cap is what you want to measure with",
        )
    return Finding("governor", "good", words, why)


def turbo(tree: Tree) -> Finding:
    """Whether the processor may exceed its nominal frequency."""
    why = "a boosted frequency falls with heat and with what other cores do"
    no_turbo, boost = tree.integer(_NO_TURBO), tree.integer(_BOOST)
    if no_turbo is None and boost is None:
        return Finding("turbo", "unknown", "not told", why)
    off = no_turbo == 1 or (no_turbo is None and boost == 0)
    if off:
        return Finding("turbo", "good", "off", why)
    command = f"echo 1 | sudo tee /{_NO_TURBO}"
    if no_turbo is None:
        command = f"echo 0 | sudo tee /{_BOOST}"
    return Finding("turbo", "advice", "on", why, "switch it off while measuring", command)


def clock_source(tree: Tree) -> Finding:
    """What the kernel reads the time from."""
    why = "a slow clock costs a microsecond a reading, more than a small model's run"
    source = tree.text(f"{_CLOCKS}/current_clocksource")
    if source is None:
        return Finding("clock source", "unknown", "not told", why)
    if source not in _SLOW_CLOCKS:
        return Finding("clock source", "good", source, why)
    available = (tree.text(f"{_CLOCKS}/available_clocksource") or "").split()
    if "tsc" in available:
        command = f"echo tsc | sudo tee /{_CLOCKS}/current_clocksource"
        return Finding("clock source", "advice", source, why, "use the processor's own", command)
    remedy = "see `dmesg | grep -i tsc` for why the kernel does not trust the processor's own"
    return Finding("clock source", "advice", source, why, remedy)


def _cpu_name(tree: Tree) -> str | None:
    for line in (tree.text("proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in {"model name", "Model", "Hardware"} and value.strip():
            return value.strip()
    board = tree.text("proc/device-tree/model")
    return board.rstrip("\0") if board else None


def _virtual(tree: Tree) -> bool:
    lines = (tree.text("proc/cpuinfo") or "").splitlines()
    return any(line.startswith("flags") and "hypervisor" in line.split() for line in lines)


def _cap(tree: Tree) -> str:
    allowed = min(tree.integers(f"{CPUS}/cpu[0-9]*/cpufreq/scaling_max_freq"), default=None)
    possible = min(tree.integers(f"{CPUS}/cpu[0-9]*/cpufreq/cpuinfo_max_freq"), default=None)
    if allowed is None or possible is None or allowed >= possible:
        return ""
    return f"capped at {allowed / 1e6:.2f} of {possible / 1e6:.2f} GHz"


def _numbers(ranges: str) -> set[int]:
    """The numbers in `0-3,6`."""
    numbers: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", ranges):
        numbers.update(range(int(first), int(last or first) + 1))
    return numbers
