"""The commands for a night's work: start it, look at it, read what came of it."""

from __future__ import annotations

import argparse
import shlex

from runner.batch import Wishes, find_summary, foresee_batch, run_batch
from runner.errors import ExitCode
from runner.output import write
from runner.pipeline import Places
from runner.report.summary import as_markdown, print_summary
from runner.report.terminal import make_console
from runner.report.watching import as_json, status_lines
from runner.spec.checking import read_specs
from runner.steps import viewing


def batch(options: argparse.Namespace) -> ExitCode:
    """`retime batch`."""
    specs = read_specs(options.specs, options.settings)
    wishes = Wishes(
        command=shlex.join(["retime", *options.arguments]),
        settings=options.settings,
        max_time_s=options.max_time,
        last_command=options.then,
        verbose=options.verbose,
    )
    if options.dry_run:
        foresee_batch(specs, _places(options), make_console(), wishes)
        return ExitCode.DONE
    return run_batch(specs, _places(options), make_console(), wishes)


def watch(options: argparse.Namespace) -> ExitCode:
    """`retime watch`."""
    viewing.watch(options.runs, make_console(), options.every)
    return ExitCode.DONE


def status(options: argparse.Namespace) -> ExitCode:
    """`retime status`."""
    view = viewing.look(options.runs)
    write(as_json(view) if options.format == "json" else "\n".join(status_lines(view)))
    return ExitCode.DONE if view.works or not view.is_cut_off else ExitCode.INTERRUPTED


def summary(options: argparse.Namespace) -> ExitCode:
    """`retime summary`."""
    found = find_summary(_places(options), options.batch)
    if options.format == "text":
        print_summary(make_console(), found)
    else:
        write(found.as_json() if options.format == "json" else as_markdown(found))
    return found.exit_code


def _places(options: argparse.Namespace) -> Places:
    return Places(runs=options.runs, cache=options.cache)
