"""What a person sees while stages run: bars on a terminal, sparse lines in a log.

Nothing here runs on its own: the display changes when a step says so, and never while a timed
process runs.
"""

from __future__ import annotations

import time
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from runner.units import format_duration

_LINE_EVERY_S = 30.0


class Task(Protocol):
    """One piece of work on the display."""

    def update(self, done: float, total: float, note: str = "") -> None:
        """How far it is, in any unit that grows evenly with time."""

    def end(self, note: str) -> None:
        """It is over; the note says how."""


class Display(Protocol):
    """Where progress goes. To be used as a context manager around all tasks."""

    def __enter__(self) -> Display:
        """Takes the terminal."""

    def __exit__(self, *_: object) -> None:
        """Gives the terminal back."""

    def say(self, text: str) -> None:
        """A line that stays."""

    def detail(self, text: str) -> None:
        """A line that stays, for whoever asked for more."""

    def task(self, title: str) -> Task:
        """Begins a piece of work."""


class BarDisplay:
    """Bars with time left, for a terminal."""

    def __init__(self, console: Console, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._progress = Progress(
            TextColumn("{task.description:<24.24}", markup=False, table_column=Column(width=24)),
            BarColumn(bar_width=12, table_column=Column(width=12)),
            TaskProgressColumn(table_column=Column(width=4)),
            TimeRemainingColumn(compact=True, table_column=Column(width=7)),
            TextColumn(
                "{task.fields[note]}",
                markup=False,
                style="dim",
                table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
            ),
            expand=True,
            console=console,
            auto_refresh=False,
            transient=True,
        )

    def __enter__(self) -> BarDisplay:
        """Takes the terminal."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the terminal back, with its cursor."""
        self._progress.stop()

    def say(self, text: str) -> None:
        """A line above the bars."""
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def detail(self, text: str) -> None:
        """A line above the bars, for whoever asked for more."""
        if self._verbose:
            self.say(text)

    def task(self, title: str) -> _Bar:
        """Begins a bar."""
        return _Bar(self._progress, self._progress.add_task(title, total=None, note=""), title)


class _Bar:
    def __init__(self, progress: Progress, task: TaskID, title: str) -> None:
        self._progress = progress
        self._task = task
        self._title = title
        self._started = time.monotonic()

    def update(self, done: float, total: float, note: str = "") -> None:
        self._progress.update(
            self._task, completed=min(done, total), total=total, note=note, refresh=True
        )

    def end(self, note: str) -> None:
        self._progress.remove_task(self._task)
        took = format_duration(time.monotonic() - self._started)
        self._progress.console.print(
            f"  {self._title}: {note}, {took}", markup=False, highlight=False
        )
        self._progress.refresh()


class LineDisplay:
    """A line when a task begins and ends, and one now and then between, for logs."""

    def __init__(self, console: Console, *, verbose: bool = False) -> None:
        self._console = console
        self._verbose = verbose

    def __enter__(self) -> LineDisplay:
        """Nothing to take."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to give back."""

    def say(self, text: str) -> None:
        """A line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def detail(self, text: str) -> None:
        """A line, for whoever asked for more."""
        if self._verbose:
            self.say(text)

    def task(self, title: str) -> _Lines:
        """Begins with a line."""
        self.say(f"  {title}: started")
        return _Lines(self, title)


class _Lines:
    def __init__(self, display: LineDisplay, title: str) -> None:
        self._display = display
        self._title = title
        self._started = self._said = time.monotonic()
        self._done_before: float | None = None

    def update(self, done: float, total: float, note: str = "") -> None:
        now = time.monotonic()
        if self._done_before is None:
            # What an earlier stay did says nothing of the speed of this one.
            self._done_before = done
        fresh = done - self._done_before
        if now - self._said < _LINE_EVERY_S or fresh <= 0:
            return
        self._said = now
        left = (now - self._started) * (total - done) / fresh
        tail = f", {note}" if note else ""
        self._display.say(
            f"  {self._title}: {done / total:.0%}, about {format_duration(left)} left{tail}"
        )

    def end(self, note: str) -> None:
        took = format_duration(time.monotonic() - self._started)
        self._display.say(f"  {self._title}: {note}, {took}")


def make_display(console: Console, *, verbose: bool = False) -> Display:
    """Bars on a terminal, lines elsewhere."""
    kind = BarDisplay if console.is_terminal else LineDisplay
    return kind(console, verbose=verbose)
