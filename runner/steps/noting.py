"""A batch's notes, which a disk that takes nothing neither stops nor makes forget.

What can't be written is kept in memory and written as soon as there is room: specs whose runs are
elsewhere, or stand already, get their answer meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runner.store.batches import Batch
from runner.store.journal import now
from runner.unforeseen import explain


class Notes:
    """Everything that happened to a batch, over all of its starts.

    Args:
        batch: whose journal it is.
        say: told, once for each time that it begins, that nothing can be written.

    Attributes:
        events: all of them, written or not, as the journal has them.
        trouble: why the disk does not hold all of it; empty where it does.
    """

    def __init__(self, batch: Batch, say: Callable[[str], None]) -> None:
        self._batch, self._say = batch, say
        self.events: list[dict[str, Any]] = list(batch.journal.events())
        self._unwritten: list[dict[str, Any]] = []
        self.trouble = ""

    def add(self, event: str, **fields: Any) -> None:
        """Notes an event, on the disk if there is room."""
        record = {"time": now(), "event": event, **fields}
        self.events.append(record)
        self._unwritten.append(record)
        if self._is_done(self._write):
            self.trouble = ""

    def keep(self, name: str, text: str) -> None:
        """Replaces one of the files that sum the batch up, if there is room."""
        self._is_done(lambda: self._batch.write_summary(name, text))

    def _write(self) -> None:
        while self._unwritten:
            self._batch.journal.append(**self._unwritten[0])
            del self._unwritten[0]

    def _is_done(self, write: Callable[[], object]) -> bool:
        try:
            write()
        except OSError as error:
            said, self.trouble = self.trouble, _in_words(error, self._batch)
            if not said:
                self._say(f"{self.trouble}; the batch goes on, and keeps its notes in memory")
            return False
        return True


def _in_words(error: OSError, batch: Batch) -> str:
    told = explain(error, batch.folder)
    return f"{told.where or batch.folder}: {told.what}"
