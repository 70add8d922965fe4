"""The report that a person reads in a terminal or a log."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from runner.report.accuracy import agreement_sentence
from runner.report.controls import control_sentences
from runner.report.layout import NARROWEST_TABLE, item, plain_table, section
from runner.report.models import TITLES, model_rows
from runner.report.result import Result
from runner.report.rows import BASELINE, Row, columns, joined, make_rows
from runner.report.wording import (
    block_sentence,
    expectation_sentence,
    failure_lines,
    headline,
    recipe_sentences,
    throughput_sentences,
    verdict_sentence,
)

_PAGES = {
    "html": ("report.html", "everything above, as a page"),
    "csv": ("report.csv", "the table, for spreadsheets"),
    "markdown": ("report.md", "the answer and the table, in Markdown"),
}
_STYLES = {
    "slower": "bold red",
    "faster": "bold green",
    "equivalent": "bold cyan",
    "inconclusive": "bold yellow",
    "failed": "bold red",
    "skipped": "dim",
    BASELINE: "dim",
}


def print_report(console: Console, result: Result, folder: Path) -> None:
    """Prints a result.

    Args:
        folder: the run's, to say where the files are.
    """
    console.print()
    console.print(Text(result["question"] or result["name"], style="bold"))
    console.print()
    console.print(Text(headline(result), style="" if result["proven"] else "bold yellow"))
    console.print()
    if console.width < NARROWEST_TABLE:
        _print_list(console, result)
    else:
        console.print(_table(result))
    if agreement := agreement_sentence(result):
        console.print(Text(agreement, style="dim"))
    _print_details(console, result)
    _print_files(console, result, folder)


def _print_list(console: Console, result: Result) -> None:
    """The table's figures below each other, for a window that is too narrow for columns."""
    for row in make_rows(result):
        style = _STYLES.get(row.verdict, "")
        a_little = " (a little)" * row.below_effect
        console.print(Text.assemble((row.name, "bold"), "  ", (row.verdict + a_little, style)))
        figures = {
            "latency": joined(row.latency, row.latency_interval),
            "ratio": joined(row.ratio, row.ratio_interval),
            "accuracy": " -> ".join(filter(None, row.accuracy)),
            "size": row.size,
            "memory": row.memory,
        }
        percentiles = [title[0] for title in columns(result)[2 : 2 + len(row.percentiles)]]
        figures |= dict(zip(percentiles, row.percentiles, strict=True))
        for name, figure in figures.items():
            if figure:
                console.print(Text.assemble(f"  {name:<9}", figure))


def _table(result: Result) -> Table:
    table = plain_table()
    first, *others = columns(result)
    table.add_column(Text("\n".join(first)), overflow="fold", max_width=22)
    for title in others:
        is_verdict = title == ("verdict",)
        table.add_column(
            Text("\n".join(title)),
            justify="left" if is_verdict else "right",
            no_wrap=not is_verdict,
        )
    for row in make_rows(result):
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> list[Text]:
    verdict = Text(row.verdict, style=_STYLES.get(row.verdict, ""))
    if row.below_effect:
        verdict.append("\n(a little)", style="dim")
    before, after = row.accuracy
    return [
        Text(row.name, style="bold"),
        _two_lines(row.latency, row.latency_interval),
        *map(Text, row.percentiles),
        _two_lines(row.ratio, row.ratio_interval),
        verdict,
        _two_lines(before, after, dim=False),
        _two_lines(row.size, row.memory),
    ]


def _two_lines(first: str, second: str, *, dim: bool = True) -> Text:
    return Text.assemble(first, "\n", (second, "dim" if dim else ""))


def _print_details(console: Console, result: Result) -> None:
    _print_verdicts(console, result)
    _print_failures(console, result)
    _print_models(console, result)
    section(console, "Controls" if control_sentences(result) else "Timing")
    for passed, sentence in control_sentences(result):
        item(console, sentence, "green" if passed else "bold red", "ok" if passed else "!!")
    console.print(Padding(Text(block_sentence(result), style="dim"), (0, 0, 0, 2)))
    if sustained := throughput_sentences(result):
        section(console, "Sustained load")
        for sentence in sustained:
            item(console, sentence, "", "-")
    if result["expectations"]:
        section(console, "Expectations")
        for expectation in result["expectations"]:
            style = {True: "green", False: "bold red", None: "yellow"}[expectation["holds"]]
            item(console, expectation_sentence(expectation), style, "-")
    if result["warnings"]:
        section(console, "Warnings")
        for warning in result["warnings"]:
            item(console, f"{warning['message']}; {warning['remedy']}", "yellow", "!")


def _print_verdicts(console: Console, result: Result) -> None:
    confidence = f"{result['design']['confidence']:.0%}"
    if recipes := recipe_sentences(result):
        section(console, f"Recipes, with {confidence} intervals over trained models")
        for verdict, sentence in recipes:
            item(console, sentence, _STYLES[verdict], "-")
    if result["comparisons"]:
        files = "Files" if recipes else "Verdicts"
        section(console, f"{files}, with {confidence} intervals")
    for comparison in result["comparisons"]:
        item(console, verdict_sentence(comparison, result), _STYLES[comparison["verdict"]], "-")


def _print_models(console: Console, result: Result) -> None:
    rows = model_rows(result)
    if not rows:
        return
    section(console, "Models")
    if console.width < NARROWEST_TABLE:
        for row in rows:
            figures = zip(row.figures, TITLES[1:], strict=True)
            told = ", ".join(f"{figure} {title}" for figure, title in figures if figure)
            item(console, f"{row.names}: {told}", "", "-")
        return
    table = plain_table()
    table.add_column(Text(TITLES[0]), overflow="fold")
    for title in TITLES[1:]:
        table.add_column(Text(title), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, (row.names, *row.figures)))
    console.print(Padding(table, (0, 0, 0, 2)))


def _print_failures(console: Console, result: Result) -> None:
    for what, further in failure_lines(result):
        item(console, what, "red", "x")
        for line in further:
            console.print(Padding(Text(line, style="dim"), (0, 0, 0, 4)))


def _print_files(console: Console, result: Result, folder: Path) -> None:
    section(console, "Files")
    console.print(Text(f"  {folder}"), soft_wrap=True)
    asked = result.get("report") or {"formats": []}
    for name, what in (
        *(_PAGES[name] for name in asked["formats"]),
        ("result.json", "everything above, for machines"),
        ("samples/", "every sample, int64 nanoseconds"),
        ("journal.jsonl", "what happened, event by event"),
        ("logs/", "what TensorFlow and the runtime said"),
    ):
        console.print(Text.assemble(f"    {name:<15}", (what, "dim")))
