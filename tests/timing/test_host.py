"""A block is judged by what happened to the machine, and by nothing else."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from runner.spec.model import Limits
from runner.timing.host import Conditions, describe_host, disturbances, read_conditions

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
)
# Ten quiet seconds in which only our own processes worked.
QUIET = replace(BEFORE, busy_s=109.0, own_s=14.0, monotonic_s=1010.0, boottime_s=2010.0)


LIMITS = Limits(steal=0.02, load_cores=0.5, temperature_c=3.0)


def judge(after: Conditions) -> list[str]:
    return disturbances(BEFORE, BEFORE, after, LIMITS)


def test_a_quiet_block_is_valid() -> None:
    assert judge(QUIET) == []


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
    ],
)
def test_each_disturbance_is_seen_and_named(change: dict[str, float], reason: str) -> None:
    assert judge(replace(QUIET, **change)) == [reason]


def test_what_a_machine_does_not_tell_is_never_held_against_a_block() -> None:
    silent = {"steal_s": None, "busy_s": None, "throttled_s": None, "swapped_pages": None}
    before = replace(BEFORE, temperature_c=None, **silent)
    after = replace(QUIET, temperature_c=None, **silent)
    assert disturbances(before, before, after, LIMITS) == []


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
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    read = read_conditions(tmp_path)
    hz = os.sysconf("SC_CLK_TCK")
    assert (read.steal_s, read.busy_s) == (40 / hz, 153 / hz)
    assert (read.swapped_pages, read.boot_id) == (7, "one")
    assert (read.throttled_s, read.temperature_c) == (1.5, 51.5)


def test_an_empty_root_tells_nothing(tmp_path: Path) -> None:
    read = read_conditions(tmp_path)
    told = (read.steal_s, read.busy_s, read.throttled_s, read.swapped_pages, read.temperature_c)
    assert told == (None,) * 5
