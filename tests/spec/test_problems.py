"""Problems as text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.errors import Problem
from runner.spec.problems import format_problem
from runner.spec.validate import MOST_PROBLEMS

pytestmark = pytest.mark.fast


def problem(source: str, column: int) -> Problem:
    return Problem("x.yaml", 12, column, "a.b", "wrong", remedy="mend it", source=source)


def test_caret_stands_under_the_column() -> None:
    assert format_problem(problem("  b: 3", 3)).splitlines() == [
        "x.yaml:12:3: a.b: wrong",
        "   12 |   b: 3",
        "      |   ^",
        "  Remedy: mend it",
    ]


def test_a_problem_with_the_file_has_no_source_line() -> None:
    whole = Problem("x.yaml", 0, 0, "", "the file is empty")
    assert format_problem(whole) == "x.yaml: the file is empty"


def test_caret_allows_for_wide_and_combining_characters() -> None:
    _, source, caret, _ = format_problem(problem("遅e\u0301: 3", 6)).splitlines()
    assert source == "   12 | 遅e\u0301: 3"
    assert caret.index("^") == len("   12 | ") + len("遅 e: ")


def test_long_lines_are_cut_around_the_column() -> None:
    _, source, caret, _ = format_problem(problem("x" * 5000 + "Y" + "z" * 5000, 5001)).splitlines()
    assert len(source) < 120
    assert source[caret.index("^")] == "Y"


def test_terminals_are_left_alone() -> None:
    text = format_problem(problem("a: \x1b[31m\ttext", 4))
    assert "\x1b" not in text
    assert "\t" not in text


def test_there_is_an_end_to_problems(
    problems: Callable[[str], list[Problem]], smallest: str
) -> None:
    many = problems(smallest + "".join(f"key{index}: 1\n" for index in range(500)))
    assert len(many) == MOST_PROBLEMS + 1
    assert many[0].line == 0
    assert "there are more" in many[0].message


def test_problems_come_in_the_order_of_the_file(
    problems: Callable[[str], list[Problem]], smallest: str
) -> None:
    found = problems(f"{smallest}zz: 1\nquantize: int9\nyy: 2\n  # end\n")
    assert [one.line for one in found] == [6, 7, 8]
