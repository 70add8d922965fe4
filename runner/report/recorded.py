"""A display that also tells how far the work is, for whoever looks from elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from runner.report.progress import Display, Task

Tell = Callable[[Mapping[str, Any]], None]


class RecordedDisplay:
    """Passes everything on to another display, and tells what is under way.

    Args:
        shown: what a person sees.
        tell: takes `{"said": str, "tasks": [{"title", "done", "total", "note", "since"}]}`; called
            from the thread that reports, one call at a time.
    """

    def __init__(self, shown: Display, tell: Tell) -> None:
        self._shown = shown
        self._board = _Board(tell)

    def __enter__(self) -> RecordedDisplay:
        """Takes the terminal."""
        self._shown.__enter__()
        return self

    def __exit__(self, *failure: object) -> None:
        """Gives the terminal back."""
        self._shown.__exit__(*failure)

    def say(self, text: str) -> None:
        """A line that stays; the newest is told."""
        self._shown.say(text)
        self._board.said = text
        self._board.tell()

    def detail(self, text: str) -> None:
        """A line that stays, for whoever asked for more; it is not told."""
        self._shown.detail(text)

    def task(self, title: str) -> Task:
        """Begins a piece of work."""
        line = _Line(title, since=time.time())
        return _RecordedTask(self._shown.task(title), line, self._board)


@dataclass
class _Line:
    title: str
    since: float
    done: float = 0.0
    total: float = 0.0
    note: str = ""


@dataclass
class _Board:
    """All tasks under way; stages report from threads of their own.

    Attributes:
        is_stale: something is new that was not told yet.
    """

    send: Tell
    said: str = ""
    lines: list[_Line] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_stale: bool = False

    def tell(self) -> None:
        """Never waits: a signal's handler says something too, in a thread that may be telling.

        Whoever is telling meanwhile tells again.
        """
        self.is_stale = True
        while self.is_stale and self.lock.acquire(blocking=False):
            try:
                self.is_stale = False
                self.send({"said": self.said, "tasks": [asdict(line) for line in self.lines]})
            finally:
                self.lock.release()


class _RecordedTask:
    def __init__(self, shown: Task, line: _Line, board: _Board) -> None:
        self._shown, self._line, self._board = shown, line, board
        board.lines.append(line)
        board.tell()

    def update(self, done: float, total: float, note: str = "") -> None:
        self._shown.update(done, total, note)
        self._line.done, self._line.total, self._line.note = done, total, note
        self._board.tell()

    def end(self, note: str) -> None:
        self._shown.end(note)
        self._board.lines.remove(self._line)
        self._board.tell()
