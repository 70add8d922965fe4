"""Runs on disk: the spec as given, the journal, every sample, and the result."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.errors import ArgumentError
from runner.store.drafts import NAMES, appearing, name_of
from runner.store.files import append_durably, make_folder, sync_folder, write_durably
from runner.store.journal import Journal
from runner.store.sealing import is_intact, sealed

_BYTES_PER_SAMPLE = 8
_PLAN = "plan.json"
_RESULT = "result.json"


@dataclass(frozen=True)
class SampleRange:
    """Where one process's samples stand, counted in samples from the start of a file.

    Attributes:
        crc32: of their bytes; None where an older version did not note it.
    """

    file: str
    first: int
    count: int
    crc32: int | None = None


@dataclass(frozen=True)
class Run:
    """One run's folder.

    Attributes:
        experiment_key: what is timed and how; a run with the same key can be continued.
        arms: the names of all arms; an arm's place is the name of its samples' file, for good.
    """

    folder: Path
    experiment_key: str
    arms: tuple[str, ...]

    @property
    def run_id(self) -> str:
        """The folder's name: when the run began, and a part of its key."""
        return self.folder.name

    @property
    def name(self) -> str:
        """`spec/run-id`, as `retime runs` has it."""
        return f"{self.folder.parent.name}/{self.run_id}"

    @property
    def journal(self) -> Journal:
        """What happened so far."""
        return Journal(self.folder / "journal.jsonl")

    @property
    def logs(self) -> Path:
        """The folder of the stages' own output."""
        return self.folder / "logs"

    @property
    def schedule_seed(self) -> int:
        """Decides the order and the layout of every block; drawn once, when the run began."""
        plan = _read_plan(self.folder)
        return int(plan["schedule_seed"]) if plan else 0

    def begin_stay(
        self, spec: bytes, others: Sequence[tuple[str, str]] = (), *, host: Mapping[str, Any]
    ) -> None:
        """Notes that work on the run begins, or goes on, and with which spec.

        Args:
            others: name and text of what took part beside the spec's file.
        """
        write_durably(self.folder / "spec.yaml", spec)
        beside = {"beside_spec": [{"name": name, "text": text} for name, text in others]}
        self.journal.append("started", host=host, **(beside if others else {}))

    def beginnings(self) -> tuple[str, dict[str, Any]]:
        """When work on the run first began, and on which machine in which state."""
        first = next(event for event in self.journal.events() if event["event"] == "started")
        return first["time"], first["host"]

    def hosts(self) -> list[dict[str, Any]]:
        """The machine as it was at the beginning of each stay in the run."""
        return [event["host"] for event in self.journal.events() if event["event"] == "started"]

    def result(self) -> dict[str, Any] | None:
        """The result of a run that was finished, if it is there and as it was then.

        What takes part in a run is kept, so that a result that is damaged, or whose reports were
        not written any more, is put together again and nothing is measured for it.
        """
        is_finished = self.journal.last("finished") is not None
        return read_result(self.folder) if is_finished else None

    def write_result(self, result: Mapping[str, Any]) -> Path:
        """Replaces the result, durably."""
        path = self.folder / _RESULT
        write_durably(path, json.dumps(result, indent=1, allow_nan=False) + "\n")
        return path

    def finish(self, *, proven: bool) -> None:
        """Notes that the result, and all that is made of it, is written."""
        sha256 = _sha256(self.folder / _RESULT)
        self.journal.append("finished", proven=proven, sha256=sha256)

    def append_samples(self, arm: str, source: Path) -> SampleRange:
        """Adds a process's samples to its arm's file and returns when they are on the disk.

        Args:
            source: a file of little-endian int64 nanoseconds.

        Raises:
            OSError: the disk is full or refuses; the file is as before.
        """
        data = source.read_bytes()
        path = self.samples_path(arm)
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            end = size - size % _BYTES_PER_SAMPLE
            try:
                append_durably(descriptor, end, data)
            finally:
                if is_new:
                    sync_folder(path.parent)
        finally:
            os.close(descriptor)
        name = str(path.relative_to(self.folder))
        count = len(data) // _BYTES_PER_SAMPLE
        return SampleRange(name, end // _BYTES_PER_SAMPLE, count, zlib.crc32(data))

    def read_samples(self, where: SampleRange) -> bytes:
        """The samples of one process, little-endian int64 nanoseconds.

        Short if some are lost; none if they are not what they were.
        """
        try:
            with (self.folder / where.file).open("rb") as file:
                file.seek(where.first * _BYTES_PER_SAMPLE)
                data = file.read(where.count * _BYTES_PER_SAMPLE)
        except FileNotFoundError:
            return b""
        return data if where.crc32 in (None, zlib.crc32(data)) else b""

    def samples_path(self, arm: str) -> Path:
        """The file of an arm's samples."""
        return self.folder / "samples" / f"{self.arms.index(arm):02d}.i64"

    @property
    def scratch_folder(self) -> Path:
        """Where `scratch` is, while there is one."""
        return self.folder / "scratch"

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for files on their way, emptied before and removed after."""
        folder = self.scratch_folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class RunStore:
    """All runs of one spec's name, below `runs/<name>/`."""

    def __init__(self, root: Path, name: str) -> None:
        self.folder = root / name

    def latest(self, experiment_key: str) -> Run | None:
        """The newest run of this experiment, finished or not."""
        for folder in sorted(self.folder.glob(NAMES), reverse=True):
            plan = _read_plan(folder)
            if plan is not None and plan.get("experiment_key") == experiment_key:
                return Run(folder, experiment_key, tuple(plan["arms"]))
        return None

    def last_time(self, before: str = "") -> str:
        """When any of the runs last noted something, before an instant; empty if none did."""
        journals = (Journal(folder / "journal.jsonl") for folder in self.folder.glob(NAMES))
        return max((journal.last_time(before) for journal in journals), default="")

    def create(self, experiment_key: str, plan: Mapping[str, Any]) -> Run:
        """A new run's folder, which appears with all that it needs; for whoever holds the store's.

        Args:
            plan: holds at least `arms` and `schedule_seed`.
        """
        suffix = f"{experiment_key[:6]}{secrets.token_hex(1)}"
        with appearing(self.folder, suffix) as draft:
            run_id = name_of(draft)
            for name in ("samples", "logs"):
                make_folder(draft / name)
            record = {**plan, "experiment_key": experiment_key, "run_id": run_id}
            # What a damaged plan is restored from.
            needed = {name: record[name] for name in ("arms", "schedule_seed", "experiment_key")}
            Journal(draft / "journal.jsonl").append("created", **needed, run_id=run_id)
            write_durably(draft / _PLAN, json.dumps(sealed(record), indent=1))
        return Run(self.folder / run_id, experiment_key, tuple(plan["arms"]))


def read_result(folder: Path) -> dict[str, Any] | None:
    """The result in a run's folder; None if there is none, or it is not as it was written.

    Where the journal does not say how it was, such as in a copy without one, it is taken as it is.
    """
    path = folder / _RESULT
    if not path.exists():
        return None
    ends = Journal(folder / "journal.jsonl").last("finished") or {}
    if ends.get("sha256", "") not in ("", _sha256(path)):
        return None
    return read_json(path)


def damage_of_result(folder: Path) -> ArgumentError | None:
    """That the result in a run's folder, or the newest in a folder of runs, is damaged; or None."""
    newest = next((one for one in _candidates(folder) if (one / _RESULT).exists()), None)
    if newest is None or read_result(newest) is not None:
        return None
    return ArgumentError(
        "the result is damaged",
        where=str(newest / _RESULT),
        why="it is not what the journal says was written",
        remedy="bench the same spec again: it is put together from the journal and the samples, "
        "and nothing is measured for that",
    )


def newest_result(folder: Path) -> tuple[dict[str, Any], Path] | None:
    """The result in a run's folder, or the newest one in a folder of runs; and where it is.

    One that is damaged is none.
    """
    for candidate in _candidates(folder):
        result = read_result(candidate)
        if result is not None and result.get("format") == 1:
            return result, candidate
    return None


def _candidates(folder: Path) -> Iterator[Path]:
    """The folder itself, and those of runs in it, the newest first."""
    yield folder
    yield from sorted(folder.glob(NAMES), reverse=True)


def was_cut_short(result: Mapping[str, Any]) -> bool:
    """Whether a result does not stand, since its timing was cut short: the same command goes on."""
    return result["blocks"]["stopped"] in {"disturbed", "deadline"}


def _read_plan(folder: Path) -> dict[str, Any] | None:
    """The plan of a run; one that is damaged is restored from the journal."""
    path = folder / _PLAN
    plan = read_json(path)
    # An older version's plan has no seal.
    if plan is not None and (is_intact(plan) or "sha256" not in plan):
        return plan
    events = Journal(folder / "journal.jsonl").events() if path.exists() else iter(())
    created = next((event for event in events if event["event"] == "created"), None)
    if created is None:
        return None
    kept = {name: value for name, value in created.items() if name not in ("time", "event")}
    write_durably(path, json.dumps(sealed(kept), indent=1))
    return kept


def _sha256(path: Path) -> str | None:
    """None where it can't be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object in a file; None if there is none, or not a whole one."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
