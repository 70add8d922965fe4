"""The experiment as its journal tells it: what was taken, what counts, where to go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.analysis.percentiles import Percentiles
from runner.analysis.pilot import PilotFindings, PilotProcess
from runner.analysis.summaries import ProcessSummary, summarize_process
from runner.steps.retrying import TRANSIENT
from runner.store.runs import Run, SampleRange
from runner.timing.experiment import Earlier
from runner.timing.host import Conditions
from runner.timing.protocol import Arm
from runner.units import NS_PER_S

# Why a block was done again, where the line that told it is damaged.
_UNKNOWN = "a reason that was lost"


@dataclass
class Ledger:
    """What the journal holds about timing.

    Attributes:
        pilot: None until the pilot has ended.
        pilot_processes: (block, arm) -> what the journal says of it, of the pilot.
        pilot_attempt: how often a block of the pilot was begun before.
        arms: arm's name -> block -> its process, of valid blocks only.
        percentiles: arm's name -> the percentiles of the same processes.
        open_arms: arms that ran in the current attempt of the block that is under way.
        begun: the machine's condition when that attempt, or one of the pilot, began; None between.
        grown: by how much its counters had grown when the attempt's last process ended.
        block: the block that is under way or comes next.
        first_block: the first that counts: earlier ones had too short a warm-up.
        warmup_factor: by how much the warm-up was lengthened.
        attempt: how often it was begun before.
        elapsed_s: time that processes and waits took so far, the pilot's among it.
        timed_s: what processes of attempts since `first_block` took, also those that failed.
        attempts: how many of these were closed.
        in_vain: attempts at the block under way that were disturbed, not only had a failure.
        redone: how many passes were thrown away.
        reasons: why, counted.
        others_cores: of each valid block, how many cores other programs kept busy meanwhile.
        looks: of each result that this experiment had before, how many blocks it rested on.
        failures: arm's name -> how often it failed in a row, by itself.
        killed: arm's name -> how often in a row its process was killed from outside.
        dropped: arm's name -> the error after which it no longer took part.
        lost: processes that do not count, because their samples are not there as they were taken.
        sustained: arm's name -> what the journal says of its run back to back.
    """

    pilot: PilotFindings | None = None
    pilot_processes: dict[tuple[int, str], Mapping[str, Any]] = field(default_factory=dict)
    pilot_attempt: int = 0
    arms: dict[str, dict[int, ProcessSummary]] = field(default_factory=dict)
    percentiles: dict[str, Percentiles] = field(default_factory=dict)
    open_arms: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    begun: Conditions | None = None
    grown: Mapping[str, float] = field(default_factory=dict)
    block: int = 0
    first_block: int = 0
    warmup_factor: int = 1
    attempt: int = 0
    elapsed_s: float = 0.0
    timed_s: float = 0.0
    attempts: int = 0
    in_vain: int = 0
    redone: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    others_cores: list[float] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    sustained: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    lost: int = 0

    @property
    def place(self) -> tuple[int, int]:
        """The block that is under way or comes next, and the attempt at it."""
        return self.block, self.attempt

    @property
    def earlier(self) -> Earlier | None:
        """The attempt under way, if it was begun before an interruption."""
        return None if self.begun is None else Earlier(self.begun, self.grown)

    @property
    def blocks_done(self) -> int:
        """How many valid blocks there are."""
        return self.block - self.first_block

    @property
    def block_s(self) -> float:
        """What an attempt at a block takes, waits aside; 0 where there was none."""
        return self.timed_s / self.attempts if self.attempts else 0.0

    def processes(self) -> list[ProcessSummary]:
        """All processes of valid blocks."""
        return [process for arm in self.arms.values() for process in arm.values()]

    def done_in_pilot(self, index: int) -> set[str]:
        """The arms that a block of the pilot has."""
        return {arm for block, arm in self.pilot_processes if block == index}

    def pilot_sample(self) -> list[PilotProcess]:
        """The pilot's processes as the analysis takes them."""
        return [
            PilotProcess(
                block=event["block"],
                arm=event["arm"],
                samples_ns=np.array(event["samples_ns"], dtype=np.int64),
                timed_s=event["measurement"]["timed_ns"] / NS_PER_S,
                elapsed_s=event["elapsed_s"],
            )
            for event in self.pilot_processes.values()
        ]

    def taking_part(self, arms: Sequence[Arm]) -> list[Arm]:
        """The arms that were not dropped."""
        return [arm for arm in arms if arm.name not in self.dropped]


