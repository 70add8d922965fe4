"""An append-only file of events, one JSON object a line; what is in it happened."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from runner.store.files import append_durably, sync_folder


class Journal:
    """Appends events durably, and reads them back.

    A line without its newline was torn by a crash: it is not an event, and the next append writes
    over it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, event: str, **fields: Any) -> None:
        """Writes one event and returns when it is on the disk.

        Raises:
            OSError: the disk is full or refuses; the journal is as before.
        """
        record = {"time": now(), "event": event, **fields}
        line = json.dumps(record, separators=(",", ":"), allow_nan=False) + "\n"
        is_new = not self._path.exists()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            append_durably(descriptor, _whole_length(descriptor), line.encode("utf-8"))
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(self._path.parent)

    def events(self) -> Iterator[dict[str, Any]]:
        """Every whole event, in the order they happened; none if there is no journal yet."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict) and "event" in event:
                    yield event


def now() -> str:
    """This instant as journals and results write it: ISO 8601, UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def _whole_length(descriptor: int) -> int:
    """The file's length up to and with its last newline."""
    size = os.fstat(descriptor).st_size
    position, step = size, 4096
    while position > 0:
        start = max(0, position - step)
        chunk = os.pread(descriptor, position - start, start)
        found = chunk.rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0
