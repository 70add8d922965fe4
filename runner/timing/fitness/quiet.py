"""Whether the machine is ours: load from others, stolen time, quotas, swap."""

from __future__ import annotations

from runner.timing.fitness.control_groups import cpu_groups
from runner.timing.fitness.findings import Finding, Group
from runner.timing.fitness.tree import Tree
from runner.timing.host import Conditions
from runner.units import format_bytes

_LOAD_CORES = 0.3
_STEAL = 0.02


def examine_quiet(tree: Tree, before: Conditions, after: Conditions, usable_cores: int) -> Group:
    """Looks at what others take from this machine.

    Args:
        before: a reading of the machine's counters.
        after: another, some tenths of a second later.
        usable_cores: how many this process may run on.
    """
    return Group(
        "Quiet",
        (
            load(before, after),
            steal(before, after),
            quota(tree, usable_cores),
            swap(tree, before, after),
        ),
    )


def load(before: Conditions, after: Conditions) -> Finding:
    """What other processes use now, in cores."""
    why = "whoever computes beside the timed process takes cache, memory and heat from it"
    if before.busy_s is None or after.busy_s is None:
        return Finding("load from others", "unknown", "not told", why)
    others_s = after.busy_s - before.busy_s - (after.own_s - before.own_s)
    cores = max(0.0, others_s / _elapsed_s(before, after))
    found = f"{cores:.1f} cores busy now"
    if cores <= _LOAD_CORES:
        return Finding("load from others", "good", found, why)
    remedy = "end or wait for what runs beside; this lists it"
    command = "ps -eo pcpu,pid,user,args --sort=-pcpu | head"
    return Finding("load from others", "advice", found, why, remedy, command)


def steal(before: Conditions, after: Conditions) -> Finding:
    """What a hypervisor gave to others, as a share of one core."""
    why = "a hypervisor that gives our time to others lengthens the runs that it hits"
    if before.steal_s is None or after.steal_s is None:
        return Finding("stolen time", "unknown", "not told", why)
    share = max(0.0, (after.steal_s - before.steal_s) / _elapsed_s(before, after))
    found = f"{share:.1%} of a core now"
    if share <= _STEAL:
        return Finding("stolen time", "good", found, why)
    remedy = "measure at a quieter hour, or on a machine whose cores are yours alone"
    return Finding("stolen time", "advice", found, why, remedy)


def quota(tree: Tree, usable_cores: int) -> Finding:
    """How many cores the control group may use."""
    why = "a process that has used its quota is stopped in the middle of a run"
    known, cores = _quota_cores(tree)
    if cores is None:
        return Finding(
            "quota", "good" if known else "unknown", "none" if known else "not told", why
        )
    found = f"{cores:.2g} cores, by the control group"
    remedy = "raise or lift it: --cpus of docker, limits.cpu of Kubernetes, CPUQuota of systemd"
    if cores < 1:
        return Finding("quota", "problem", found, f"{why}, in nearly every block here", remedy)
    if cores < usable_cores:
        return Finding("quota", "advice", found, why, remedy)
    return Finding("quota", "good", found, why)


def swap(tree: Tree, before: Conditions, after: Conditions) -> Finding:
    """Whether memory is on the disk."""
    why = "a page that comes back from the disk costs more than a thousand runs"
    table = tree.text("proc/swaps")
    if table is None:
        return Finding("swap", "unknown", "not told", why)
    rows = [line.split() for line in table.splitlines()[1:]]
    used_kib = sum(int(row[-2]) for row in rows if len(row) >= 5 and row[-2].isdigit())
    moved = (after.swapped_pages or 0) - (before.swapped_pages or 0)
    if moved > 0:
        found = f"in use, {moved} pages moved just now"
    elif used_kib:
        found = f"{format_bytes(used_kib * 1024)} in use"
    else:
        return Finding("swap", "good", "not in use" if rows else "none", why)
    remedy = "free memory, or switch it off while measuring"
    return Finding("swap", "advice", found, why, remedy, "sudo swapoff -a")


def _elapsed_s(before: Conditions, after: Conditions) -> float:
    return max(after.monotonic_s - before.monotonic_s, 1e-9)


def _quota_cores(tree: Tree) -> tuple[bool, float | None]:
    """Whether control groups are told, and the tightest quota of ours and those above it."""
    groups = list(cpu_groups(tree))
    cores = [(_v2 if version == 2 else _v1)(tree, folder) for version, folder in groups]
    return bool(groups), min((value for value in cores if value is not None), default=None)


def _v2(tree: Tree, folder: str) -> float | None:
    allowed, _, period = (tree.text(f"{folder}/cpu.max") or "").partition(" ")
    return int(allowed) / int(period) if allowed.isdigit() and period.isdigit() else None


def _v1(tree: Tree, folder: str) -> float | None:
    allowed = tree.integer(f"{folder}/cpu.cfs_quota_us")
    period = tree.integer(f"{folder}/cpu.cfs_period_us")
    return allowed / period if allowed and period and allowed > 0 else None
