"""Heat and power: whether the processor is slowed down to save one or the other."""

from __future__ import annotations

from runner.timing.fitness.findings import Finding, Group
from runner.timing.fitness.slowing import (
    firmware_bits,
    firmware_now,
    firmware_since_boot,
    heat_slowdowns,
)
from runner.timing.fitness.tree import CPUS, Tree

_ZONES = "sys/class/thermal"
_SENSORS = "sys/class/hwmon"
_PROCESSOR_CHIPS = {"coretemp", "k10temp", "zenpower", "cpu_thermal"}
_SUPPLIES = "sys/class/power_supply"
_PROFILE = "sys/firmware/acpi/platform_profile"
_PREFERENCES = f"{CPUS}/cpu[0-9]*/cpufreq/energy_performance_preference"
_MARGIN_C = 10.0
_HOT_C = 75.0


def examine_heat(tree: Tree) -> Group:
    """Looks at temperature, throttling and power."""
    return Group("Heat and power", (temperature(tree), throttling(tree), power(tree)))


def temperature(tree: Tree) -> Finding:
    """The hottest sensor, and how far it is from where the kernel slows down."""
    why = "a hot processor is slowed down, and so is a cold one once it has warmed up"
    readings = _readings_c(tree)
    if not readings:
        return Finding("temperature", "unknown", "no sensor is shown", why)
    hottest, zone = max(readings)
    limit = _slows_at_c(tree, zone)
    near = hottest >= (_HOT_C if limit is None else limit - _MARGIN_C)
    found = f"{hottest:.0f} C"
    if limit is not None:
        found += f", slowed down from {limit:.0f} C"
    if near:
        return Finding("temperature", "advice", found, why, "let it cool, or cool it better")
    return Finding("temperature", "good", found, why)


def throttling(tree: Tree) -> Finding:
    """Whether the processor was slowed down since boot."""
    why = "a processor that slows down in the middle of an experiment blurs every difference"
    told, times = _firmware_words(tree), heat_slowdowns(tree)
    if times:
        told = [*(told or []), f"slowed by heat {times} time{'s' * (times != 1)} since boot"]
    if told is None and times is None:
        return Finding("throttling", "unknown", "not told", why)
    if not told:
        return Finding("throttling", "good", "none since boot", why)
    remedy = "cool it better, and use a power supply that is strong enough"
    return Finding("throttling", "advice", "; ".join(told), why, remedy)


def power(tree: Tree) -> Finding:
    """Whether the machine saves power."""
    why = "a machine that saves power runs slower, and not evenly"
    if _on_battery(tree):
        return Finding("power", "advice", "on battery", why, "plug it in")
    profile = tree.text(_PROFILE)
    if profile in {"low-power", "quiet", "cool"}:
        command = f"echo performance | sudo tee /{_PROFILE}"
        return Finding("power", "advice", f"profile {profile}", why, "ask for speed", command)
    preferences = sorted(set(tree.texts(_PREFERENCES)))
    if saving := [word for word in preferences if word in {"power", "balance_power"}]:
        found = f"energy preference {' and '.join(saving)}"
        command = f"echo performance | sudo tee /{_PREFERENCES.replace('[0-9]', '')}"
        return Finding("power", "advice", found, why, "ask for speed", command)
    supplies = list(tree.texts(f"{_SUPPLIES}/*/type"))
    if profile or preferences or supplies:
        words = [f"profile {profile}"] if profile else []
        words += ["plugged in"] if supplies else []
        return Finding("power", "good", ", ".join(words) or "not saving", why)
    return Finding("power", "unknown", "no battery and no profile is shown", why)


def _readings_c(tree: Tree) -> list[tuple[float, str]]:
    """Temperatures in degrees Celsius with their thermal zone; an empty one for other sensors."""
    zones = [
        (millidegrees / 1000, zone)
        for zone in tree.paths(f"{_ZONES}/thermal_zone*")
        if (millidegrees := tree.integer(f"{zone}/temp")) is not None
    ]
    return zones or [(value, "") for value in _sensors_c(tree)]


def _sensors_c(tree: Tree) -> list[float]:
    """Sensors outside the thermal zones, as servers and desktops often have them alone."""
    chips = tree.paths(f"{_SENSORS}/hwmon*")
    of_processor = [chip for chip in chips if tree.text(f"{chip}/name") in _PROCESSOR_CHIPS]
    return [
        millidegrees / 1000
        for chip in of_processor or chips
        for millidegrees in tree.integers(f"{chip}/temp*_input")
    ]


def _slows_at_c(tree: Tree, zone: str) -> float | None:
    kinds = tree.paths(f"{zone}/trip_point_*_type") if zone else []
    limits = [
        millidegrees / 1000
        for kind in kinds
        if tree.text(kind) == "passive"
        and (millidegrees := tree.integer(f"{kind.removesuffix('type')}temp"))
    ]
    return min(limits, default=None)


def _firmware_words(tree: Tree) -> list[str] | None:
    """What a board's firmware holds against itself; None on other machines."""
    bits = firmware_bits(tree)
    if bits is None:
        return None
    now = firmware_now(bits)
    before = [word for word in firmware_since_boot(bits) if word not in now]
    return [f"{word} now" for word in now] + [f"{word} since boot" for word in before]


def _on_battery(tree: Tree) -> bool:
    plugged = list(tree.integers(f"{_SUPPLIES}/*/online"))
    states = [
        tree.text(f"{folder}/status")
        for folder in tree.paths(f"{_SUPPLIES}/*")
        if tree.text(f"{folder}/type") == "Battery"
        # A mouse or a headset has a battery too.
        and tree.text(f"{folder}/scope") != "Device"
    ]
    return "Discharging" in states and not any(plugged)
