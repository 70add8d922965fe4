"""What is at work on this machine and how far it is, read from the notes that workers leave."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from runner.interrupts import heard
from runner.report.watching import Line, View, Work, page, status_lines
from runner.steps.summing import sum_up
from runner.store.activity import activities
from runner.store.batches import Batch, BatchStore


def look(runs: Path) -> View:
    """Everything that is at work, and the newest batch that is not.

    Args:
        runs: the folder of all runs.
    """
    store = BatchStore(runs)
    works = tuple(_work(note, store) for note in activities(runs))
    newest = store.latest()
    is_shown = newest is None or any(work.batch_id == newest.batch_id for work in works)
    return View(works, None if is_shown or newest is None else sum_up(newest))


def watch(runs: Path, console: Console, every_s: float) -> None:
    """Draws what is at work again and again, until nothing is or Ctrl-C ends it."""
    view = look(runs)
    if not console.is_terminal:
        _tell(view, runs, console, every_s)
        return
    with Live(page(view), console=console, auto_refresh=False) as live, _ended_by_ctrl_c():
        while view.works:
            time.sleep(every_s)
            view = look(runs)
            live.update(page(view), refresh=True)


def _tell(view: View, runs: Path, console: Console, every_s: float) -> None:
    """For a log: a line where something has changed."""
    before: list[str] = []
    with _ended_by_ctrl_c():
        while True:
            lines = status_lines(view)
            if lines != before:
                console.print(Text("\n".join(lines)), soft_wrap=True)
            if not view.works:
                return
            before = lines
            time.sleep(every_s)
            view = look(runs)


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Whoever has seen enough ends the watching; that is no failure."""
    try:
        yield
    except KeyboardInterrupt:
        heard()


def _work(note: Mapping[str, Any], store: BatchStore) -> Work:
    batch = store.latest(note["batch"]) if note.get("batch") else None
    lines = tuple(
        Line(one["title"], one["done"], one["total"], one["note"]) for one in note.get("tasks", ())
    )
    if batch is None:
        return Work(note["pid"], note.get("spec", ""), note.get("said", ""), lines)
    queue, started = _progress(batch)
    summary = sum_up(batch)
    return Work(
        pid=note["pid"],
        title=started["name"] if started else "",
        said=note.get("said", ""),
        lines=lines,
        batch_id=batch.batch_id,
        outcomes=summary.outcomes,
        left_s=_left_s(queue, started, lines, {one.spec for one in _open(summary.outcomes)}),
        is_certain=all(one["is_certain"] for one in queue),
    )


def _open(outcomes: Sequence[Any]) -> list[Any]:
    return [one for one in outcomes if one.status not in {"answered", "failed"}]


def _progress(batch: Batch) -> tuple[list[Mapping[str, Any]], Mapping[str, Any] | None]:
    """What the batch has to do since its last start, and the spec whose turn it is."""
    queue: list[Mapping[str, Any]] = []
    started: Mapping[str, Any] | None = None
    for event in batch.journal.events():
        if event["event"] == "started":
            queue, started = event["queue"], None
        elif event["event"] == "spec_started":
            started = event
        elif event["event"] == "spec_ended":
            started = None
    return queue, started


def _left_s(
    queue: Sequence[Mapping[str, Any]],
    started: Mapping[str, Any] | None,
    lines: Sequence[Line],
    open_specs: set[str],
) -> float:
    """Seconds that the rest will take, as far as anybody knows."""
    left = 0.0
    for one in queue:
        if one["spec"] not in open_specs:
            continue
        if started is None or one["spec"] != started["spec"]:
            left += one["seconds"]
            continue
        by_title = {line.title: line.total - line.done for line in lines}
        spent = time.time() - datetime.fromisoformat(started["time"]).timestamp()
        if "timing" in by_title:
            # Sustained load comes after the blocks, and tells its seconds itself when it has begun.
            left += by_title["timing"] + one.get("sustained_s", 0.0)
        else:
            left += by_title.get("sustained load", max(0.0, one["seconds"] - spent))
    return left
