"""The commands on what is kept: artifacts, and the results of earlier runs."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from runner.errors import ArgumentError, ExitCode
from runner.output import write
from runner.report.terminal import make_console

if TYPE_CHECKING:
    from runner.report.comparison import RunNamed


def cache(options: argparse.Namespace) -> ExitCode:
    """`retime cache` and its actions."""
    actions = {None: _list_cache, "verify": _verify_cache, "prune": _prune_cache}
    return actions[options.action](options)


def compare(options: argparse.Namespace) -> ExitCode:
    """`retime compare`."""
    from runner.analysis.side_by_side import put_side_by_side
    from runner.report.comparison import comparison_as_json, print_comparison

    first, second = (_named(run, options.runs) for run in (options.first, options.second))
    _check_comparable(first, second)
    found = put_side_by_side(first.result, second.result)
    if options.format == "json":
        write(comparison_as_json(first, second, found))
    else:
        print_comparison(make_console(), first, second, found)
    return ExitCode.DONE


def _named(run: Path, runs: Path) -> RunNamed:
    """A run that is named by its folder, by that below the folder of results, or by its spec's."""
    from runner.pipeline import find_result
    from runner.report.comparison import RunNamed

    result, found = find_result(run, runs)
    return RunNamed(f"{found.absolute().parent.name}/{found.absolute().name}", result)


def _check_comparable(first: RunNamed, second: RunNamed) -> None:
    if first.result["run_id"] == second.result["run_id"]:
        raise ArgumentError(
            "both are the same run",
            where=first.name,
            remedy="name two runs; retime runs lists them. A spec's folder means its newest",
        )
    names = [{variant["name"] for variant in run.result["variants"]} for run in (first, second)]
    if not names[0] & names[1]:
        raise ArgumentError(
            "these runs answer different questions",
            where=f"{first.name} and {second.name}",
            why=f"no variant is in both: {_some(names[0])} in the first, "
            f"{_some(names[1])} in the second",
            remedy="name two runs of the same spec; retime runs lists them",
        )


def _some(names: set[str]) -> str:
    shown = sorted(names)[:3]
    return ", ".join(shown) + " and more" * (len(names) > len(shown))


def runs(options: argparse.Namespace) -> ExitCode:
    """`retime runs`."""
    from runner.report.history import print_runs, runs_as_json
    from runner.store.history import Filter, list_runs

    wanted = Filter(
        text=options.text or "",
        host=options.host or "",
        status=options.status or "",
        verdict=options.verdict or "",
        variant=options.variant or "",
        since_s=options.since,
        before_s=options.until,
    )
    listing = list_runs(options.runs, wanted, options.limit)
    if options.format == "json":
        write(runs_as_json(listing))
    else:
        print_runs(make_console(), listing, now_s=time.time())
    return ExitCode.DONE


def _list_cache(options: argparse.Namespace) -> ExitCode:
    from runner.report.cache import print_stock, stock_as_json
    from runner.store.files import free_bytes
    from runner.store.stock import take_stock

    stock, free = take_stock(options.cache, options.runs), free_bytes(options.cache)
    if options.format == "json":
        write(stock_as_json(stock, free))
    else:
        print_stock(
            make_console(),
            stock,
            now_s=time.time(),
            free_bytes=free,
            order=options.sort,
            limit=options.limit,
        )
    return ExitCode.DONE


def _verify_cache(options: argparse.Namespace) -> ExitCode:
    from runner.report.cache import damages_as_json, print_damages
    from runner.report.progress import BarDisplay
    from runner.steps.clearing import remove_damaged, verify

    console = make_console(stderr=options.format == "json")
    if console.is_terminal:
        with BarDisplay(console) as display:
            task = display.task("verify")
            count, damages = verify(options.cache, options.runs, task)
            task.end(f"{count} artifacts")
    else:
        count, damages = verify(options.cache, options.runs)
    if damages and options.repair:
        damages = remove_damaged(options.cache, damages, _told(console))
    if options.format == "json":
        write(damages_as_json(count, damages))
    else:
        print_damages(console, count, damages)
    is_sound = all(one.is_removed for one in damages)
    return ExitCode.DONE if is_sound else ExitCode.UNUSABLE_ENVIRONMENT


def _prune_cache(options: argparse.Namespace) -> ExitCode:
    from runner.report.cache import choice_as_json, print_choice
    from runner.steps.clearing import prune
    from runner.store.pruning import Wish

    wish = Wish(options.older_than, options.unused, options.to_size, options.unfinished)
    if wish.is_empty:
        raise ArgumentError(
            "what is to be removed is not said",
            where="retime cache prune",
            remedy="add --older-than 30d, --unused or --to-size 10GiB; --dry-run shows what goes",
        )
    console = make_console(stderr=options.format == "json")
    choice = prune(options.cache, options.runs, wish, _told(console), dry_run=options.dry_run)
    if options.format == "json":
        write(choice_as_json(choice, dry_run=options.dry_run))
    else:
        print_choice(console, choice, now_s=time.time(), dry_run=options.dry_run)
    return ExitCode.DONE


def _told(console: Console) -> Callable[[str], None]:
    return lambda owner: console.print(f"Waiting: {owner} holds the cache.", highlight=False)
