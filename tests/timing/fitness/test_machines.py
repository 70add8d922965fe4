"""Made-up machines: each fault is seen, named, and has the command that mends it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runner.timing.fitness.findings import Examination, Finding, Group
from runner.timing.fitness.heat import examine_heat
from runner.timing.fitness.processor import examine_processor
from runner.timing.fitness.quiet import examine_quiet
from runner.timing.fitness.rights import examine_rights
from runner.timing.fitness.tree import Tree
from runner.timing.host import Conditions
from tests.timing.fitness.conftest import MACHINES, Build

pytestmark = pytest.mark.fast

BEFORE = Conditions(
    steal_s=10.0,
    busy_s=100.0,
    own_s=5.0,
    throttled_s=0.0,
    swapped_pages=0,
    temperature_c=None,
    boot_id="one",
    monotonic_s=1000.0,
    boottime_s=2000.0,
)
AFTER = replace(BEFORE, monotonic_s=1000.5, boottime_s=2000.5)
ALL_PERMITTED = dict.fromkeys(
    ("affinity", "hardware_counters", "software_counters", "memory_lock", "realtime"), "ok"
)


def examine(
    tree: Tree, cores: int = 4, tried: dict[str, str] = ALL_PERMITTED
) -> dict[str, Finding]:
    groups = (
        examine_processor(tree, cores, "x86_64"),
        examine_quiet(tree, BEFORE, AFTER, cores),
        examine_heat(tree),
        examine_rights(tree, tried),
    )
    return {finding.name: finding for group in groups for finding in group.findings}


def test_a_machine_that_was_prepared_gets_no_advice(machine: Build) -> None:
    statuses = {name: finding.status for name, finding in examine(machine("quiet-server")).items()}
    assert set(statuses.values()) == {"good"}


@pytest.mark.parametrize(
    ("name", "finding", "status", "found", "command"),
    [
        ("quiet-server", "model", "good", "Intel(R) Xeon(R) Gold 6230, x86_64, 4 cores", ""),
        ("quiet-server", "governor", "good", "performance, driver intel_pstate", ""),
        ("quiet-server", "temperature", "good", "41 C", ""),
        ("laptop", "model", "good", "4 of 8 cores usable", ""),
        ("laptop", "hardware threads", "advice", "SMT", "sys/devices/system/cpu/smt/control"),
        ("laptop", "governor", "advice", "powersave", "echo performance | sudo tee"),
        ("laptop", "turbo", "advice", "on", "echo 1 | sudo tee"),
        ("laptop", "clock source", "advice", "hpet", "echo tsc | sudo tee"),
        ("laptop", "temperature", "advice", "91 C, slowed down from 95 C", ""),
        ("laptop", "throttling", "advice", "slowed by heat 7 times since boot", ""),
        ("laptop", "power", "advice", "on battery", ""),
        ("laptop", "swap", "advice", "1.00 GiB in use", "sudo swapoff -a"),
        ("laptop", "quota", "good", "none", ""),
        ("laptop", "address layout", "advice", "not random", "kernel.randomize_va_space=2"),
        ("desktop", "governor", "advice", "capped at 2.20 of 3.80 GHz", ""),
        ("desktop", "turbo", "advice", "on", "echo 0 | sudo tee"),
        ("desktop", "clock source", "advice", "acpi_pm", ""),
        ("desktop", "power", "advice", "profile low-power", "platform_profile"),
        ("desktop", "address layout", "advice", "not random for this process", ""),
        ("raspberry-pi", "model", "good", "Raspberry Pi 4 Model B Rev 1.4", ""),
        ("raspberry-pi", "governor", "advice", "ondemand, driver cpufreq-dt", "sudo tee"),
        ("raspberry-pi", "clock source", "good", "arch_sys_counter", ""),
        ("raspberry-pi", "throttling", "advice", "throttled now; under-voltage since boot", ""),
        ("raspberry-pi", "swap", "good", "not in use", ""),
        ("mainline-pi", "model", "good", "Raspberry Pi 3 Model B", ""),
        ("mainline-pi", "throttling", "advice", "under-voltage now", ""),
        ("container", "governor", "unknown", "virtual machine", ""),
        ("container", "clock source", "good", "kvm-clock", ""),
        ("container", "quota", "problem", "0.5 cores", ""),
        ("old-container", "quota", "advice", "1.5 cores", ""),
    ],
)
def test_what_is_found(
    machine: Build, name: str, finding: str, status: str, found: str, command: str
) -> None:
    seen = examine(machine(name))[finding]
    assert (seen.status, found in seen.found) == (status, True), seen
    assert command in seen.command if command else not seen.command, seen


def test_a_command_names_files_as_the_shell_finds_them(machine: Build) -> None:
    assert examine(machine("laptop"))["governor"].command == (
        "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
    )


@pytest.mark.parametrize("name", sorted(path.stem for path in MACHINES.glob("*.yaml")))
def test_whatever_is_advised_says_why_and_what_to_do(machine: Build, name: str) -> None:
    for finding in examine(machine(name)).values():
        assert finding.why
        if finding.status in {"advice", "problem"}:
            assert finding.remedy, finding


def test_a_machine_that_tells_nothing_is_not_blamed(tmp_path: Path) -> None:
    silent = replace(BEFORE, steal_s=None, busy_s=None, throttled_s=None, swapped_pages=None)
    quiet = examine_quiet(Tree(tmp_path), silent, silent, 4)
    assert {finding.status for finding in quiet.findings} == {"unknown"}
    others = examine(Tree(tmp_path), tried={})
    del others["load from others"], others["stolen time"]
    assert {finding.status for finding in others.values()} == {"unknown"}


@pytest.mark.parametrize("name", sorted(path.stem for path in MACHINES.glob("*.yaml")))
@pytest.mark.parametrize("nonsense", ["", "x", "-1 -1", ":::", "\x00\xff", "9" * 30])
def test_nonsense_in_any_file_is_survived(machine: Build, name: str, nonsense: str) -> None:
    tree = machine(name)
    for path in [path for path in tree.root.rglob("*") if path.is_file()]:
        path.write_text(nonsense, encoding="latin-1")
    assert examine(tree)


@pytest.mark.parametrize(
    ("change", "name", "found"),
    [
        ({"busy_s": 100.6}, "load from others", "1.2 cores busy now"),
        ({"steal_s": 10.05}, "stolen time", "10.0% of a core now"),
    ],
)
def test_what_others_take_is_seen(
    machine: Build, change: dict[str, float], name: str, found: str
) -> None:
    group = examine_quiet(machine("quiet-server"), BEFORE, replace(AFTER, **change), 4)
    (finding,) = [finding for finding in group.findings if finding.name == name]
    assert (finding.status, finding.found) == ("advice", found)


def test_our_own_work_is_not_load_from_others(machine: Build) -> None:
    busy = replace(AFTER, busy_s=100.6, own_s=5.6)
    group = examine_quiet(machine("quiet-server"), BEFORE, busy, 4)
    assert group.findings[0].status == "good"


def test_pages_that_move_just_now_are_seen_in_swap_that_is_hardly_used(machine: Build) -> None:
    moving = replace(AFTER, swapped_pages=12)
    group = examine_quiet(machine("raspberry-pi"), BEFORE, moving, 4)
    (finding,) = [finding for finding in group.findings if finding.name == "swap"]
    assert (finding.status, finding.found) == ("advice", "in use, 12 pages moved just now")


def test_a_single_core_is_not_enough_for_two(machine: Build) -> None:
    assert examine(machine("quiet-server"), cores=1)["model"].status == "advice"


@pytest.mark.parametrize(
    ("said", "status", "command"),
    [
        ("ok", "good", ""),
        ("EACCES", "advice", "sudo sysctl kernel.perf_event_paranoid=1"),
        ("ENOENT", "unknown", ""),
        ("EFAULT", "unknown", ""),
    ],
)
def test_counters_that_are_forbidden_differ_from_counters_that_are_absent(
    machine: Build, said: str, status: str, command: str
) -> None:
    finding = examine(machine("laptop"), tried={"hardware_counters": said})["event counters"]
    assert (finding.status, finding.command) == (status, command)


def test_what_verdicts_do_not_need_is_no_advice_where_it_is_refused(machine: Build) -> None:
    refused = {"affinity": "ok", "realtime": "EPERM", "memory_lock": "ENOMEM"}
    found = examine(machine("quiet-server"), tried=refused)
    assert found["pinning"].found == "permitted"
    for name in ("real-time priority", "locked memory"):
        assert (found[name].status, found[name].found) == ("good", "not permitted, and not needed")


def test_only_a_problem_makes_a_machine_unfit(machine: Build) -> None:
    def fit(name: str) -> bool:
        return Examination((Group("all", tuple(examine(machine(name)).values())),)).fit

    assert fit("laptop")
    assert not fit("container")