def read_ledger(run: Run) -> Ledger:
    """Rebuilds the ledger from a run's journal and samples.

    A line that was damaged on the disk is missing. What it told is told by the lines after it, or
    did not happen.
    """
    ledger = Ledger()
    for event in run.journal.events():
        enter(ledger, event, run)
    return ledger


def enter(ledger: Ledger, event: Mapping[str, Any], run: Run) -> None:
    """Adds one event, just happened or read back: both go the same way."""
    if add := _ENTRIES.get(event["event"]):
        add(ledger, event, run)


def _enter_pilot_begin(ledger: Ledger, event: Mapping[str, Any], _: Run) -> None:
    ledger.begun, ledger.grown = Conditions(**event["conditions"]), {}


def _enter_pilot_process(ledger: Ledger, event: Mapping[str, Any], _: Run) -> None:
    ledger.elapsed_s += event["elapsed_s"]
    _forgive(ledger, event["arm"])
    ledger.grown = event.get("grown", {})
    ledger.pilot_processes[event["block"], event["arm"]] = event


def _close_pilot_block(ledger: Ledger, event: Mapping[str, Any], _: Run) -> None:
    """Where it was disturbed, all of that block's processes go."""
    ledger.elapsed_s += event["failed_s"]
    ledger.begun, ledger.pilot_attempt = None, event["attempt"] + 1
    if event["reasons"]:
        ledger.redone += 1
        ledger.reasons.update(event["reasons"])
        for arm in ledger.done_in_pilot(event["index"]):
            del ledger.pilot_processes[event["index"], arm]


def _enter_findings(ledger: Ledger, event: Mapping[str, Any], _: Run) -> None:
    ledger.pilot, ledger.begun = PilotFindings(**event["findings"]), None


def _enter_wait(ledger: Ledger, event: Mapping[str, Any], _: Run) -> None:
    ledger.elapsed_s += event["seconds"]


def _enter_longer_warmup(ledger: Ledger, event: Mapping[str, Any], _: Run) -> None:
    _start_over(ledger, event["factor"])
    # An older version kept the pilot of the shorter one.
    if event.get("needs_pilot"):
        ledger.pilot, ledger.pilot_processes = None, {}


def _enter_failure(ledger: Ledger, event: Mapping[str, Any], _: Run) -> None:
    """A process that the system refused is held against nobody."""
    kind = event["error"]["kind"]
    if kind not in TRANSIENT:
        ledger.failures[event["arm"]] += 1
    elif kind == "killed":
        ledger.killed[event["arm"]] += 1


def _enter_dropped(ledger: Ledger, event: Mapping[str, Any], _: Run) -> None:
    ledger.dropped[event["arm"]] = event["error"]


def _enter_readmitted(ledger: Ledger, event: Mapping[str, Any], _: Run) -> None:
    _forgive(ledger, event["arm"])


def _forgive(ledger: Ledger, arm: str) -> None:
    """It takes part, also where the line that readmitted it is damaged."""
    ledger.dropped.pop(arm, None)
    ledger.failures.pop(arm, None)
    ledger.killed.pop(arm, None)


def _enter_sustained(ledger: Ledger, event: Mapping[str, Any], _: Run) -> None:
    ledger.sustained[event["arm"]] = event


