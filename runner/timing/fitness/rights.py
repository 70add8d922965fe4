"""What the kernel permits us. Verdicts need none of it; it is said so that nobody has to guess."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from runner.timing.fitness.findings import Finding, Group
from runner.timing.fitness.tree import Tree
from runner.timing.process import run_module

_TIMEOUT_S = 20.0
_LEVEL = "proc/sys/kernel/randomize_va_space"
_NO_RANDOMIZE = 0x0040000
_FORBIDDEN = {"EACCES", "EPERM"}
_ABSENT = {"ENOENT", "ENODEV", "EOPNOTSUPP", "ENOSYS"}
_RANDOMIZED = 2


def examine_rights(tree: Tree, tried: Mapping[str, str]) -> Group:
    """Looks at permissions.

    Args:
        tried: from `try_rights`.
    """
    return Group(
        "Permissions",
        (
            address_layout(tree),
            counters(tree, tried),
            optional(
                "pinning", tried.get("affinity"), "it holds a process on the core that you choose"
            ),
            optional(
                "real-time priority",
                tried.get("realtime"),
                "it keeps other processes from interrupting a run",
            ),
            optional(
                "locked memory",
                tried.get("memory_lock"),
                "it keeps pages from being taken away between runs",
            ),
        ),
    )


def try_rights(folder: Path) -> Mapping[str, str]:
    """What the kernel said to each thing that was tried: `ok` or an error's name.

    Args:
        folder: an existing one, for a log.
    """
    ended = run_module(
        "runner.timing.fitness.trying", stdin="", log=folder / "trying.log", timeout_s=_TIMEOUT_S
    )
    try:
        tried: dict[str, str] = json.loads(ended.output)
    except ValueError:
        # A sandbox may end a process for asking; then nothing is known.
        return {}
    return tried


def address_layout(tree: Tree) -> Finding:
    """Whether every process gets addresses of its own, which randomised blocks average over."""
    why = "where code and data happen to lie changes speed; fresh processes average over it"
    level = tree.integer(_LEVEL)
    if level is None:
        return Finding("address layout", "unknown", "not told", why)
    if _is_fixed_for_us(tree):
        remedy = "start Retime without setarch -R and outside a debugger"
        return Finding("address layout", "advice", "not random for this process", why, remedy)
    if level >= _RANDOMIZED:
        return Finding("address layout", "good", "random", why)
    found = "partly random" if level else "not random"
    command = "sudo sysctl kernel.randomize_va_space=2"
    return Finding("address layout", "advice", found, why, "let the kernel choose", command)


def has_random_addresses(tree: Tree) -> bool | None:
    """Whether each process that we start has code, stack and heap elsewhere; None where unknown."""
    level = tree.integer(_LEVEL)
    return None if level is None else level >= _RANDOMIZED and not _is_fixed_for_us(tree)


def _is_fixed_for_us(tree: Tree) -> bool:
    """Whether this process, and with it all that it starts, was asked to have the same ones."""
    return bool((tree.integer("proc/self/personality", base=16) or 0) & _NO_RANDOMIZE)


def counters(tree: Tree, tried: Mapping[str, str]) -> Finding:
    """Whether the processor's event counters can be read."""
    why = "they tell more instructions from slower ones; verdicts do not need them"
    said = tried.get("hardware_counters")
    if said == "ok":
        return Finding("event counters", "good", "hardware and software", why)
    if said in _FORBIDDEN:
        level = tree.text("proc/sys/kernel/perf_event_paranoid")
        found = "not permitted" + (f" (perf_event_paranoid {level})" if level else "")
        command = "sudo sysctl kernel.perf_event_paranoid=1"
        return Finding("event counters", "advice", found, why, "permit them", command)
    if said in _ABSENT:
        found = "the processor shows none, as is usual in a virtual machine"
        if tried.get("software_counters") == "ok":
            found = "software only; the processor shows none, as in most virtual machines"
        return Finding("event counters", "unknown", found, why)
    return Finding("event counters", "unknown", _reason(said), why)


def optional(name: str, said: str | None, why: str) -> Finding:
    """A permission without which nothing is lost."""
    why = f"{why}; verdicts do not need it"
    if said == "ok":
        return Finding(name, "good", "permitted", why)
    if said in _FORBIDDEN or said == "ENOMEM":
        return Finding(name, "good", "not permitted, and not needed", why)
    return Finding(name, "unknown", _reason(said), why)


def _reason(said: str | None) -> str:
    return f"could not be tried ({said})" if said else "could not be tried"
