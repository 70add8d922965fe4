"""The commands on what is kept: results of earlier runs, and what stages made."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

from runner.arguments.parts import ShellWords, add_command, add_format, complete
from runner.units import parse_bytes, parse_duration_s

STATUSES = ("done", "broken", "failed", "disturbed", "unfinished", "damaged")
VERDICTS = ("slower", "faster", "equivalent", "inconclusive")
_T = TypeVar("_T")


def add_report(commands: Any, words: ShellWords) -> None:
    """`retime report`."""
    report = add_command(
        commands,
        "report",
        "show the result of an earlier run",
        """
        Shows a result again, and ends with the exit code that its bench ended with.
        """,
        """
        retime report runs/quickstart                the newest result of that spec
        retime report quickstart/RUN                 one run, as retime runs names it
        retime report runs/quickstart --format csv > quickstart.csv
        """,
    )
    run = report.add_argument(
        "run", type=Path, metavar="RUN", help="a run's folder, or the folder of a spec's runs"
    )
    report.add_argument(
        "--format",
        choices=("text", "html", "csv", "markdown", "json"),
        default="text",
        help="for people, as a page, as a table, or for machines (default: text)",
    )
    complete(words.folders, run)


def add_compare(commands: Any, words: ShellWords) -> None:
    """`retime compare`."""
    compare = add_command(
        commands,
        "compare",
        "compare two runs of the same question",
        """
        Says first what differs in how they came about: spec, machine, system, library, settings,
        models. Then it sets the ratios to the baseline side by side, which were measured within
        each run, and says of each: changed by so much, same, or can't tell. Latencies are shown,
        and judged only where machine, library and settings are alike.
        """,
        """
        retime compare runs/q/20260101-180000-abcdef12 runs/q/20260102-180000-abcdef34
        retime compare runs/quickstart /mnt/board/runs/quickstart   the newest of each
        retime compare RUN_A RUN_B --format json
        """,
    )
    first = compare.add_argument(
        "first", type=Path, metavar="RUN_A", help="a run's folder, or that of a spec's runs"
    )
    second = compare.add_argument("second", type=Path, metavar="RUN_B", help="the same")
    add_format(compare)
    complete(words.folders, first, second)


def add_runs(commands: Any) -> None:
    """`retime runs`."""
    runs = add_command(
        commands,
        "runs",
        "list earlier runs, the newest first",
        """
        Says of each run what it found. What is given must all hold; texts are looked for inside
        names, whether large or small letters. Statuses: done; broken (a promise of the spec does
        not hold for certain); failed (a variant did); disturbed (the machine was never quiet);
        unfinished (no result yet, or cut short by --max-time); damaged (a result that can't be
        read).
        """,
        """
        retime runs                                   all, 20 at most
        retime runs dense --since 7d                  name or question, of a week
        retime runs --verdict slower --variant int8   where such a one was slower
        retime runs --status unfinished --limit 0
        retime runs --since 2026-01-01 --until 2026-01-31 --format json
        """,
    )
    runs.add_argument(
        "text", nargs="?", metavar="TEXT", help="a part of the spec's name or of the question"
    )
    runs.add_argument("--host", metavar="TEXT", help="a part of the machine's name")
    runs.add_argument("--status", choices=STATUSES, help="how the run stands")
    runs.add_argument("--verdict", choices=VERDICTS, help="what was found of a variant")
    runs.add_argument("--variant", metavar="TEXT", help="a part of a variant's name")
    runs.add_argument(
        "--since",
        type=_begin_of,
        metavar="WHEN",
        help="ended then or later: 2026-01-31, 2026-01-31T18:00 (UTC), or 12h or 7d ago",
    )
    runs.add_argument(
        "--until", type=_end_of, metavar="WHEN", help="ended then or earlier; a day is whole"
    )
    runs.add_argument(
        "--limit", type=_count, default=20, metavar="N", help="list N at most; 0 for all"
    )
    add_format(runs)


def add_cache(commands: Any) -> None:
    """`retime cache` and what can be done with it."""
    cache = add_command(
        commands,
        "cache",
        "show, check and clear up what stages made",
        """
        Without a further word it lists every artifact: the stage that made it, the start of its
        key, its size, when it was made and last used, and the runs that need it; then what
        unfinished stages left behind.
        """,
        """
        retime cache                                 what is there, the largest first
        retime cache --sort used --limit 0           all, the longest unused first
        retime cache verify                          is any of it damaged?
        retime cache prune --older-than 30d --dry-run
        retime --cache /data/cache cache             what another folder holds
        """,
    )
    cache.add_argument(
        "--sort",
        choices=("size", "used", "made"),
        default="size",
        help="the largest, the longest unused or the oldest first (default: size)",
    )
    cache.add_argument(
        "--limit", type=_count, default=40, metavar="N", help="list N at most; 0 for all"
    )
    add_format(cache)
    actions = cache.add_subparsers(title="actions", dest="action", metavar="ACTION")
    _add_verify(actions)
    _add_prune(actions)


def _add_verify(actions: Any) -> None:
    verify = add_command(
        actions,
        "verify",
        "read every artifact and name the damaged ones",
        """
        Holds every file against the length and the SHA-256 that its manifest states, and names
        those that differ, and who needs them. A bench does the same with what it uses, and makes
        what is damaged again. Ends with exit code 4 where something is damaged and stays.
        """,
        """
        retime cache verify
        retime cache verify --repair                 remove what is damaged
        retime cache verify --format json
        """,
    )
    verify.add_argument(
        "--repair",
        action="store_true",
        help="remove damaged artifacts, but none that a process is at work with",
    )
    add_format(verify, inherited=True)


def _add_prune(actions: Any) -> None:
    prune = add_command(
        actions,
        "prune",
        "remove artifacts by age, size or use",
        """
        Conditions that are given together must all hold. What a running bench may read is never
        removed, and what an unfinished run would go on with only if that is asked for. Results
        and samples are no artifacts: they stay. Drafts of processes that have ended go in any
        case. What is removed and needed again is made again.
        """,
        """
        retime cache prune --older-than 30d          not used for a month
        retime cache prune --unused --dry-run        what no run needs
        retime cache prune --to-size 10GiB           until 10 GiB are left
        retime cache prune --unused --older-than 7d
        """,
    )
    prune.add_argument(
        "--older-than",
        type=_read(parse_duration_s),
        metavar="AGE",
        help="not used for so long, such as 30d or 12h",
    )
    prune.add_argument(
        "--unused", action="store_true", help="planned by no run in the folder of results"
    )
    prune.add_argument(
        "--to-size",
        type=_read(parse_bytes),
        metavar="SIZE",
        help="the longest unused first, until no more than SIZE is left",
    )
    prune.add_argument(
        "--unfinished", action="store_true", help="also what an unfinished run would go on with"
    )
    prune.add_argument(
        "--dry-run", action="store_true", help="say what would be removed, remove nothing"
    )
    add_format(prune, inherited=True)


def _begin_of(text: str) -> float:
    return _moment_s(text, end=False)


def _end_of(text: str) -> float:
    return _moment_s(text, end=True)


def _moment_s(text: str, *, end: bool) -> float:
    """Seconds since 1970 at a moment in UTC, or so long ago; with `end`, when it is over."""
    try:
        return time.time() - parse_duration_s(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no moment; write 2026-01-31, 2026-01-31T18:00, or 7d for a week ago"
        ) from None
    moment = moment.replace(tzinfo=moment.tzinfo or timezone.utc)
    # A day, or a minute, is over when the next one begins.
    length = timedelta(days=1) if len(text) <= len("2026-01-31") else timedelta(minutes=1)
    return (moment + (length if end else timedelta())).timestamp()


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines")
    return int(text)


def _read(parse: Callable[[str], _T]) -> Callable[[str], _T]:
    """A reader of units whose complaint is shown as it is."""

    def read(text: str) -> _T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read
