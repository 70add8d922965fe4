"""A block is judged by what happened to the machine, and by nothing else."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from runner.spec.measurement import Limits
from runner.timing.host import (
    Conditions,
    as_if_uninterrupted,
    describe_host,
    disturbances,
    growth,
    read_conditions,
)

pytestmark = pytest.mark.fast

BEFORE = Conditions(
    steal_s=10.0,
    busy_s=100.0,
    own_s=5.0,
    throttled_s=0.0,
    swapped_pages=0,
    temperature_c=50.0,
    boot_id="one",
    monotonic_s=1000.0,
    boottime_s=2000.0,
    # Under-voltage and throttling have been, some time ago.
    firmware_bits=0x50000,
    heat_slowdowns=7,
    frequency_settings="performance 600000 1800000",
)
# Ten quiet seconds in which only our own processes worked.
QUIET = replace(BEFORE, busy_s=109.0, own_s=14.0, monotonic_s=1010.0, boottime_s=2010.0)


LIMITS = Limits(steal=0.02, load_cores=0.5, temperature_c=3.0)


def judge(after: Conditions) -> list[str]:
    return disturbances(BEFORE, BEFORE, after, LIMITS)


def test_a_quiet_block_is_valid() -> None:
    assert judge(QUIET) == []


@pytest.mark.parametrize("degrees", [46.0, 54.0])
def test_a_block_that_began_at_another_temperature_is_not_saved_by_how_it_ends(
    degrees: float,
) -> None:
    before = replace(BEFORE, temperature_c=degrees)
    assert disturbances(BEFORE, before, QUIET, LIMITS) == ["temperature"]
    unknown = replace(BEFORE, temperature_c=None)
    assert disturbances(unknown, before, QUIET, LIMITS) == []


@pytest.mark.parametrize(("wrapper", "told"), [((), "True"), (("setarch", "-R"), "False")])
def test_the_host_tells_whether_processes_have_addresses_of_their_own(
    wrapper: tuple[str, ...], told: str
) -> None:
    if wrapper and subprocess.run([*wrapper, "true"], check=False).returncode:
        pytest.skip("this machine does not permit setarch -R")
    if Path("/proc/sys/kernel/randomize_va_space").read_text().strip() != "2":
        pytest.skip("this machine gives no process addresses of its own")
    program = "from runner.timing.host import describe_host; print(describe_host()[%r])"
    command = [*wrapper, sys.executable, "-c", program % "address_randomization"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == told


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"steal_s": 10.3}, "steal"),
        ({"throttled_s": 0.1}, "cgroup throttling"),
        ({"swapped_pages": 3}, "swap"),
        ({"busy_s": 115.0}, "load from others"),
        ({"boottime_s": 2500.0}, "suspended"),
        ({"temperature_c": 53.5}, "temperature"),
        ({"temperature_c": 46.0}, "temperature"),
        ({"firmware_bits": 0x50001}, "under-voltage"),
        ({"firmware_bits": 0x50004}, "throttled"),
        ({"firmware_bits": 0x70000}, "frequency capped"),
        ({"heat_slowdowns": 8}, "slowed by heat"),
        ({"frequency_settings": "powersave 600000 1800000"}, "frequency settings changed"),
    ],
)
def test_each_disturbance_is_seen_and_named(change: dict[str, float], reason: str) -> None:
    assert judge(replace(QUIET, **change)) == [reason]


# After an hour in which somebody else used the machine, and after a restart.
LATER = replace(
    QUIET,
    steal_s=99.0,
    busy_s=4000.0,
    own_s=0.2,
    swapped_pages=900,
    monotonic_s=4610.0,
    boottime_s=9000.0,
    heat_slowdowns=50,
)
RESTARTED = replace(
    QUIET,
    steal_s=0.0,
    busy_s=3.0,
    own_s=0.2,
    boot_id="other",
    monotonic_s=9.0,
    boottime_s=9.0,
    heat_slowdowns=0,
)


def goes_on(now: Conditions, earlier: dict[str, float], changes: dict[str, float]) -> list[str]:
    """Ten quiet seconds, an interruption, and ten more with changes."""
    grown = growth(BEFORE, replace(QUIET, **earlier))
    before = as_if_uninterrupted(BEFORE, grown, now)
    after = replace(
        now,
        busy_s=now.busy_s + 9.0,
        own_s=now.own_s + 9.0,
        monotonic_s=now.monotonic_s + 10.0,
        boottime_s=now.boottime_s + 10.0,
    )
    return disturbances(BEFORE, before, replace(after, **changes), LIMITS)


@pytest.mark.parametrize("now", [LATER, RESTARTED])
def test_what_a_machine_does_while_a_block_is_interrupted_is_not_held_against_it(
    now: Conditions,
) -> None:
    assert goes_on(now, {}, {}) == []


@pytest.mark.parametrize("now", [LATER, RESTARTED])
@pytest.mark.parametrize(
    ("earlier", "reason"),
    [
        ({"steal_s": 10.6}, "steal"),
        ({"throttled_s": 0.1}, "cgroup throttling"),
        ({"swapped_pages": 3}, "swap"),
        ({"busy_s": 125.0}, "load from others"),
        ({"boottime_s": 2500.0}, "suspended"),
        ({"firmware_bits": 0x70000}, "frequency capped"),
        ({"heat_slowdowns": 8}, "slowed by heat"),
    ],
)
def test_what_disturbed_a_block_before_its_interruption_still_counts(
    now: Conditions, earlier: dict[str, float], reason: str
) -> None:
    after = {"firmware_bits": 0x70000} if "firmware_bits" in earlier else {}
    now = replace(now, **after)
    assert goes_on(now, earlier, {}) == [reason]


def test_a_block_that_goes_on_at_another_speed_is_done_again() -> None:
    now = replace(LATER, frequency_settings="powersave 600000 1800000")
    assert goes_on(now, {}, {}) == ["frequency settings changed"]


def test_what_a_machine_does_not_tell_is_never_held_against_a_block() -> None:
    silent = {"steal_s": None, "busy_s": None, "throttled_s": None, "swapped_pages": None}
    silent |= dict.fromkeys(("firmware_bits", "heat_slowdowns", "frequency_settings"))
    before = replace(BEFORE, temperature_c=None, **silent)
    after = replace(QUIET, temperature_c=None, **silent)
    assert disturbances(before, before, after, LIMITS) == []
    # Nor one that it begins or ceases to give.
    assert disturbances(before, before, QUIET, LIMITS) == []
    assert disturbances(BEFORE, BEFORE, after, LIMITS) == []


def test_a_board_that_is_throttled_when_a_block_begins_spoils_it_even_if_it_recovers() -> None:
    before = replace(BEFORE, firmware_bits=0x50004)
    assert disturbances(BEFORE, before, QUIET, LIMITS) == ["throttled"]


def test_this_machine_can_be_read_and_described() -> None:
    first, second = read_conditions(), read_conditions()
    assert second.monotonic_s >= first.monotonic_s
    host = describe_host()
    assert host["cores"] >= 1
    assert host["kernel"].startswith("Linux")


def test_another_machines_counters_are_read_below_another_root(tmp_path: Path) -> None:
    files = {
        "proc/stat": "cpu  100 0 50 900 3 1 2 40 0 0\n",
        "proc/vmstat": "pswpin 3\npswpout 4\n",
        "proc/sys/kernel/random/boot_id": "one\n",
        "sys/fs/cgroup/cpu.stat": "usage_usec 9\nthrottled_usec 1500000\n",
        "sys/class/thermal/thermal_zone0/temp": "51500\n",
    }
    read = read_conditions(build(tmp_path, files))
    hz = os.sysconf("SC_CLK_TCK")
    assert (read.steal_s, read.busy_s) == (40 / hz, 153 / hz)
    assert (read.swapped_pages, read.boot_id) == (7, "one")
    assert (read.throttled_s, read.temperature_c) == (1.5, 51.5)


def test_an_empty_root_tells_nothing(tmp_path: Path) -> None:
    read = read_conditions(tmp_path)
    told = (read.steal_s, read.busy_s, read.throttled_s, read.swapped_pages, read.temperature_c)
    assert told == (None,) * 5
    assert (read.firmware_bits, read.heat_slowdowns, read.frequency_settings) == (None,) * 3


def build(root: Path, files: dict[str, str]) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    return root


@pytest.mark.parametrize(
    ("files", "seconds"),
    [
        (
            # Version 2, nested: our own group was never held back, the one above it was.
            {
                "proc/self/cgroup": "0::/pods/pod1/box\n",
                "sys/fs/cgroup/pods/pod1/box/cpu.stat": "usage_usec 9\nthrottled_usec 0\n",
                "sys/fs/cgroup/pods/pod1/cpu.stat": "usage_usec 9\nthrottled_usec 2500000\n",
                "sys/fs/cgroup/cpu.stat": "usage_usec 9\n",
            },
            2.5,
        ),
        (
            # Version 1, whose path is the host's and not there: the mount is ours, in nanoseconds.
            {
                "proc/self/cgroup": "4:memory:/docker/a\n3:cpu,cpuacct:/docker/a\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.stat": "nr_throttled 3\nthrottled_time 750000000\n",
            },
            0.75,
        ),
        ({"proc/self/cgroup": "0::/box\n", "sys/fs/cgroup/cpu.stat": "throttled_usec x\n"}, None),
    ],
)
def test_control_groups_of_either_version_tell_how_long_we_were_held_back(
    tmp_path: Path, files: dict[str, str], seconds: float
) -> None:
    assert read_conditions(build(tmp_path, files)).throttled_s == seconds


def test_a_mount_under_two_names_is_counted_once(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "3:cpu,cpuacct:/\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.stat": "throttled_time 1000000000\n",
    }
    build(tmp_path, files)
    (tmp_path / "sys/fs/cgroup/cpu").symlink_to("cpu,cpuacct")
    assert read_conditions(tmp_path).throttled_s == 1.0


def test_a_boards_firmware_and_a_processors_counters_are_read(tmp_path: Path) -> None:
    cpus = "sys/devices/system/cpu"
    files = {
        "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
        f"{cpus}/cpu0/thermal_throttle/core_throttle_count": "3\n",
        f"{cpus}/cpu1/thermal_throttle/core_throttle_count": "4\n",
        f"{cpus}/cpufreq/policy0/scaling_governor": "performance\n",
        f"{cpus}/cpufreq/policy4/scaling_governor": "powersave\n",
        f"{cpus}/cpufreq/policy0/scaling_max_freq": "1800000\n",
    }
    read = read_conditions(build(tmp_path, files))
    assert (read.firmware_bits, read.heat_slowdowns) == (0x50005, 7)
    assert read.frequency_settings == "performance/powersave 1800000"
