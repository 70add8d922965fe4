"""Whether the disk can take what a bench would write, known before anything is built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.analysis.forecast import foresee_samples
from runner.errors import EnvironmentUnusableError
from runner.plan.records import Plan
from runner.report.plan import Outlook
from runner.report.room import Room, room_sentence
from runner.spec.model import Spec
from runner.store.files import free_bytes, nearest_existing
from runner.store.runs import Run, newest_result
from runner.units import NS_PER_S, format_bytes

# A training keeps its variables, its optimizer's and its best weights until it has ended.
_CHECKPOINTS = 3
_TRAINING = ("train", "compress")
_WORKERS = 2
# Stages that make a copy of a file, or something about as large.
_COPIES = ("adopt", "load")


@dataclass(frozen=True)
class _Writing:
    folder: Path
    by_stage: Mapping[str, int | None] = field(default_factory=dict)
    checkpoints_bytes: int = 0
    samples_bytes: int = 0


def foresee_room(
    spec: Spec, plan: Plan, outlook: Outlook, run: Run | None, cache: Path, runs: Path
) -> tuple[Room, ...]:
    """What a bench would write, for each file system that it writes to.

    Args:
        outlook: of the same spec and plan.
        run: the one that would go on, if there is one.
        cache: the folder of artifacts.
        runs: the folder of all runs of this spec.
    """
    sizes = {one.key: _copied_bytes(plan, one.key) or one.bytes for one in outlook.to_run}
    training = sorted(one.bytes or 0 for one in outlook.to_run if one.kind in _TRAINING)
    checkpoints = _CHECKPOINTS * sum(training[-_WORKERS:])
    by_disk: dict[int, list[_Writing]] = {}
    for writing in (
        _Writing(cache, sizes, checkpoints),
        _Writing(runs, samples_bytes=_samples_bytes(spec, outlook, run, runs)),
    ):
        by_disk.setdefault(_disk_of(writing.folder), []).append(writing)
    return tuple(map(_room, by_disk.values()))


def sum_rooms(benches: Iterable[Sequence[Room]], folders: Sequence[Path]) -> tuple[Room, ...]:
    """What several benches, one after the other, would write to each file system.

    What several of them need is made once, and checkpoints of one are gone before the next begins.

    Args:
        benches: the rooms of each.
        folders: below which all of it would be written.
    """
    rooms: dict[int, list[Room]] = {}
    for room in (room for bench in benches for room in bench):
        rooms.setdefault(_disk_of(Path(room.folders[0])), []).append(room)
    names: dict[int, list[str]] = {}
    for folder in folders:
        names.setdefault(_disk_of(folder), []).append(str(folder))
    return tuple(
        _sum(rooms[disk], tuple(names.get(disk, rooms[disk][0].folders))) for disk in rooms
    )


def _sum(rooms: Sequence[Room], folders: tuple[str, ...]) -> Room:
    by_stage = {key: size for room in rooms for key, size in room.by_stage.items()}
    checkpoints = max(room.checkpoints_bytes for room in rooms)
    return Room(
        folders=folders,
        artifacts_bytes=sum(filter(None, by_stage.values())) + checkpoints,
        samples_bytes=sum(room.samples_bytes for room in rooms),
        unknown_stages=list(by_stage.values()).count(None),
        free_bytes=min(room.free_bytes for room in rooms),
        by_stage=by_stage,
        checkpoints_bytes=checkpoints,
    )


def _disk_of(folder: Path) -> int:
    return nearest_existing(folder).stat().st_dev


def check_room(rooms: Iterable[Room]) -> None:
    """Refuses to begin what can't be finished.

    Raises:
        EnvironmentUnusableError: what is known to be needed is more than what is free.
    """
    for room in rooms:
        if not room.is_enough:
            raise EnvironmentUnusableError(
                f"not enough room: {format_bytes(room.need_bytes)} are needed, "
                f"and {format_bytes(room.free_bytes)} are free",
                where=" and ".join(room.folders),
                why=room_sentence(room),
                remedy="free some (retime cache prune removes artifacts), or name folders "
                "elsewhere with --runs and --cache; nothing was begun",
            )


def _room(writings: Sequence[_Writing]) -> Room:
    by_stage = {key: size for one in writings for key, size in one.by_stage.items()}
    checkpoints = sum(one.checkpoints_bytes for one in writings)
    return Room(
        folders=tuple(str(one.folder) for one in writings),
        artifacts_bytes=sum(filter(None, by_stage.values())) + checkpoints,
        samples_bytes=sum(one.samples_bytes for one in writings),
        unknown_stages=list(by_stage.values()).count(None),
        free_bytes=free_bytes(writings[0].folder),
        by_stage=by_stage,
        checkpoints_bytes=checkpoints,
    )


def _copied_bytes(plan: Plan, key: str) -> int | None:
    """The size of the file that a stage takes over; None where it makes something of its own."""
    stage = plan.stages[key]
    path = Path(stage.params["file"]) if stage.kind in _COPIES else None
    return path.stat().st_size if path and path.is_file() else None


def _samples_bytes(spec: Spec, outlook: Outlook, run: Run | None, runs: Path) -> int:
    timing = outlook.timing
    if timing.is_finished:
        return 0
    results = [run.result() if run else None, (newest_result(runs) or (None, None))[0]]
    known = next((one for one in results if one is not None), None)
    return foresee_samples(
        timing.forecast,
        blocks_done=timing.blocks_done,
        runs=known["blocks"]["runs_per_process"] if known else None,
        sustained_s=spec.measure.sustained_s or 0.0,
        run_s=_shortest_s(known) if known else 0.0,
    )


def _shortest_s(result: dict[str, Any]) -> float:
    """The latency of the fastest variant of an earlier result; 0 where none was timed."""
    latencies = [one["latency_ns"]["median"] for one in result["variants"] if one["latency_ns"]]
    return min(latencies, default=0.0) / NS_PER_S
