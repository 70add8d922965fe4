"""What a cache holds, what is damaged in it and what goes from it: pages for people, and JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from rich.console import Console
from rich.text import Text

from runner.report.layout import NARROWEST_TABLE, item, plain_table, section
from runner.store.pruning import Choice
from runner.store.stock import Damage, Item, Leftover, Stock
from runner.units import format_age, format_bytes

FORMAT = 1
_KEY_SHOWN = 12

# What a list can be sorted by; the first in each comes first.
ORDERS: Mapping[str, Callable[[Item], Any]] = {
    "size": lambda one: (-one.bytes, one.stage, one.key),
    "used": lambda one: (one.used_s, one.stage, one.key),
    "made": lambda one: (one.made_s, one.stage, one.key),
}


def print_stock(
    console: Console, stock: Stock, *, now_s: float, free_bytes: int, order: str, limit: int
) -> None:
    """Prints what a cache holds.

    Args:
        now_s: seconds since 1970, which ages are counted from.
        free_bytes: on the cache's disk.
        order: one of `ORDERS`.
        limit: the most artifacts that are listed; 0 for all.
    """
    if not stock.items and not stock.leftovers:
        console.print(Text(f"Nothing is kept in {stock.folder}."), soft_wrap=True)
        return
    head = f"{_many(len(stock.items), 'artifact')}, {format_bytes(stock.bytes)}, in {stock.folder};"
    console.print(Text(f"{head} {format_bytes(free_bytes)} free.", style="bold"))
    ordered = sorted(stock.items, key=ORDERS[order])
    shown = ordered[:limit] if limit else ordered
    if shown:
        console.print()
        _print_items(console, shown, now_s)
    if len(shown) < len(ordered):
        rest = len(ordered) - len(shown)
        console.print(Text(f"... and {rest} more; --limit 0 shows all.", style="dim"))
    _print_leftovers(console, stock.leftovers, now_s)
    console.print()
    for sentence in _advice(stock):
        console.print(Text(sentence))


def stock_as_json(stock: Stock, free_bytes: int) -> str:
    """A cache's content for machines."""
    record = {
        "format": FORMAT,
        "folder": str(stock.folder),
        "bytes": stock.bytes,
        "free_bytes": free_bytes,
        "artifacts": [_item_record(one) for one in stock.items],
        "leftovers": [_leftover_record(one) for one in stock.leftovers],
    }
    return json.dumps(record, indent=1)


def print_damages(console: Console, count: int, damages: Sequence[Damage]) -> None:
    """Prints what a verification found.

    Args:
        count: how many artifacts were read.
    """
    if not damages:
        said = f"Every file of {_many(count, 'artifact')} is what its manifest says."
        console.print(Text(said, style="bold" if count else ""))
        return
    head = f"{len(damages)} of {_many(count, 'artifact')} {_is(len(damages))} damaged."
    console.print(Text(head, style="bold red"))
    console.print()
    for one in damages:
        item(console, f"{one.item.stage} {one.item.key[:_KEY_SHOWN]}", "red", "x")
        facts = [*one.faults, f"needed by {_needed_by(one.item) or 'no run'}", _fate(one)]
        for fact in filter(None, facts):
            item(console, fact, "dim", "  ")
        console.print(Text(f"      {one.item.folder}", style="dim"), soft_wrap=True)
    console.print()
    if not any(one.is_removed for one in damages):
        said = (
            "A bench that needs one of them makes it again by itself. "
            "retime cache verify --repair removes them now. "
            "If more than one is damaged, look after the disk."
        )
        console.print(Text(said))


def damages_as_json(count: int, damages: Sequence[Damage]) -> str:
    """What a verification found, for machines."""
    found = [
        {**_item_record(one.item), "faults": list(one.faults), "removed": one.is_removed}
        for one in damages
    ]
    return json.dumps({"format": FORMAT, "verified": count, "damaged": found}, indent=1)


def print_choice(console: Console, choice: Choice, *, now_s: float, dry_run: bool) -> None:
    """Prints what was removed, or would be, and what was kept in spite of being asked for."""
    if choice.items:
        _print_items(console, choice.items, now_s)
    _print_leftovers(console, choice.leftovers, now_s)
    if choice.items or choice.leftovers:
        console.print()
    done = "Would remove" if dry_run else "Removed"
    parts = _counted(choice.items, choice.leftovers)
    said = f"{done} {parts}, {format_bytes(choice.bytes)}" if parts else f"{done} nothing"
    left = f"{format_bytes(choice.bytes_left)} {'would be' * dry_run or 'are'} left."
    console.print(Text(f"{said}; {left}", style="bold"))
    if choice.in_use:
        owners = ", ".join(sorted({one.in_use_by for one in choice.in_use}))
        said = f"Kept {_pieces(choice.in_use)} that {owners} {_is_at(choice.in_use)} work with."
        console.print(Text(said))
    if choice.unfinished:
        runs = sorted({run for one in choice.unfinished for run in one.unfinished_runs})
        said = f"Kept {_pieces(choice.unfinished)} that {_listed(runs)} would go on with, which"
        verb = "are" if len(runs) > 1 else "is"
        console.print(Text(f"{said} {verb} not finished; --unfinished removes them too."))


