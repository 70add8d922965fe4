"""The blocks that a result rests on: how many, how disturbed, in how many stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from runner.steps.ledger import Ledger
from runner.steps.measuring import Experiment
from runner.store.runs import Run

# What of a machine has to stay as it is, for its latencies to do so.
_SETTLED = (
    *("cpu", "architecture", "cores", "kernel", "governor", "turbo", "virtual_machine"),
    "address_randomization",
)


def record_blocks(experiment: Experiment | None, run: Run) -> dict[str, Any]:
    """Of what a result rests on, as `result.json` holds it.

    Args:
        experiment: None when nothing could be timed.
    """
    damaged_lines = run.journal.damaged_lines()
    if experiment is None:
        return {
            "done": 0,
            "warmup_factor": 1,
            "redone": 0,
            "reasons": {},
            "stopped": "not started",
            "elapsed_s": 0.0,
            "block_s": None,
            "runs_per_process": None,
            "delay_ns": None,
            "load_of_others": None,
            "looks": 0,
            "processes": 0,
            "steady_processes": 0,
            "outliers": 0,
            "lost_processes": 0,
            "damaged_lines": damaged_lines,
        }
    ledger = experiment.ledger
    processes = ledger.processes()
    return {
        "done": ledger.blocks_done,
        "warmup_factor": ledger.warmup_factor,
        "redone": ledger.redone,
        "reasons": dict(ledger.reasons),
        "stopped": experiment.stopped,
        "elapsed_s": round(ledger.elapsed_s, 1),
        "block_s": round(ledger.block_s, 4) or None,
        "runs_per_process": ledger.pilot.runs if ledger.pilot else None,
        "delay_ns": experiment.delay_ns or None,
        "load_of_others": _load(ledger.others_cores),
        "looks": _looks(ledger),
        "processes": len(processes),
        "steady_processes": sum(process.steady for process in processes),
        "outliers": sum(process.outliers for process in processes),
        "host_changes": changes_between(run.hosts()),
        "lost_processes": ledger.lost,
        "damaged_lines": damaged_lines,
    }


def changes_between(hosts: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """What was not the same in all stays, with its values in the order in which they came."""
    seen = {name: list(dict.fromkeys(host.get(name) for host in hosts)) for name in _SETTLED}
    return {name: values for name, values in seen.items() if len(values) > 1}


def _load(cores: Sequence[float]) -> dict[str, float] | None:
    return {"median": float(np.median(cores)), "most": max(cores)} if cores else None


def _looks(ledger: Ledger) -> int:
    """How often there was a result so far, this one among them."""
    return len({*ledger.looks, ledger.blocks_done} - {0})
