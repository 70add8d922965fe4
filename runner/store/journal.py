"""An append-only file of events, one JSON object a line; what is in it happened."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from runner.store.files import append_durably, sync_folder

_PIECE = 1 << 16
# How a line ends: with the CRC-32 of the object that stands before it.
_SEAL = re.compile(rb',"crc32":"([0-9a-f]{8})"}$')


class Journal:
    """Appends events durably, and reads them back.

    A line without its newline was torn by a crash: it is not an event, and the next append writes
    over it. A line whose checksum is wrong was damaged by the disk: it is left out and counted, and
    what it told is for the reader to do without.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, event: str, **fields: Any) -> None:
        """Writes one event and returns when it is on the disk.

        Raises:
            OSError: the disk is full or refuses; the journal is as before. It names the file.
        """
        record = {"time": now(), "event": event, **fields}
        line = _sealed(json.dumps(record, separators=(",", ":"), allow_nan=False).encode("utf-8"))
        is_new = not self._path.exists()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            append_durably(descriptor, _whole_length(descriptor), line)
        except OSError as error:
            error.filename = error.filename or str(self._path)
            raise
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(self._path.parent)

    def events(self) -> Iterator[dict[str, Any]]:
        """Every whole event, in the order they happened; none if there is no journal yet."""
        return (event for event in self._lines() if event is not None)

    def last(self, event: str) -> dict[str, Any] | None:
        """The newest event of a kind; reads from the end, and takes no other line apart for it."""
        mark = f'"event":"{event}"'.encode()
        for line in self._from_the_end():
            told = _event(line) if mark in line else None
            if told is not None and told["event"] == event:
                return told
        return None

    def last_time(self, before: str = "") -> str:
        """When the newest event happened; reads from the end.

        Args:
            before: an instant, as `now` gives it; only what happened before it is meant.

        Returns:
            The time as the journal has it; empty where nothing happened.
        """
        events = filter(None, map(_event, self._from_the_end()))
        times = (str(event["time"]) for event in events)
        return next((time for time in times if not before or time < before), "")

    def damaged_lines(self) -> int:
        """How many lines are not as they were written."""
        return sum(event is None for event in self._lines())

    def _lines(self) -> Iterator[dict[str, Any] | None]:
        """The event of each line; None for a damaged one."""
        return map(_event, self._whole_lines())

    def _whole_lines(self) -> Iterator[bytes]:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return
                yield line[:-1]

    def _from_the_end(self) -> Iterator[bytes]:
        """Every whole line without its end, the last one first."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            left, rest, is_whole = file.seek(0, os.SEEK_END), b"", False
            while left > 0:
                size = min(_PIECE, left)
                left -= size
                file.seek(left)
                rest, *lines = (file.read(size) + rest).split(b"\n")
                for line in reversed(lines):
                    # What stands behind the last newline is none.
                    if is_whole:
                        yield line
                    is_whole = True
            if is_whole:
                yield rest


def now() -> str:
    """This instant as journals and results write it: ISO 8601, UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def _sealed(line: bytes) -> bytes:
    return line[:-1] + f',"crc32":"{zlib.crc32(line):08x}"}}\n'.encode("ascii")


def _event(line: bytes) -> dict[str, Any] | None:
    """The event of a line, which an older version wrote without a checksum."""
    seal = _SEAL.search(line)
    if seal is not None:
        line = line[: seal.start()] + b"}"
        if zlib.crc32(line) != int(seal[1], 16):
            return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


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
