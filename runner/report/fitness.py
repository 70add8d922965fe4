"""An examination of the machine, as a page for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.text import Text

from runner.timing.fitness.findings import Examination, Finding

FORMAT = 1

_MARKS = {
    "good": ("ok", "green"),
    "advice": ("!", "yellow"),
    "problem": ("x", "bold red"),
    "unknown": ("?", "dim"),
}
_NAME_WIDTH = 18
_INDENT = " " * (2 + 3 + _NAME_WIDTH + 1)
_NARROWEST = 20
_SHA256_SHOWN = 12


def print_examination(console: Console, examination: Examination, here: Path) -> None:
    """Prints every finding, and why and what to do where something is to be done.

    Args:
        here: paths below this folder are shown as seen from it.
    """
    console.print(Text(headline(examination), style="bold"))
    for group in examination.groups:
        console.print()
        console.print(Text(group.title, style="bold"))
        for finding in group.findings:
            _print_finding(console, finding, here)
    console.print()
    console.print(Text(_legend(), style="dim"))


def headline(examination: Examination) -> str:
    """The answer in one sentence."""
    problems = _count(examination, "problem")
    advice = _count(examination, "advice")
    if problems:
        return f"This machine can't measure yet: {_many(problems, 'problem')}, marked x."
    if advice:
        return f"This machine is fit to measure. {_many(advice, 'point')} of advice, marked !."
    return "This machine is fit to measure."


def as_json(examination: Examination) -> str:
    """The examination for machines: `format`, `fit`, and `findings`, each with its group."""
    findings = [
        {"group": group.title, **asdict(finding)}
        for group in examination.groups
        for finding in group.findings
    ]
    record = {"format": FORMAT, "fit": examination.fit, "findings": findings}
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def _print_finding(console: Console, finding: Finding, here: Path) -> None:
    mark, style = _MARKS[finding.status]
    head = Text.assemble("  ", (f"{mark:<3}", style), f"{finding.name:<{_NAME_WIDTH}} ")
    body = Text(finding.found, style="dim" if finding.status == "unknown" else "")
    _print_beside(console, head, body)
    for line in _facts(finding, here):
        _print_whole(console, Text(f"{_INDENT}{line}", style="dim"))
    if finding.status not in {"advice", "problem"}:
        return
    _print_beside(console, Text(f"{_INDENT}why: "), Text(finding.why, style="dim"))
    if finding.remedy:
        _print_beside(console, Text(f"{_INDENT}do:  "), Text(finding.remedy))
    if finding.command:
        _print_whole(console, Text.assemble("     $ ", (finding.command, "cyan")))


def _print_beside(console: Console, head: Text, body: Text) -> None:
    """Prints a text beside its head, folded to the page and without spaces at a line's end."""
    indent = " " * head.cell_len
    lines = body.wrap(console, max(_NARROWEST, console.width - head.cell_len)) or [Text()]
    for number, line in enumerate(lines):
        line.rstrip()
        console.print(Text.assemble(indent if number else head, line), soft_wrap=True)


def _print_whole(console: Console, line: Text) -> None:
    """Prints what is to be copied, a command or a path, on one line however long it is."""
    console.print(line, soft_wrap=True)


def _facts(finding: Finding, here: Path) -> Iterator[str]:
    if sha256 := finding.facts.get("sha256"):
        yield f"sha256 {sha256[:_SHA256_SHOWN]}..."
    # A wheel's file is long to read and told by the wheel's name; JSON has it in full.
    if (path := finding.facts.get("path")) and finding.facts.get("origin") != "wheel":
        yield str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def _legend() -> str:
    return "ok good   ! advice   x timing is impossible   ? this machine does not tell"


def _count(examination: Examination, status: str) -> int:
    return sum(finding.status == status for finding in examination.findings)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
