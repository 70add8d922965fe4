"""Problems as people read them: the headline, the source line with a caret, and the remedy."""

from __future__ import annotations

import unicodedata

from runner.errors import Problem

# The most columns of a source line that are shown, and what stands before them.
WIDEST = 100
_LINE_NUMBER_WIDTH = 5
GUTTER = _LINE_NUMBER_WIDTH + len(" | ")


def format_problem(problem: Problem, width: int = WIDEST) -> str:
    """The problem as plain text of one to four lines.

    Args:
        width: the most columns of the source line that are shown.
    """
    lines = [problem.headline()]
    if problem.line:
        lines += _source(problem, min(width, WIDEST))
    if problem.remedy:
        lines.append(f"  Remedy: {problem.remedy}")
    return "\n".join(lines)


def _source(problem: Problem, width: int) -> list[str]:
    """The source line, cut to a window around the column where it is long, and its caret."""
    start = max(0, problem.column - 1 - width // 2)
    if len(problem.source) <= width:
        start = 0
    window = problem.source[start : start + width]
    shown = "".join(char if char.isprintable() else _stand_in(char) for char in window)
    before = shown[: problem.column - 1 - start]
    gutter = f"{problem.line:>{_LINE_NUMBER_WIDTH}} | "
    empty = f"{'':>{_LINE_NUMBER_WIDTH}} | "
    return [(gutter + shown).rstrip(), f"{empty}{' ' * sum(map(_width, before))}^"]


def _stand_in(char: str) -> str:
    return " " if char.isspace() else "?"


def _width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def as_github(problem: Problem) -> str:
    """The problem as a workflow command, which GitHub shows as a note on the line.

    Format: "Workflow commands for GitHub Actions", GitHub Docs.
    """
    text = ": ".join(part for part in (problem.path, problem.message) if part)
    text += f"\nRemedy: {problem.remedy}" if problem.remedy else ""
    place = f"file={_property(problem.file)}"
    if problem.line:
        place += f",line={problem.line},col={problem.column}"
    return f"::error {place},title=Retime spec::{_data(text)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
