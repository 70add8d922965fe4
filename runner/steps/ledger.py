"""The experiment as its journal tells it: what was taken, what counts, where to go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.analysis.pilot import PilotFindings, PilotProcess
from runner.analysis.summaries import ProcessSummary, summarize_process
from runner.store.runs import Run, SampleRange
from runner.timing.host import Conditions
from runner.timing.protocol import Arm


@dataclass
class Ledger:
    """What the journal holds about timing.

    Attributes:
        pilot: None until the pilot has ended.
        pilot_processes: (block, arm) -> what the journal says of it, of the pilot.
        start: the machine's condition when the pilot had ended.
        arms: arm's name -> block -> its process, of valid blocks only.
        open_arms: arms that ran in the current attempt of the block that is under way.
        begun: the machine's condition when that attempt began; None between blocks.
        block: the block that is under way or comes next.
        first_block: the first that counts: earlier ones had too short a warm-up.
        warmup_factor: by how much the warm-up was lengthened.
        attempt: how often it was begun before.
        elapsed_s: time that processes and waits took so far, the pilot's among it.
        redone: how many passes were thrown away.
        reasons: why, counted.
        failures: arm's name -> how often it failed in a row.
        dropped: arm's name -> the error after which it no longer took part.
        sustained: arm's name -> what the journal says of its run back to back.
    """

    pilot: PilotFindings | None = None
    pilot_processes: dict[tuple[int, str], Mapping[str, Any]] = field(default_factory=dict)
    start: Conditions | None = None
    arms: dict[str, dict[int, ProcessSummary]] = field(default_factory=dict)
    open_arms: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    begun: Conditions | None = None
    block: int = 0
    first_block: int = 0
    warmup_factor: int = 1
    attempt: int = 0
    elapsed_s: float = 0.0
    redone: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    sustained: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def blocks_done(self) -> int:
        """How many valid blocks there are."""
        return self.block - self.first_block

    def processes(self) -> list[ProcessSummary]:
        """All processes of valid blocks."""
        return [process for arm in self.arms.values() for process in arm.values()]

    def pilot_sample(self) -> list[PilotProcess]:
        """The pilot's processes as the analysis takes them."""
        return [
            PilotProcess(
                block=event["block"],
                arm=event["arm"],
                samples_ns=np.array(event["samples_ns"], dtype=np.int64),
                elapsed_s=event["elapsed_s"],
            )
            for event in self.pilot_processes.values()
        ]

    def taking_part(self, arms: Sequence[Arm]) -> list[Arm]:
        """The arms that were not dropped."""
        return [arm for arm in arms if arm.name not in self.dropped]


def read_ledger(run: Run) -> Ledger:
    """Rebuilds the ledger from a run's journal and samples."""
    ledger = Ledger()
    for event in run.journal.events():
        enter(ledger, event, run)
    return ledger


def enter(ledger: Ledger, event: Mapping[str, Any], run: Run) -> None:
    """Adds one event, just happened or read back: both go the same way."""
    match event["event"]:
        case "pilot_process":
            _enter_pilot(ledger, event)
        case "pilot":
            ledger.pilot = PilotFindings(**event["findings"])
            ledger.start = Conditions(**event["conditions"])
        case "waited":
            ledger.elapsed_s += event["seconds"]
        case "warmup_lengthened":
            _start_over(ledger, event["factor"])
        case "failed" | "dropped":
            _enter_failure(ledger, event)
        case "block_begun":
            ledger.begun = Conditions(**event["conditions"])
        case "process":
            _enter_process(ledger, event)
        case "block" if event["index"] == ledger.block:
            _close_block(ledger, event["reasons"], run)
        case "sustained":
            ledger.sustained[event["arm"]] = event
        case _:
            pass


def _enter_pilot(ledger: Ledger, event: Mapping[str, Any]) -> None:
    ledger.elapsed_s += event["elapsed_s"]
    ledger.failures.pop(event["arm"], None)
    ledger.pilot_processes[event["block"], event["arm"]] = event


def _enter_process(ledger: Ledger, event: Mapping[str, Any]) -> None:
    ledger.elapsed_s += event["elapsed_s"]
    ledger.failures.pop(event["arm"], None)
    if (event["block"], event["attempt"]) == (ledger.block, ledger.attempt):
        ledger.open_arms[event["arm"]] = event


def _enter_failure(ledger: Ledger, event: Mapping[str, Any]) -> None:
    if event["event"] == "failed":
        ledger.failures[event["arm"]] += 1
    else:
        ledger.dropped[event["arm"]] = event["error"]


def _start_over(ledger: Ledger, warmup_factor: int) -> None:
    """What was timed before had not settled: none of it is compared with what comes now."""
    ledger.arms, ledger.first_block = {}, ledger.block
    ledger.warmup_factor = warmup_factor


def _close_block(ledger: Ledger, reasons: Sequence[str], run: Run) -> None:
    if reasons:
        ledger.redone += 1
        ledger.reasons.update(reasons)
        ledger.attempt += 1
    else:
        for process in ledger.open_arms.values():
            _count(ledger, process, run)
        ledger.block += 1
        ledger.attempt = 0
    ledger.open_arms, ledger.begun = {}, None


def _count(ledger: Ledger, process: Mapping[str, Any], run: Run) -> None:
    measured = process["measurement"]
    where = SampleRange(process["file"], process["first"], process["count"])
    samples = decode_samples(run.read_samples(where))
    if len(samples) != where.count:
        # A power cut took the end of the file: without its samples a process did not happen.
        return
    ledger.arms.setdefault(process["arm"], {})[process["block"]] = summarize_process(
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
    return np.frombuffer(data[: len(data) - len(data) % 8], dtype="<i8").astype(np.int64)
