"""Runs on disk: the spec as given, the journal, every sample, and the result."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from runner.store.files import append_durably, sync_folder, write_durably
from runner.store.journal import Journal

_BYTES_PER_SAMPLE = 8


@dataclass(frozen=True)
class SampleRange:
    """Where one process's samples stand, counted in samples from the start of a file."""

    file: str
    first: int
    count: int


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
        plan = _read_json(self.folder / "plan.json")
        return int(plan["schedule_seed"]) if plan else 0

    def begin_stay(
        self, spec: bytes, others: Sequence[tuple[str, str]] = (), *, host: Mapping[str, Any]
    ) -> None:
        """Notes that work on the run begins, or goes on, and with which spec.

        Args:
            others: name and text of what took part beside the spec's file.
        """
        (self.folder / "spec.yaml").write_bytes(spec)
        beside = {"beside_spec": [{"name": name, "text": text} for name, text in others]}
        self.journal.append("started", host=host, **(beside if others else {}))

    def beginnings(self) -> tuple[str, dict[str, Any]]:
        """When work on the run first began, and on which machine in which state."""
        first = next(event for event in self.journal.events() if event["event"] == "started")
        return first["time"], first["host"]

    def result(self) -> dict[str, Any] | None:
        """The result, if it is there and whole."""
        return _read_json(self.folder / "result.json")

    def write_result(self, result: Mapping[str, Any]) -> Path:
        """Replaces the result, durably."""
        path = self.folder / "result.json"
        write_durably(path, json.dumps(result, indent=1, allow_nan=False) + "\n")
        return path

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
        return SampleRange(name, end // _BYTES_PER_SAMPLE, len(data) // _BYTES_PER_SAMPLE)

    def read_samples(self, where: SampleRange) -> bytes:
        """The samples of one process, little-endian int64 nanoseconds; short if some are lost."""
        try:
            with (self.folder / where.file).open("rb") as file:
                file.seek(where.first * _BYTES_PER_SAMPLE)
                return file.read(where.count * _BYTES_PER_SAMPLE)
        except FileNotFoundError:
            return b""

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
        for folder in sorted(self.folder.glob("*-*"), reverse=True):
            plan = _read_json(folder / "plan.json")
            if plan is not None and plan.get("experiment_key") == experiment_key:
                return Run(folder, experiment_key, tuple(plan["arms"]))
        return None

    def create(self, experiment_key: str, plan: Mapping[str, Any]) -> Run:
        """A new run's folder; `plan.json` is written last, so that a half-made folder is no run.

        Args:
            plan: holds at least `arms` and `schedule_seed`.
        """
        now = datetime.now(timezone.utc)
        run_id = f"{now:%Y%m%d-%H%M%S}-{experiment_key[:6]}{secrets.token_hex(1)}"
        folder = self.folder / run_id
        (folder / "samples").mkdir(parents=True)
        (folder / "logs").mkdir()
        run = Run(folder, experiment_key, tuple(plan["arms"]))
        write_durably(
            folder / "plan.json",
            json.dumps({**plan, "experiment_key": experiment_key, "run_id": run_id}, indent=1),
        )
        return run


def newest_result(folder: Path) -> tuple[dict[str, Any], Path] | None:
    """The result in a run's folder, or the newest one in a folder of runs; and where it is."""
    for candidate in (folder, *sorted(folder.glob("*-*"), reverse=True)):
        result = _read_json(candidate / "result.json")
        if result is not None and result.get("format") == 1:
            return result, candidate
    return None


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