def choice_as_json(choice: Choice, *, dry_run: bool) -> str:
    """What was removed, or would be, for machines."""
    record = {
        "format": FORMAT,
        "dry_run": dry_run,
        "bytes": choice.bytes,
        "bytes_left": choice.bytes_left,
        "artifacts": [_item_record(one) for one in choice.items],
        "leftovers": [_leftover_record(one) for one in choice.leftovers],
        "kept_in_use": [str(one.folder) for one in choice.in_use],
        "kept_for_unfinished_runs": [str(one.folder) for one in choice.unfinished],
    }
    return json.dumps(record, indent=1)


def _print_items(console: Console, items: Sequence[Item], now_s: float) -> None:
    if console.width < NARROWEST_TABLE:
        for one in items:
            head = Text.assemble((one.stage, "bold"), f" {one.key[:_KEY_SHOWN]}  ")
            console.print(head.append(format_bytes(one.bytes)))
            ages = f"made {_ago(one.made_s, now_s)}, used {_ago(one.used_s, now_s)}"
            for line in filter(None, (ages, _purpose(one))):
                console.print(Text(f"  {line}", style="dim"))
        return
    table = plain_table()
    for title in ("stage", "key"):
        table.add_column(title, no_wrap=True)
    for title in ("size", "made", "used"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("needed by", overflow="fold")
    for one in items:
        table.add_row(
            Text(one.stage, style="bold"),
            one.key[:_KEY_SHOWN],
            format_bytes(one.bytes),
            format_age(now_s - one.made_s),
            format_age(now_s - one.used_s),
            Text(_purpose(one), style="" if one.is_whole else "red"),
        )
    console.print(table)


def _print_leftovers(console: Console, leftovers: Sequence[Leftover], now_s: float) -> None:
    if not leftovers:
        return
    section(console, "Left over")
    for one in leftovers:
        size, age = format_bytes(one.bytes), _ago(one.changed_s, now_s)
        if one.kind == "draft":
            said = f"{one.folder.name}: {size}, a draft of a process that has ended, {age}"
        else:
            said = f"{one.stage} {one.key[:_KEY_SHOWN]}: {size}, a checkpoint of {age}"
            runs = one.unfinished_runs
            said += f", for {_listed(runs)}" if runs else ", that no unfinished run needs"
        item(console, said, "dim", "-")


def _advice(stock: Stock) -> list[str]:
    unused = [one for one in stock.items if not one.runs]
    damaged = [one for one in stock.items if not one.is_whole]
    sentences = []
    if damaged:
        what = f"{_many(len(damaged), 'artifact')} {_is(len(damaged))} damaged"
        sentences.append(f"{what}: retime cache verify says in what way.")
    if unused:
        size = format_bytes(sum(one.bytes for one in unused))
        what = f"No run needs {_many(len(unused), 'artifact')}, {size}"
        sentences.append(f"{what}: retime cache prune --unused removes such.")
    if not unused:
        sentences.append("Every artifact belongs to a run that is there.")
    return sentences


def _purpose(one: Item) -> str:
    """Whom an artifact is for, and what is special about it."""
    notes = [
        "" if one.is_whole else "damaged",
        f"in use by {one.in_use_by}" if one.in_use_by else "",
        _needed_by(one) or "no run",
    ]
    return "; ".join(filter(None, notes))


def _needed_by(one: Item) -> str:
    """`quickstart` where one run needs it, `small (3 runs, 1 unfinished)` where several do."""
    counts = Counter(run.partition("/")[0] for run in one.runs)
    unfinished = Counter(run.partition("/")[0] for run in one.unfinished_runs)
    return ", ".join(_spec(name, count, unfinished[name]) for name, count in counts.items())


def _spec(name: str, runs: int, unfinished: int) -> str:
    notes = [f"{runs} runs"] if runs > 1 else []
    if unfinished:
        notes.append(f"{unfinished} unfinished" if runs > 1 else "unfinished")
    return f"{name} ({', '.join(notes)})" if notes else name


def _fate(one: Damage) -> str:
    if one.is_removed:
        return "removed; the next bench that needs it makes it again"
    return f"not removed: {one.item.in_use_by} is at work with it" if one.item.in_use_by else ""


def _item_record(one: Item) -> dict[str, Any]:
    return {
        "stage": one.stage,
        "key": one.key,
        "folder": str(one.folder),
        "bytes": one.bytes,
        "made": _iso(one.made_s),
        "used": _iso(one.used_s),
        "whole": one.is_whole,
        "runs": list(one.runs),
        "unfinished_runs": list(one.unfinished_runs),
        "in_use_by": one.in_use_by or None,
    }


def _leftover_record(one: Leftover) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "folder": str(one.folder),
        "bytes": one.bytes,
        "changed": _iso(one.changed_s),
        "unfinished_runs": list(one.unfinished_runs),
        "in_use_by": one.in_use_by or None,
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def _ago(moment_s: float, now_s: float) -> str:
    age = format_age(now_s - moment_s)
    return "just now" if age == "now" else f"{age} ago"


def _counted(items: Sequence[Item], leftovers: Sequence[Leftover]) -> str:
    parts = [_many(len(items), "artifact")] if items else []
    parts += [_many(len(leftovers), "leftover")] if leftovers else []
    return " and ".join(parts)


def _pieces(kept: Sequence[Item | Leftover]) -> str:
    items = [one for one in kept if isinstance(one, Item)]
    return _counted(items, [one for one in kept if isinstance(one, Leftover)])


def _listed(runs: Sequence[str]) -> str:
    return ", ".join(runs[:3]) + (f" and {len(runs) - 3} more runs" if len(runs) > 3 else "")


def _is_at(kept: Sequence[Item | Leftover]) -> str:
    return "are at" if len({one.in_use_by for one in kept}) > 1 else "is at"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