def _enter_end(ledger: Ledger, event: Mapping[str, Any], run: Run) -> None:
    """Closes a block, unless what came before a damaged line has closed it already."""
    if (event["index"], event["attempt"]) < ledger.place:
        return
    _catch_up(ledger, event["index"], event["attempt"], run)
    _spend(ledger, event.get("failed_s", 0.0))
    _close_block(ledger, event["reasons"], run)
    if not event["reasons"]:
        ledger.others_cores.append(event.get("others_cores", 0.0))
    is_disturbed = event.get("disturbed", bool(event["reasons"]))
    ledger.in_vain = ledger.in_vain + 1 if is_disturbed else 0


def _enter_finish(ledger: Ledger, _: Mapping[str, Any], __: Run) -> None:
    """A result was shown; one that only its files were made anew of is no further look."""
    if ledger.blocks_done not in {0, *ledger.looks}:
        ledger.looks.append(ledger.blocks_done)


def _enter_begin(ledger: Ledger, event: Mapping[str, Any], run: Run) -> None:
    _catch_up(ledger, event.get("index", 0), event.get("attempt", 0), run)
    factor = event.get("warmup_factor", ledger.warmup_factor)
    if factor != ledger.warmup_factor:
        _start_over(ledger, factor)
    ledger.begun, ledger.grown = Conditions(**event["conditions"]), {}


def _enter_process(ledger: Ledger, event: Mapping[str, Any], run: Run) -> None:
    _catch_up(ledger, event["block"], event["attempt"], run)
    _spend(ledger, event["elapsed_s"])
    _forgive(ledger, event["arm"])
    if (event["block"], event["attempt"]) == ledger.place:
        ledger.open_arms[event["arm"]] = event
        ledger.grown = event.get("grown", {})


def _spend(ledger: Ledger, seconds: float) -> None:
    ledger.elapsed_s += seconds
    ledger.timed_s += seconds


def _catch_up(ledger: Ledger, block: int, attempt: int, run: Run) -> None:
    """Closes what must have been closed, since the journal goes on behind it."""
    if block > ledger.block:
        _close_block(ledger, (), run)
        ledger.block, ledger.attempt = block, attempt
    elif (block, attempt) > ledger.place:
        _close_block(ledger, [_UNKNOWN], run)
        ledger.attempt = attempt


def _start_over(ledger: Ledger, warmup_factor: int) -> None:
    """What was timed before had not settled: none of it is compared with what comes now."""
    ledger.arms, ledger.percentiles, ledger.first_block = {}, {}, ledger.block
    ledger.timed_s, ledger.attempts, ledger.others_cores, ledger.looks = 0.0, 0, [], []
    ledger.warmup_factor = warmup_factor


def _close_block(ledger: Ledger, reasons: Sequence[str], run: Run) -> None:
    ledger.attempts += 1
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
    where = SampleRange(
        process["file"], process["first"], process["count"], process.get("samples_crc32")
    )
    samples = decode_samples(run.read_samples(where))
    if len(samples) != where.count:
        # A power cut took the end of the file, or the disk flipped a bit: without its samples a
        # process did not happen.
        ledger.lost += 1
        return
    ledger.percentiles.setdefault(process["arm"], Percentiles()).add(samples)
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


_ENTRIES: Mapping[str, Callable[[Ledger, Mapping[str, Any], Run], None]] = {
    "pilot_begun": _enter_pilot_begin,
    "pilot_process": _enter_pilot_process,
    "pilot_block": _close_pilot_block,
    "pilot": _enter_findings,
    "waited": _enter_wait,
    "warmup_lengthened": _enter_longer_warmup,
    "failed": _enter_failure,
    "dropped": _enter_dropped,
    "readmitted": _enter_readmitted,
    "block_begun": _enter_begin,
    "process": _enter_process,
    "block": _enter_end,
    "sustained": _enter_sustained,
    "finished": _enter_finish,
}
