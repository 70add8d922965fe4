"""What is at work, as one line and as a page that is drawn again and again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from runner.report.summary import Outcome, Summary, headline_of
from runner.units import format_duration

_STYLES = {
    "answered": "green",
    "failed": "bold red",
    "unfinished": "yellow",
    "interrupted": "yellow",
    "begun": "yellow",
    "at work": "bold cyan",
    "waiting": "dim",
}
_BAR_WIDTH = 20


@dataclass(frozen=True)
class Line:
    """One piece of work: how much of it is done, in any unit."""

    title: str
    done: float
    total: float
    note: str

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


@dataclass(frozen=True)
class Work:
    """What one process is at.

    Attributes:
        title: the name of the spec.
        said: the last line that it said.
        batch_id: empty for a bench of one spec.
        outcomes: of the batch's specs so far.
        left_s: seconds that the batch will still take.
        is_certain: whether all of that is known.
    """

    pid: int
    title: str
    said: str
    lines: tuple[Line, ...]
    batch_id: str = ""
    outcomes: tuple[Outcome, ...] = ()
    left_s: float = 0.0
    is_certain: bool = True


@dataclass(frozen=True)
class View:
    """Everything that is at work, and the newest batch if it is not at work."""

    works: tuple[Work, ...]
    last: Summary | None

    @property
    def is_cut_off(self) -> bool:
        """Whether the newest batch neither is at work nor came to its end."""
        return self.last is not None and self.last.reason != "done"


def as_json(view: View) -> str:
    """The view for machines."""
    record = {
        "at_work": [
            {
                "pid": work.pid,
                "spec": work.title,
                "batch": work.batch_id or None,
                "said": work.said,
                "tasks": [asdict(line) for line in work.lines],
                "left_s": round(work.left_s, 1) if work.batch_id else None,
                "is_certain": work.is_certain,
            }
            for work in view.works
        ],
        "last_batch": json.loads(view.last.as_json()) if view.last else None,
    }
    return json.dumps(record, indent=1) + "\n"


def status_lines(view: View) -> list[str]:
    """A line for each process at work; else one that says what was last."""
    if view.works:
        return [_status(work) for work in view.works]
    if view.last is None:
        return ["Nothing is at work, and no batch was run here."]
    if view.last.ended:
        when = view.last.ended.partition(".")[0].replace("T", " ")
        return [f"Nothing is at work. The last batch ended at {when} UTC: {headline_of(view.last)}"]
    cut_off = f"Nothing is at work. Batch {view.last.batch_id} was cut off"
    return [f"{cut_off}: {headline_of(view.last)} The same command goes on with it."]


def page(view: View) -> RenderableType:
    """All of it, with bars."""
    parts: list[RenderableType] = []
    for work in view.works:
        parts += [Text(_status(work), style="bold"), *_details(work), Text()]
    if not view.works:
        parts += [Text(line) for line in status_lines(view)]
    return Group(*parts)


def _status(work: Work) -> str:
    """`batch ...: 3 of 5 specs, at heads: timing 64 %, block 12; about 2 h 10 min left`."""
    if work.lines:
        newest = work.lines[-1]
        doing = f"{newest.title} {newest.share:.0%}" if newest.total else newest.title
        doing += f", {newest.note}" if newest.note else ""
    else:
        doing = work.said or "starting"
    if not work.batch_id:
        return f"{work.title}: {doing}"
    ended = sum(one.status in {"answered", "failed"} for one in work.outcomes)
    left = f"{'about' if work.is_certain else 'more than'} {format_duration(work.left_s)} left"
    at = f"at {work.title}: " * bool(work.title)
    return f"{ended} of {len(work.outcomes)} specs done, {at}{doing}; {left}"


def _details(work: Work) -> Iterator[RenderableType]:
    if work.outcomes:
        yield _table(work)
    for line in work.lines:
        row = Table.grid(padding=(0, 1))
        row.add_column(width=28, no_wrap=True, overflow="ellipsis")
        row.add_column(width=_BAR_WIDTH)
        row.add_column(width=4, justify="right")
        row.add_column(no_wrap=True, overflow="ellipsis")
        bar = ProgressBar(total=line.total or None, completed=line.done, width=_BAR_WIDTH)
        row.add_row(line.title, bar, f"{line.share:.0%}", Text(line.note, style="dim"))
        yield row


def _table(work: Work) -> Table:
    table = Table.grid(padding=(0, 2))
    for one in work.outcomes:
        is_at_work = one.name == work.title and one.status not in {"answered", "failed"}
        status = "at work" if is_at_work else one.status
        spent = format_duration(one.seconds) if one.seconds else ""
        table.add_row(one.name, Text(status, style=_STYLES[status]), Text(spent, style="dim"))
    return table
