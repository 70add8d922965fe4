"""What the command line understands, and the help that teaches it."""

from __future__ import annotations

import argparse
from pathlib import Path

from runner import __version__
from runner.arguments.batches import add_batch, add_status, add_summary, add_watch
from runner.arguments.helping import SHELLS, add_completion, add_doctor, add_schema
from runner.arguments.keeping import add_cache, add_compare, add_report, add_runs
from runner.arguments.parts import NO_WORDS, ShellWords, complete
from runner.arguments.working import (
    COMPARE_SETTINGS,
    add_bench,
    add_compare_models,
    add_init,
    add_plan,
    add_validate,
)

__all__ = ["COMPARE_SETTINGS", "SHELLS", "ShellWords", "make_parser"]

_EPILOG = """\
examples:
  retime doctor                           is this machine fit to measure?
  retime init                             a commented spec to start from
  retime compare-models a.tflite b.tflite is b slower? No spec, no training
  retime bench specs/quickstart.yaml      train, convert, time, report; goes on if interrupted
  retime validate specs/*.yaml            every problem with its line, nothing is run
  retime plan specs/quickstart.yaml       what would run, and why
  retime report runs/quickstart/RUN       the report of an earlier run
  retime compare RUN_A RUN_B              what changed between two runs of a question?
  retime runs                             earlier runs, the newest first
  retime cache                            what stages made, and how much room it takes

`retime COMMAND --help` says more about each.

exit codes:
  0 done and all expectations hold    1 an expectation failed
  2 the spec or the arguments are wrong    3 some variants failed, the rest are reported
  4 this machine lacks something, or was never quiet    130 interrupted, the same command goes on
"""


def make_parser(words: ShellWords = NO_WORDS) -> argparse.ArgumentParser:
    """The whole command line; `command` names the command that was chosen."""
    parser = argparse.ArgumentParser(
        prog="retime",
        description="Does retraining change how long a model takes to run, by how much, and why?",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"retime {__version__}")
    runs = parser.add_argument(
        "--runs", type=Path, default=Path("runs"), help="folder of results (default: runs)"
    )
    cache = parser.add_argument(
        "--cache",
        type=Path,
        default=Path(".retime/artifacts"),
        help="folder of what stages made (default: .retime/artifacts)",
    )
    complete(words.folders, runs, cache)
    commands = parser.add_subparsers(
        title="commands", dest="command", required=True, metavar="COMMAND"
    )
    add_init(commands, words)
    add_validate(commands, words)
    add_plan(commands, words)
    add_bench(commands, words)
    add_compare_models(commands, words)
    add_report(commands, words)
    add_batch(commands, words)
    add_watch(commands)
    add_status(commands)
    add_summary(commands, words)
    add_compare(commands, words)
    add_runs(commands)
    add_cache(commands)
    add_doctor(commands)
    add_schema(commands)
    add_completion(commands)
    return parser
