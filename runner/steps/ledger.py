"""The experiment as its journal tells it: what was taken, what counts, where to go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.analysis.pilot import PilotFindings
from runner.analysis.summaries import ProcessSummary, summarize_process
from runner.store.runs import Run, SampleRange


@dataclass
class Ledger:
    """What the journal holds about timing.

    Attributes:
        pilot: None until the pilot has ended.
        arms: arm's name -> block -> its process, of valid blocks only.
        last: arm's name -> what its last process reported.
        open_arms: arms that ran in the current attempt of the block that is under way.
        block: the block that is under way or comes next.
        attempt: how often it was begun before.
        elapsed_s: time that processes and waits took so far, the pilot's among it.
        redone: how many passes were thrown away.
        reasons: why, counted.
        dropped: arm's name -> the error after which it no longer took part.
    """

    pilot: PilotFindings | None = None
    arms: dict[str, dict[int, ProcessSummary]] = field(default_factory=dict)
    last: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    open_arms: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    block: int = 0
    attempt: int = 0
    elapsed_s: float = 0.0
    redone: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def read_ledger(run: Run, arm_numbers: Mapping[str, int]) -> Ledger:
    """Rebuilds the ledger from a run's journal and samples."""
    ledger = Ledger()
    for event in run.journal.events():
        enter(ledger, event, run, arm_numbers)
    return ledger


def enter(
    ledger: Ledger, event: Mapping[str, Any], run: Run, arm_numbers: Mapping[str, int]
) -> None:
    """Adds one event, just happened or read back: both go the same way."""
    match event["event"]:
        case "pilot_process":
            ledger.elapsed_s += event["elapsed_s"]
        case "waited":
            ledger.elapsed_s += event["seconds"]
        case "pilot":
            ledger.pilot = PilotFindings(**event["findings"])
        case "process":
            ledger.elapsed_s += event["elapsed_s"]
            if (event["block"], event["attempt"]) == (ledger.block, ledger.attempt):
                ledger.open_arms[event["arm"]] = event
        case "block" if event["index"] == ledger.block:
            _close_block(ledger, event, run, arm_numbers)
        case _:
            pass


def _close_block(
    ledger: Ledger, event: Mapping[str, Any], run: Run, arm_numbers: Mapping[str, int]
) -> None:
    ledger.dropped.update(event["dropped"])
    if event["reasons"]:
        ledger.redone += 1
        ledger.reasons.update(event["reasons"])
        ledger.attempt += 1
    else:
        for process in ledger.open_arms.values():
            _count(ledger, process, run, arm_numbers)
        ledger.block += 1
        ledger.attempt = 0
    ledger.open_arms = {}


def _count(
    ledger: Ledger, process: Mapping[str, Any], run: Run, arm_numbers: Mapping[str, int]
) -> None:
    arm, measured = process["arm"], process["measurement"]
    where = SampleRange(process["first"], process["count"])
    samples = decode_samples(run.read_samples(arm_numbers[arm], where))
    ledger.last[arm] = measured
    ledger.arms.setdefault(arm, {})[process["block"]] = summarize_process(
        samples,
        block=process["block"],
        initialization_ns=measured["model_ns"]
        + measured["interpreter_ns"]
        + measured["allocate_ns"],
        first_inference_ns=measured["first_ns"],
        peak_memory_bytes=measured["peak_memory_bytes"],
    )


def decode_samples(data: bytes) -> NDArray[np.int64]:
    """Samples as they stand on disk -> int64 nanoseconds, shape (runs,)."""
    return np.frombuffer(data, dtype="<i8").astype(np.int64)


def valid_names(ledger: Ledger, names: Iterable[str]) -> list[str]:
    """The arms among `names` that still take part."""
    return [name for name in names if name not in ledger.dropped]
