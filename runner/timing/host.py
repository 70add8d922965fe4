"""The machine: what it is, in what condition it is, and whether a block was disturbed.

Each reading is None where this machine does not tell; nothing is guessed.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.spec.measurement import Limits
from runner.timing.fitness.control_groups import held_back_s
from runner.timing.fitness.rights import has_random_addresses
from runner.timing.fitness.slowing import (
    firmware_bits,
    firmware_now,
    firmware_since_boot,
    frequency_settings,
    heat_slowdowns,
)
from runner.timing.fitness.tree import CPUS, Tree

_USER_HZ = os.sysconf("SC_CLK_TCK")
# Why a block can't be trusted whose temperature was another one.
TEMPERATURE = "temperature"
# What only grows, until the machine is started anew.
_COUNTERS = (
    *("steal_s", "busy_s", "own_s", "throttled_s", "swapped_pages"),
    *("monotonic_s", "boottime_s", "heat_slowdowns"),
)
# The two clocks are read one after the other; a suspended machine sleeps for longer than that.
_SUSPENDED_S = 0.05


@dataclass(frozen=True)
class Conditions:
    """Counters and gauges at one instant.

    Attributes:
        steal_s: CPU seconds that a hypervisor gave to others, since boot.
        busy_s: CPU seconds that all processes used, since boot.
        own_s: CPU seconds that this process and its finished children used.
        throttled_s: seconds that our control groups, and those above, were held back.
        swapped_pages: pages swapped in or out since boot.
        temperature_c: the hottest thermal zone, in degrees Celsius.
        boot_id: changes when the machine is restarted; counters then begin anew.
        monotonic_s: seconds on a clock that stops during suspend.
        boottime_s: seconds on a clock that does not.
        firmware_bits: what a board's firmware holds against itself, as `slowing` explains.
        heat_slowdowns: how often processors were slowed down by heat, since boot.
        frequency_settings: governors and limits of frequency, as one text.
    """

    steal_s: float | None
    busy_s: float | None
    own_s: float
    throttled_s: float | None
    swapped_pages: int | None
    temperature_c: float | None
    boot_id: str | None
    monotonic_s: float
    boottime_s: float
    firmware_bits: int | None = None
    heat_slowdowns: int | None = None
    frequency_settings: str | None = None


@dataclass(frozen=True)
class Gauges:
    """What changes while a processor works hard.

    Attributes:
        temperature_c: the hottest thermal zone, in degrees Celsius.
        frequency_khz: of the fastest core, at this instant.
    """

    temperature_c: float | None
    frequency_khz: int | None


def read_gauges(root: Path = Path("/")) -> Gauges:
    """Reads them now.

    Args:
        root: the folder that holds `proc` and `sys`.
    """
    frequencies = Tree(root).integers(f"{CPUS}/cpu[0-9]*/cpufreq/scaling_cur_freq")
    return Gauges(_temperature_c(root), max(frequencies, default=None))


def read_conditions(root: Path = Path("/")) -> Conditions:
    """Reads what this machine tells about itself now; a millisecond or so, outside of processes.

    Args:
        root: the folder that holds `proc` and `sys`.
    """
    steal_s, busy_s = _cpu_seconds(root)
    times, tree = os.times(), Tree(root)
    return Conditions(
        steal_s=steal_s,
        busy_s=busy_s,
        own_s=times.user + times.system + times.children_user + times.children_system,
        throttled_s=held_back_s(tree),
        swapped_pages=_swapped_pages(root),
        temperature_c=_temperature_c(root),
        boot_id=_read_text(root / "proc/sys/kernel/random/boot_id"),
        monotonic_s=time.clock_gettime(time.CLOCK_MONOTONIC),
        boottime_s=time.clock_gettime(time.CLOCK_BOOTTIME),
        firmware_bits=firmware_bits(tree),
        heat_slowdowns=heat_slowdowns(tree),
        frequency_settings=frequency_settings(tree),
    )


def disturbances(
    reference: Conditions, before: Conditions, after: Conditions, limits: Limits
) -> list[str]:
    """Why a block between two readings can't be trusted; empty when it can.

    It is judged as a whole, whatever its arms' latencies are.

    Args:
        reference: the reading that temperatures at both ends are held against.
        before: the reading when the block began.
        after: the reading when it had ended.
    """
    elapsed = max(after.monotonic_s - before.monotonic_s, 1e-9)
    reasons = []
    if _grew(before.steal_s, after.steal_s) > limits.steal * elapsed:
        reasons.append("steal")
    if _grew(before.throttled_s, after.throttled_s) > 0:
        reasons.append("cgroup throttling")
    if _grew(before.swapped_pages, after.swapped_pages) > 0:
        reasons.append("swap")
    if load_of_others(before, after) > limits.load_cores:
        reasons.append("load from others")
    slept = (after.boottime_s - before.boottime_s) - (after.monotonic_s - before.monotonic_s)
    if slept > _SUSPENDED_S:
        reasons.append("suspended")
    off = max(abs(degrees_from(reference, one)) for one in (before, after))
    if off > limits.temperature_c:
        reasons.append(TEMPERATURE)
    return reasons + _slowed(before, after)


def load_of_others(before: Conditions, after: Conditions) -> float:
    """How many cores other programs kept busy between two readings, on average; 0 if unknown."""
    elapsed = max(after.monotonic_s - before.monotonic_s, 1e-9)
    others_s = _grew(before.busy_s, after.busy_s) - (after.own_s - before.own_s)
    return max(0.0, others_s / elapsed) if before.busy_s is not None else 0.0


def degrees_from(reference: Conditions | None, now: Conditions) -> float:
    """By how much it is hotter than it was, in degrees Celsius; 0 where nothing is known."""
    return _grew(reference.temperature_c, now.temperature_c) if reference else 0.0


def growth(before: Conditions, after: Conditions) -> dict[str, float]:
    """By how much each counter grew between two readings; what did not is left out.

    `firmware_bits` holds the bits that came up.
    """
    grown = {name: _grew(getattr(before, name), getattr(after, name)) for name in _COUNTERS}
    grown["firmware_bits"] = (after.firmware_bits or 0) & ~(before.firmware_bits or 0)
    return {name: round(value, 6) for name, value in grown.items() if value}


def as_if_uninterrupted(
    begun: Conditions, grown: Mapping[str, float], now: Conditions
) -> Conditions:
    """The reading from which a block that goes on after an interruption is judged.

    Counters since then tell of the time before and after the interruption, and nothing of what the
    machine did meanwhile, when nothing was timed; it may even have been started anew.

    Args:
        begun: the reading when the block began.
        grown: as `growth` gave it when the last process before the interruption had ended.
    """
    counters = {
        name: value - grown.get(name, 0.0)
        for name in _COUNTERS
        if (value := getattr(now, name)) is not None
    }
    bits = now.firmware_bits
    if bits is not None:
        bits &= ~int(grown.get("firmware_bits", 0))
    return replace(now, **counters, firmware_bits=bits, frequency_settings=begun.frequency_settings)


def describe_host() -> dict[str, Any]:
    """What `result.json` says of the machine; None where unknown."""
    return {
        "name": platform.node(),
        "cpu": _cpu_model(),
        "architecture": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "governor": _read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "frequency_khz": _read_int("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"),
        "turbo": _turbo(),
        "virtual_machine": _is_virtual(),
        "address_randomization": has_random_addresses(Tree(Path("/"))),
        "temperature_c": _temperature_c(Path("/")),
        "load_average": os.getloadavg()[0],
    }


def _slowed(before: Conditions, after: Conditions) -> list[str]:
    """How the processor was slowed down, or set to another speed, while a block ran."""
    reasons: list[str] = []
    if before.firmware_bits is not None and after.firmware_bits is not None:
        new = after.firmware_bits & ~before.firmware_bits
        # What has held since boot may be long past; what is new in it was in this block.
        words = [
            *firmware_now(before.firmware_bits),
            *firmware_now(after.firmware_bits),
            *firmware_since_boot(new),
        ]
        reasons += dict.fromkeys(words)
    if _grew(before.heat_slowdowns, after.heat_slowdowns) > 0:
        reasons.append("slowed by heat")
    settings = {before.frequency_settings, after.frequency_settings}
    if len(settings - {None}) > 1:
        reasons.append("frequency settings changed")
    return reasons


def _grew(before: float | None, after: float | None) -> float:
    return 0.0 if before is None or after is None else after - before


def _cpu_seconds(root: Path) -> tuple[float | None, float | None]:
    """Steal and busy seconds of all CPUs, from the first line of /proc/stat."""
    text = _read_text(root / "proc/stat")
    if not text or not text.startswith("cpu "):
        return None, None
    ticks = [int(field) for field in text.splitlines()[0].split()[1:]]
    if len(ticks) < 8:
        return None, None
    user, nice, system, _, _, irq, softirq, steal = ticks[:8]
    return steal / _USER_HZ, (user + nice + system + irq + softirq) / _USER_HZ


def _swapped_pages(root: Path) -> int | None:
    text = _read_text(root / "proc/vmstat")
    if text is None:
        return None
    counters = dict(line.split() for line in text.splitlines())
    return int(counters.get("pswpin", 0)) + int(counters.get("pswpout", 0))


def _temperature_c(root: Path) -> float | None:
    zones = (root / "sys/class/thermal").glob("thermal_zone*/temp")
    readings = [value for zone in zones if (value := _read_int(zone)) is not None]
    return max(readings) / 1000 if readings else None


def _cpu_model() -> str | None:
    for line in (_read_text("/proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in {"model name", "Model", "Hardware"}:
            return value.strip()
    return None


def _turbo() -> bool | None:
    if (off := _read_int("/sys/devices/system/cpu/intel_pstate/no_turbo")) is not None:
        return off == 0
    boost = _read_int("/sys/devices/system/cpu/cpufreq/boost")
    return None if boost is None else boost == 1


def _is_virtual() -> bool | None:
    text = _read_text("/proc/cpuinfo")
    if text is None:
        return None
    flags = next((line for line in text.splitlines() if line.startswith("flags")), None)
    return None if flags is None else "hypervisor" in flags.split()


def _read_text(path: str | Path) -> str | None:
    try:
        return Path(path).read_text("utf-8", errors="replace").strip()
    except OSError:
        return None


def _read_int(path: str | Path) -> int | None:
    text = _read_text(path)
    try:
        return int(text) if text else None
    except ValueError:
        return None
