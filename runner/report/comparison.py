"""Two runs side by side: what differs first, then what changed, then what may only be looked at."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from runner.analysis.changes import Answer, Change
from runner.analysis.side_by_side import Difference, Figure, Pair, SideBySide
from runner.report.layout import NARROWEST_TABLE, item, plain_table, section
from runner.report.result import Result
from runner.report.wording import short_names, short_recipe
from runner.units import format_bytes, format_interval, format_latency, format_ratio, format_share

FORMAT = 1
_HASH_SHOWN = 12
_STYLES = {
    Answer.CHANGED: "bold yellow",
    Answer.SAME: "bold cyan",
    Answer.UNCLEAR: "dim",
}
_CAVEAT = (
    "Intervals hold what varies within a run. What differs from one run to the next, such as where "
    "memory lies after a restart, is not in them: two runs of the same on the same machine say "
    "how much that is here."
)


@dataclass(frozen=True)
class RunNamed:
    """A run and how it is called."""

    name: str
    result: Result


def print_comparison(
    console: Console, first: RunNamed, second: RunNamed, found: SideBySide
) -> None:
    """Prints two runs side by side."""
    for word, run in (("first ", first), ("second", second)):
        host = run.result["host"].get("name") or "an unnamed machine"
        said = f"{word} {run.name}, {run.result['finished'][:16].replace('T', ' ')} UTC, on {host}"
        console.print(Text(said), soft_wrap=True)
    console.print()
    console.print(Text(headline(first, second, found), style="bold"))
    names = short_names(second.result) | short_names(first.result)
    _print_differences(console, found, names)
    for title, pairs in (
        ("Ratios to the baseline", found.ratios),
        ("Ratios of recipes", found.recipes),
    ):
        if pairs:
            section(console, title)
            _print_pairs(console, pairs, names, format_ratio)
    if found.latencies:
        section(console, "Latencies" if found.latencies_judged else "Latencies, not judged")
        _print_pairs(console, found.latencies, names, format_latency)
        if not found.latencies_judged:
            said = "Nanoseconds of unlike machines, libraries or settings say nothing of a change."
            console.print(Padding(Text(said, style="dim"), (0, 0, 0, 2)))
    for word, missing in (("first", found.only_first), ("second", found.only_second)):
        if missing:
            console.print()
            console.print(Text(f"Only in the {word} run: {', '.join(missing)}."))
    console.print()
    console.print(Text(_CAVEAT, style="dim"))


def comparison_as_json(first: RunNamed, second: RunNamed, found: SideBySide) -> str:
    """The same for machines."""
    runs = [
        {
            "run": run.name,
            "finished": run.result["finished"],
            "host": run.result["host"],
            "proven": run.result["proven"],
        }
        for run in (first, second)
    ]
    record = {"format": FORMAT, "first": runs[0], "second": runs[1], **asdict(found)}
    return json.dumps(record, indent=1, default=str)


def headline(first: RunNamed, second: RunNamed, found: SideBySide) -> str:
    """The answer in a sentence or two; says first whether it can be trusted."""
    unproven = [
        word for word, run in (("first", first), ("second", second)) if not run.result["proven"]
    ]
    begin = ""
    if unproven:
        runs = f"the {' and the '.join(unproven)} run's"
        begin = f"Unproven: {runs} own controls failed. "
    judged = [pair for pair in found.recipes or found.ratios if pair.change]
    what = "ratio" if not found.recipes else "recipe's ratio"
    if not judged:
        return f"{begin}No {what} can be compared; both runs need one of the same variant."
    answers = [pair.change.answer for pair in judged if pair.change]
    parts = [
        f"{count} {word}"
        for answer, word in (
            (Answer.CHANGED, "changed"),
            (Answer.SAME, "stayed the same"),
            (Answer.UNCLEAR, "can't be told"),
        )
        if (count := answers.count(answer))
    ]
    one = len(judged) == 1
    head = f"Of {len(judged)} {what}s, {' and '.join(parts)}"
    return f"{begin}{f'The {what} {parts[0][2:]}' if one else head}."


def answer_text(change: Change) -> str:
    """`changed by +3.2 %`, `same, within 2 %` or `can't tell`."""
    effect = format_share(change.effect)
    if change.answer is Answer.CHANGED:
        by = f"changed by {_percent(change.ratio)}"
        return f"{by}, less than {effect}" if change.below_effect else by
    return f"same, within {effect}" if change.answer is Answer.SAME else "can't tell"


def _print_differences(console: Console, found: SideBySide, names: dict[str, str]) -> None:
    section(console, "What differs")
    if not found.differences:
        item(console, "nothing: spec, machine, library, settings and models are the same", "", "=")
        return
    if found.same_spec:
        item(console, "the spec is the same", "dim", "=")
    for one in found.differences:
        about = ", ".join(names.get(name, name) for name in one.variants[:3])
        if len(one.variants) > 3:
            about = f"{len(one.variants)} variants"
        item(console, _difference(one) + (f" ({about})" if about else ""), "yellow", "!")


def _difference(one: Difference) -> str:
    if one.kind == "spec":
        return "spec: its text has changed"
    if one.kind == "model":
        return "model: the file is another one"
    first, second = (_value(one.what, value) for value in (one.first, one.second))
    return f"{one.kind}: {one.what.replace('_', ' ')} {first} -> {second}"


def _value(what: str, value: Any) -> str:
    if value is None:
        return "unknown"
    if what.endswith("_bytes"):
        return format_bytes(value)
    if what == "sha256":
        return str(value)[:_HASH_SHOWN]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _print_pairs(console: Console, pairs: Sequence[Pair], names: dict[str, str], unit: Any) -> None:
    if console.width < NARROWEST_TABLE:
        for pair in pairs:
            console.print(Text(_name(pair, names), style="bold"))
            for text, style in _facts(pair, unit):
                console.print(Padding(Text(text, style=style), (0, 0, 0, 2)))
        return
    table = plain_table()
    table.add_column("variant", overflow="fold")
    for title in ("first", "second", "change"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("answer", overflow="fold")
    for pair in pairs:
        change = pair.change
        table.add_row(
            Text(_name(pair, names), style="bold"),
            _cell(pair.first, unit),
            _cell(pair.second, unit),
            _two_lines(format_ratio(change.ratio), format_interval(change.interval))
            if change
            else Text(""),
            Text(answer_text(change), style=_STYLES[change.answer])
            if change
            else Text(pair.note, style="dim"),
        )
    console.print(table)


def _facts(pair: Pair, unit: Any) -> Iterator[tuple[str, str]]:
    """A pair's row as lines."""
    for word, figure in (("first ", pair.first), ("second", pair.second)):
        cell = _cell(figure, unit).plain.split("\n")
        yield f"{word} {cell[0]}" + (f" ({cell[1]})" if cell[1:] and cell[1] else ""), ""
    if pair.change:
        interval = format_interval(pair.change.interval)
        yield f"change {format_ratio(pair.change.ratio)} ({interval})", ""
        yield answer_text(pair.change), _STYLES[pair.change.answer]
    elif pair.note:
        yield pair.note, "dim"


def _name(pair: Pair, names: dict[str, str]) -> str:
    return names.get(pair.name) or short_recipe(pair.name)


def _cell(figure: Figure | None, unit: Any) -> Text:
    if figure is None:
        return Text("-", style="dim")
    if figure.interval is None:
        return Text(unit(figure.value))
    low, high = figure.interval
    if unit is format_ratio:
        return _two_lines(unit(figure.value), format_interval(figure.interval))
    half = format_share((high - low) / 2 / figure.value)
    return _two_lines(unit(figure.value), f"+-{half}")


def _two_lines(first: str, second: str) -> Text:
    return Text.assemble(first, "\n", (second, "dim"))


def _percent(ratio: float) -> str:
    share = math.expm1(math.log(ratio)) * 100
    return f"{share:+.3g} %"
