"""The commands for a night's work: start it, look at it, read what came of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from runner.arguments.parts import (
    ShellWords,
    add_command,
    add_format,
    add_settings,
    add_verbose,
    complete,
)
from runner.units import parse_duration_s


def add_batch(commands: Any, words: ShellWords) -> None:
    """`batch`."""
    batch = add_command(
        commands,
        "batch",
        "answer many specs, one after the other, overnight",
        """
        Checks all specs before anything runs. Then answers one after the other, by their
        priority, and what takes less time first; what several need is built once. Whatever
        happens to one of them, the others get their turn. Killed, interrupted or out of time,
        the same command goes on where it stopped. At the end it prints a summary, which is
        also kept as a file.
        """,
        """
        retime batch specs/claims/*.yaml
        retime batch a.yaml b.yaml --max-time 10h
        retime batch a.yaml b.yaml --dry-run         the order and the time alone
        retime batch a.yaml --then 'mail -s retime me@example.org'
        """,
    )
    specs = batch.add_argument(
        "specs", nargs="+", metavar="SPEC", help="YAML files, or patterns such as 'specs/*.yaml'"
    )
    batch.add_argument(
        "--max-time",
        type=_duration_s,
        metavar="TIME",
        help="in all, such as 10h; what is not finished by then is left for the next time",
    )
    batch.add_argument(
        "--dry-run", action="store_true", help="show the order and the time; run nothing"
    )
    batch.add_argument(
        "--then",
        metavar="COMMAND",
        default="",
        help="for /bin/sh at the end, with the summary on its standard input",
    )
    add_settings(batch)
    add_verbose(batch)
    complete(words.files, specs)


def add_watch(commands: Any) -> None:
    """`watch`."""
    watch = add_command(
        commands,
        "watch",
        "watch a batch or a bench that is at work, from another terminal",
        """
        Draws what is at work, how far it is and how long it will likely take, until nothing is
        at work or Ctrl-C ends it; the work itself goes on. It looks rarely, so as to disturb
        little; a block that it does disturb is done again as any other.
        """,
        """
        retime watch
        retime watch --every 1m
        """,
    )
    watch.add_argument(
        "--every",
        type=_duration_s,
        default=5.0,
        metavar="TIME",
        help="how often to look (default: 5s)",
    )


def add_status(commands: Any) -> None:
    """`status`."""
    status = add_command(
        commands,
        "status",
        "say in one line what is at work, and how far it is",
        """
        One line for each process at work in this folder of runs; or what the last batch came
        to. Ends with exit code 0 where something is at work or the last batch came to its end.
        """,
        """
        retime status
        retime status --format json
        """,
    )
    add_format(status)


def add_summary(commands: Any, words: ShellWords) -> None:
    """`summary`."""
    summary = add_command(
        commands,
        "summary",
        "read what came of a batch",
        """
        What was asked, the answers in sentences, what failed and why, what was done again, and
        what to do next. Ends with the exit code of the spec that ended worst. Also of a batch
        that is at work or was cut off.
        """,
        """
        retime summary                               the newest batch
        retime summary runs/_batches/BATCH
        retime summary --format markdown > night.md
        """,
    )
    batch = summary.add_argument(
        "batch", type=Path, nargs="?", metavar="BATCH", help="a batch's folder (default: newest)"
    )
    summary.add_argument(
        "--format",
        choices=("text", "markdown", "json"),
        default="text",
        help="for people, as a file, or for machines (default: text)",
    )
    complete(words.folders, batch)


def _duration_s(text: str) -> float:
    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
