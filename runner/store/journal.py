"""An append-only file of events, one JSON object a line; what is in it happened."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any


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
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, **fields}, separators=(",", ":")) + "\n"
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            end = _whole_length(descriptor)
            os.ftruncate(descriptor, end)
            os.lseek(descriptor, end, os.SEEK_SET)
            try:
                _write_all(descriptor, line.encode("utf-8"))
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, end)
                raise
        finally:
            os.close(descriptor)

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


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
