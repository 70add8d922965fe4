"""The page that an examination becomes: readable in 80 columns, copyable, and the same as JSON."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from runner.report.fitness import as_json, headline, print_examination
from runner.timing.fitness.findings import Examination, Finding, Group, Status

pytestmark = pytest.mark.fast

HERE = Path("/somewhere")
LONG = "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor " * 2
GOOD = Finding(
    "TFLite",
    "good",
    "2.17.1",
    "it runs the models",
    "is not shown",
    "not --shown",
    {"origin": "environment", "path": f"{HERE}/mine/lib.so", "sha256": "0123456789abcdef"},
)
ADVICE = Finding("governor", "advice", "powersave " * 12, "because " * 12, "do " * 40, LONG)
PROBLEM = Finding("harness", "problem", "not built", "nothing is timed", "build it", "make setup")
UNKNOWN = Finding("turbo", "unknown", "not told [bold]here[/bold]", "it matters")


def examination(*findings: Finding) -> Examination:
    return Examination((Group("Software", findings[:1]), Group("Processor", findings[1:])))


def page(*findings: Finding) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=80, highlight=False)
    print_examination(console, examination(*findings), HERE)
    return file.getvalue().splitlines()


def test_no_line_is_wider_than_the_page_or_ends_with_spaces_but_what_is_to_be_copied() -> None:
    lines = page(GOOD, ADVICE, PROBLEM, UNKNOWN)
    assert not [line for line in lines if len(line) > 80 and not line.startswith("     $ ")]
    assert not [line for line in lines if line != line.rstrip() and "$" not in line]


def test_a_command_stands_on_one_line_however_long_it_is() -> None:
    assert f"     $ {LONG}" in page(GOOD, ADVICE)


def test_a_piped_page_has_no_colour() -> None:
    assert "\x1b" not in "\n".join(page(GOOD, ADVICE, PROBLEM, UNKNOWN))


def test_what_is_in_order_takes_no_reasons_and_what_is_not_has_them() -> None:
    good = "\n".join(page(GOOD))
    assert "why:" not in good
    assert "shown" not in good
    problem = "\n".join(page(GOOD, PROBLEM))
    for words in ("why: nothing is timed", "do:  build it", "$ make setup"):
        assert words in problem


def test_paths_below_this_folder_are_short_and_a_hash_is_cut_with_a_sign_of_it() -> None:
    lines = [line.strip() for line in page(GOOD)]
    assert "mine/lib.so" in lines
    assert "sha256 0123456789ab..." in lines


def test_a_path_inside_a_wheel_is_told_by_the_wheels_name() -> None:
    packed = replace(GOOD, facts={**GOOD.facts, "origin": "wheel"})
    assert "lib.so" not in "\n".join(page(packed))


def test_brackets_in_what_was_found_are_printed_as_they_are() -> None:
    assert "not told [bold]here[/bold]" in "\n".join(page(GOOD, UNKNOWN))


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        ((GOOD, UNKNOWN), "This machine is fit to measure."),
        ((GOOD, ADVICE), "This machine is fit to measure. 1 point of advice, marked !."),
        ((PROBLEM, ADVICE), "This machine can't measure yet: 1 problem, marked x."),
        ((PROBLEM, PROBLEM), "This machine can't measure yet: 2 problems, marked x."),
    ],
)
def test_the_first_line_is_the_answer(findings: tuple[Finding, ...], words: str) -> None:
    assert headline(examination(*findings)) == words
    assert page(*findings)[0] == words


@pytest.mark.parametrize(("other", "fit"), [(ADVICE, True), (PROBLEM, False)])
def test_json_says_the_same_in_full(other: Finding, *, fit: bool) -> None:
    record = json.loads(as_json(examination(GOOD, other)))
    assert (record["format"], record["fit"]) == (1, fit)
    first, second = record["findings"]
    assert (first["group"], second["group"]) == ("Software", "Processor")
    assert first["facts"]["sha256"] == "0123456789abcdef"
    assert second["command"] == other.command


def test_every_status_has_a_mark() -> None:
    statuses: tuple[Status, ...] = ("good", "advice", "problem", "unknown")
    shown = page(*(Finding("x", status, "y", "z") for status in statuses))
    marks = [line[2:5].strip() for line in shown if line.endswith(" y")]
    assert marks == ["ok", "!", "x", "?"]
