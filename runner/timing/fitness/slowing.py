"""What slows a processor down without being asked to, as its kernel and firmware count it."""

from __future__ import annotations

from runner.timing.fitness.tree import CPUS, Tree

# The firmware of a Raspberry Pi: what holds now, and 16 bits higher what has held since boot.
_PI = "sys/devices/platform/soc*/*firmware/get_throttled"
_SENSORS = "sys/class/hwmon"
FIRMWARE_WORDS = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")
_SINCE_BOOT = 16


def firmware_bits(tree: Tree) -> int | None:
    """What a board's firmware holds against itself; None on machines whose firmware does not tell.

    Bit n says that `FIRMWARE_WORDS[n]` holds now, bit 16 + n that it has held since boot.
    """
    for path in tree.paths(_PI):
        if (bits := tree.integer(path, base=16)) is not None:
            return bits
    for chip in tree.paths(f"{_SENSORS}/hwmon*"):
        # Kernels without the firmware's file tell of the voltage alone.
        if tree.text(f"{chip}/name") == "rpi_volt":
            return 1 if tree.integer(f"{chip}/in0_lcrit_alarm") else 0
    return None


def firmware_now(bits: int) -> list[str]:
    """What holds now."""
    return [word for bit, word in enumerate(FIRMWARE_WORDS) if bits >> bit & 1]


def firmware_since_boot(bits: int) -> list[str]:
    """What has held since boot, at any time."""
    return firmware_now(bits >> _SINCE_BOOT)


def heat_slowdowns(tree: Tree) -> int | None:
    """How often processors were slowed down by heat since boot, cores and packages added up."""
    counts = list(tree.integers(f"{CPUS}/cpu[0-9]*/thermal_throttle/core_throttle_count"))
    return sum(counts) if counts else None


def frequency_settings(tree: Tree) -> str | None:
    """Governors and limits of frequency, as one text that changes when one of them does.

    The frequency itself is no part of it: it moves with every pause between two processes.
    """
    names = ("scaling_governor", "scaling_min_freq", "scaling_max_freq", "bios_limit")
    told = []
    for name in names:
        folders = f"{CPUS}/cpufreq/policy[0-9]*", f"{CPUS}/cpu[0-9]*/cpufreq"
        found = next((texts for one in folders if (texts := [*tree.texts(f"{one}/{name}")])), [])
        if found:
            told.append("/".join(dict.fromkeys(found)))
    return " ".join(told) or None
