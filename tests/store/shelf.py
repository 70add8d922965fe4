"""A cache and its runs as benches leave them, made by the store itself."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from runner.plan.stages import content_key
from runner.store.artifacts import ArtifactStore
from runner.store.runs import Run, RunStore

DAY_S = 86400.0


@dataclass(frozen=True)
class Shelf:
    """A folder with a cache and results."""

    root: Path

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    def artifact(self, name: str, *, size: int = 1000, used_s: float | None = None) -> str:
        """Makes one; returns its key."""
        store, identity = ArtifactStore(self.cache), {"stage": "train", "params": {"name": name}}
        key = content_key(identity)
        draft = store.draft("train", key)
        (draft / "model.bin").write_bytes(name.encode().ljust(size, b"x"))
        made = store.commit(draft, "train", key, identity=identity, summary={}, seconds=1.0)
        store.tidy()
        if used_s is not None:
            os.utime(made.folder, (used_s, used_s))
        return key

    def run(self, spec: str, *keys: str, finished: bool = True, stopped: str = "precise") -> Run:
        """A run that was planned with these artifacts."""
        plan = {"schedule_seed": 1, "arms": ["a"], "stages": {key: {} for key in keys}}
        run = RunStore(self.runs, spec).create("ab" * 32, plan)
        if finished:
            run.write_result({"format": 1, "blocks": {"stopped": stopped}})
        return run

    def damage(self, key: str) -> Path:
        """Flips a bit in the middle of an artifact's file."""
        path = self.cache / "train" / key / "model.bin"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        return path

    def left(self) -> set[str]:
        """The keys that are still there."""
        return {key for _, key in ArtifactStore(self.cache).addresses()}

    def places(self) -> list[str]:
        """As arguments."""
        return ["--runs", str(self.runs), "--cache", str(self.cache)]


def folder_name(run: Run) -> str:
    """`name/run-id`."""
    return f"{run.folder.parent.name}/{run.run_id}"


def facts(text: str) -> dict[str, object]:
    """A record as a command prints it."""
    record: dict[str, object] = json.loads(text)
    return record
