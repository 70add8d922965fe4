"""Earlier runs as a list: a table or lines for people, and JSON."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from runner.report.layout import NARROWEST_TABLE, plain_table
from runner.report.wording import short_recipe
from runner.store.entries import Entry
from runner.store.history import Listing
from runner.units import format_age, format_ratio

FORMAT = 1
# Columns beside a run's name that age and answer need, with the machine, and with the question.
_BESIDE_RUN, _WITH_HOST, _WITH_QUESTION = 30, 50, 84
_STYLES = {"failed": "red", "broken": "red", "damaged": "red", "disturbed": "yellow"}


def print_runs(console: Console, listing: Listing, *, now_s: float) -> None:
    """Prints runs, the newest first.

    Args:
        now_s: seconds since 1970, which ages are counted from.
    """
    if listing.note:
        console.print(Text(f"{listing.note[0].upper()}{listing.note[1:]}.", style="dim"))
    if not listing.entries:
        said = f"None of {listing.total} runs matches." if listing.total else "There are no runs."
        console.print(Text(said))
        return
    # A run's name is there to be copied: it is never folded.
    longest = max(len(one.run) for one in listing.entries)
    if console.width < max(NARROWEST_TABLE, longest + _BESIDE_RUN):
        _print_lines(console, listing, now_s)
    else:
        _print_table(console, listing, now_s, console.width - longest)
    shown, found = len(listing.entries), listing.matching
    if shown < found:
        console.print(Text(f"... and {found - shown} older; --limit 0 shows all.", style="dim"))


def runs_as_json(listing: Listing) -> str:
    """Runs for machines."""
    record = {
        "format": FORMAT,
        "total": listing.total,
        "matching": listing.matching,
        "note": listing.note or None,
        "runs": [_record(one) for one in listing.entries],
    }
    return json.dumps(record, indent=1)


def answer(entry: Entry) -> str:
    """What a run found, in a few words: `wide slower 1.053x`, or `2 slower, 1 failed`."""
    if entry.status == "unfinished":
        return "unfinished; the same command goes on with it"
    if entry.status == "damaged":
        return "result.json can't be read"
    verdicts = [one for one in entry.variants if one.verdict]
    counts = Counter(str(one.verdict) for one in verdicts)
    counts.update("failed" for one in entry.variants if one.status == "failed")
    ratio = verdicts[0].ratio if len(verdicts) == 1 and not counts["failed"] else None
    if ratio is not None:
        (one,) = verdicts
        parts = [f"{short_recipe(one.name)} {one.verdict} {format_ratio(ratio)}"]
    else:
        parts = [f"{count} {word}" for word, count in counts.items()] or ["nothing compared"]
    if entry.status == "disturbed":
        parts.append("never quiet")
    if entry.kept < entry.promises:
        parts.append(f"{entry.promises - entry.kept} of {entry.promises} promises not kept")
    if not entry.proven and verdicts:
        parts.append("unproven")
    return ", ".join(parts)


def _print_lines(console: Console, listing: Listing, now_s: float) -> None:
    """For a window that is too narrow for columns."""
    for one in listing.entries:
        console.print(Text(one.run, style="bold"), soft_wrap=True)
        age = format_age(now_s - (_moment_s(one) or now_s))
        style = _STYLES.get(one.status, "")
        console.print(Padding(Text(answer(one), style=style), (0, 0, 0, 2)))
        where = " on ".join(filter(None, (age, one.host)))
        console.print(Padding(Text(where, style="dim"), (0, 0, 0, 2)))


def _print_table(console: Console, listing: Listing, now_s: float, room: int) -> None:
    """A line each.

    Args:
        room: columns beside that of the runs' names.
    """
    table = plain_table()
    table.add_column("run", no_wrap=True)
    table.add_column("age", justify="right", no_wrap=True)
    table.add_column("answer", overflow="fold")
    with_host, with_question = room >= _WITH_HOST, room >= _WITH_QUESTION
    if with_host:
        table.add_column("machine", overflow="fold")
    if with_question:
        table.add_column("question", overflow="fold")
    for one in listing.entries:
        moment_s = _moment_s(one)
        cells = [
            Text(one.run, style="bold"),
            Text("" if moment_s is None else format_age(now_s - moment_s)),
            Text(answer(one), style=_STYLES.get(one.status, "")),
        ]
        cells += [Text(one.host or "")] if with_host else []
        cells += [Text(one.question, style="dim")] if with_question else []
        table.add_row(*cells)
    console.print(table)


def _moment_s(entry: Entry) -> float | None:
    """When it ended, or began where it did not end."""
    return entry.started_s if entry.finished_s is None else entry.finished_s


def _record(entry: Entry) -> dict[str, Any]:
    record = asdict(entry)
    del record["stamp"]
    return record | {
        "started": _iso(record.pop("started_s")),
        "finished": _iso(record.pop("finished_s")),
        "answer": answer(entry),
    }


def _iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")
