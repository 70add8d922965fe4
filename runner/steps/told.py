"""What a run's journal tells beside the samples, read in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.steps.building import DAMAGED
from runner.store.runs import Run

# What a spec can ask of the system, by the names that a measurement has for it.
_CONDITIONS = ("affinity", "priority", "memory_lock", "flush_to_zero")


@dataclass(frozen=True)
class Told:
    """As `result.json` holds it.

    Attributes:
        conditions: arm's name -> what was asked of the system -> whether it is in force, and why
            not. Of each arm's last process: a right is given or taken for good, not from block to
            block.
        repaired: the artifacts that were damaged on the disk and were made again in this run.
        retried: (stage, label) -> a stage that was tried again in this run, how often, and why the
            last time.
    """

    conditions: dict[str, dict[str, str]] = field(default_factory=dict)
    repaired: list[dict[str, Any]] = field(default_factory=list)
    retried: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)


def read_told(run: Run) -> Told:
    """Reads a run's journal."""
    told = Told()
    for event in run.journal.events():
        match event["event"]:
            case "process":
                said = ((name, event["measurement"].get(name)) for name in _CONDITIONS)
                told.conditions[event["arm"]] = {name: text for name, text in said if text}
            case "stage" if event["status"] == DAMAGED:
                told.repaired.append({name: event[name] for name in ("stage", "label", "files")})
            case "stage_retried":
                _count_again(told.retried, event)
            case _:
                pass
    return told


def _count_again(retried: dict[tuple[str, str], dict[str, Any]], event: Mapping[str, Any]) -> None:
    stage, label = event["stage"], event["label"]
    before = retried.get((stage, label), {"count": 0})
    retried[stage, label] = {
        "stage": stage,
        "label": label,
        "count": before["count"] + 1,
        "reason": event["error"]["message"],
    }
