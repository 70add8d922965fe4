"""What is at work now: one small file a process, which only counts while that process lives.

Whoever works notes how far it is; `retime status` and `retime watch` read that from elsewhere. The
notes are no record of anything: a note that can't be written is left out.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# No name of a spec begins so.
_FOLDER = "_now"
_EVERY_S = 1.0


class ActivityNote:
    """This process's note. To be used as a context manager, which takes it away.

    Args:
        root: the folder of all runs.
        fields: what does not change while it works.
    """

    def __init__(self, root: Path, fields: Mapping[str, Any]) -> None:
        self._path = root / _FOLDER / f"{os.getpid()}.json"
        self._fields = {**fields, "pid": os.getpid(), "process": _process_id(os.getpid())}
        self._written = -_EVERY_S

    def __enter__(self) -> ActivityNote:
        """Writes it for the first time, and takes away those of processes that are gone."""
        with contextlib.suppress(OSError):
            for path, _ in _notes(self._path.parent, alive=False):
                path.unlink(missing_ok=True)
            for draft in self._path.parent.glob("*.draft"):
                # Whoever still writes one has a note already, or will write another.
                if not draft.with_suffix(".json").exists():
                    draft.unlink(missing_ok=True)
        self.write({}, now=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Takes it away."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def write(self, progress: Mapping[str, Any], *, now: bool = False) -> None:
        """Replaces the note, at most once a second unless `now`; it is not synced."""
        if not now and time.monotonic() - self._written < _EVERY_S:
            return
        self._written = time.monotonic()
        record = {**self._fields, **progress, "updated": time.time()}
        draft = self._path.with_suffix(".draft")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(record), encoding="utf-8")
            draft.replace(self._path)


def activities(root: Path) -> list[dict[str, Any]]:
    """The notes of processes that live on this machine, the oldest first.

    Args:
        root: the folder of all runs.
    """
    found = [note for _, note in _notes(root / _FOLDER, alive=True)]
    return sorted(found, key=lambda note: str(note.get("since", "")))


def _notes(folder: Path, *, alive: bool) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in folder.glob("*.json"):
        note: Any = None
        with contextlib.suppress(OSError, ValueError):
            note = json.loads(path.read_text(encoding="utf-8"))
        pid = int(path.stem) if path.stem.isdigit() else 0
        is_whole = isinstance(note, dict) and note.get("pid") == pid
        lives = is_whole and note["process"] == _process_id(pid)
        if lives is alive:
            yield path, note


def _process_id(pid: int) -> str | None:
    """What tells a process from a later one with the same number; None if there is none."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    # The name, in brackets, may hold spaces; the start time is the 20th field behind it.
    return f"{boot}/{stat.rpartition(')')[2].split()[19]}"
