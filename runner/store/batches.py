"""Batches on disk: which specs were asked for together, and what became of each."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.store.drafts import NAMES, appearing, name_of
from runner.store.files import write_durably
from runner.store.journal import Journal
from runner.store.locks import folder_lock
from runner.store.runs import read_json

# No name of a spec begins so.
_FOLDER = "_batches"


@dataclass(frozen=True)
class Batch:
    """One batch's folder.

    Attributes:
        specs: the paths as they were asked for, in that order.
        key: of the specs' places and the settings; the same command again finds the batch by it.
    """

    folder: Path
    specs: tuple[str, ...]
    key: str

    @property
    def batch_id(self) -> str:
        """The folder's name: when the batch began, and a part of its key."""
        return self.folder.name

    @property
    def journal(self) -> Journal:
        """What happened so far."""
        return Journal(self.folder / "journal.jsonl")

    @property
    def is_over(self) -> bool:
        """Whether it came to its end, so that the same command begins a new one."""
        over = False
        for event in self.journal.events():
            # What else is noted, as of a command at the end, is no work.
            if event["event"] in {"started", "ended"}:
                over = event["event"] == "ended" and event["reason"] == "done"
        return over

    def write_summary(self, name: str, text: str) -> Path:
        """Replaces one of the files that sum the batch up, durably."""
        path = self.folder / name
        write_durably(path, text)
        return path


class BatchStore:
    """All batches, below the folder of all runs."""

    def __init__(self, root: Path) -> None:
        self.folder = root / _FOLDER

    def lock_folder(self, key: str) -> Path:
        """What whoever works on the batch of a key holds."""
        return self.folder / "locks" / key[:12]

    def latest(self, key: str | None = None) -> Batch | None:
        """The newest batch; the newest of these specs and settings, with a key."""
        for folder in sorted(self.folder.glob(NAMES), reverse=True):
            batch = read_batch(folder)
            if batch is not None and key in {None, batch.key}:
                return batch
        return None

    def create(self, key: str, specs: Sequence[str]) -> Batch:
        """A new batch's folder, which appears whole and is the newest, whatever the clock says."""
        suffix = f"{key[:6]}{secrets.token_hex(1)}"
        # Batches of other specs may begin at this moment; none takes longer than that.
        with (
            folder_lock(self.folder, lambda _: None, on_lockless=lambda _: None),
            appearing(self.folder, suffix) as draft,
        ):
            folder = self.folder / name_of(draft)
            record = {"format": 1, "batch_id": folder.name, "key": key, "specs": list(specs)}
            write_durably(draft / "batch.json", json.dumps(record, indent=1) + "\n")
        return Batch(folder, tuple(specs), key)


def read_batch(folder: Path) -> Batch | None:
    """The batch in a folder; None if there is none."""
    record: Mapping[str, Any] | None = read_json(folder / "batch.json")
    if record is None or record.get("format") != 1:
        return None
    return Batch(folder, tuple(record["specs"]), record["key"])


def batch_key(specs: Sequence[Path], settings: Sequence[str]) -> str:
    """The key of a batch: where its specs are, in any order, and what is set in all of them."""
    places = sorted(str(path.resolve()) for path in specs)
    return hashlib.sha256(json.dumps([places, list(settings)]).encode()).hexdigest()
