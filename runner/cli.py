"""Arguments in, exit codes out. What a command does is in `pipeline`."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console
from rich.text import Text

from runner import __version__
from runner.errors import (
    EnvironmentUnusableError,
    ExitCode,
    Problem,
    RetimeError,
    SpecError,
    StageError,
)

if TYPE_CHECKING:
    from runner.pipeline import Places

_LOG_WIDTH = 80
_EPILOG = """\
examples:
  retime bench specs/quickstart.yaml      train, convert, time, report; goes on if interrupted
  retime validate specs/*.yaml            every problem with its line, nothing is run
  retime plan specs/quickstart.yaml       what would run, and why
  retime report runs/quickstart/RUN       the report of an earlier run

exit codes:
  0 done and all expectations hold    1 an expectation failed
  2 the spec or the arguments are wrong    3 some variants failed, the rest are reported
  4 this machine lacks something    130 interrupted, the same command goes on
"""


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code; no exception leaves here but Ctrl-C's."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    options = _parser().parse_args(arguments)
    output, errors = _console(stderr=False), _console(stderr=True)
    command: Callable[[argparse.Namespace, Console], ExitCode] = options.command
    try:
        return int(command(options, output))
    except SpecError as error:
        _print_problems(errors, error)
        return int(error.exit_code)
    except RetimeError as error:
        _print_error(errors, error)
        return int(error.exit_code)
    except OSError as error:
        _print_error(errors, _explain_os_error(error))
        return int(ExitCode.UNUSABLE_ENVIRONMENT)
    except Exception as error:
        return _print_bug(errors, error, options)


def _bench(options: argparse.Namespace, console: Console) -> ExitCode:
    from runner.pipeline import bench

    return bench(options.spec, _places(options), console, fresh=options.fresh)


def _validate(options: argparse.Namespace, console: Console) -> ExitCode:
    from runner.spec.expand import read_spec

    problems: list[Problem] = []
    for path in options.spec:
        try:
            spec = read_spec(path)
        except SpecError as error:
            problems.extend(error.problems)
        else:
            console.print(
                f"{path}: valid, {len(spec.variants)} variants", markup=False, highlight=False
            )
    if problems:
        raise SpecError(problems)
    return ExitCode.DONE


def _plan(options: argparse.Namespace, console: Console) -> ExitCode:
    from runner.pipeline import show_plan

    show_plan(options.spec, _places(options), console)
    return ExitCode.DONE


def _report(options: argparse.Namespace, console: Console) -> ExitCode:
    from runner.pipeline import report

    return report(options.run, console)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="retime",
        description="Does retraining change how long a model takes to run, by how much, and why?",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"retime {__version__}")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), help="folder of results (default: runs)"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(".retime/artifacts"),
        help="folder of what stages made (default: .retime/artifacts)",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    bench = commands.add_parser("bench", help="answer a spec's question")
    bench.add_argument("spec", type=Path)
    bench.add_argument("--fresh", action="store_true", help="measure anew, though it was before")
    bench.set_defaults(command=_bench)

    validate = commands.add_parser("validate", help="check specs, run nothing")
    validate.add_argument("spec", type=Path, nargs="+")
    validate.set_defaults(command=_validate)

    plan = commands.add_parser("plan", help="show what would run, and why")
    plan.add_argument("spec", type=Path)
    plan.set_defaults(command=_plan)

    report = commands.add_parser("report", help="show the result of an earlier run")
    report.add_argument("run", type=Path, help="a run's folder, or the folder of a spec's runs")
    report.set_defaults(command=_report)
    return parser


def _places(options: argparse.Namespace) -> Places:
    from runner.pipeline import Places

    return Places(runs=options.runs, cache=options.cache)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Whoever read the output has enough of it; the work goes on."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def _console(*, stderr: bool) -> Console:
    """80 columns where there is no terminal to ask, so that logs read the same everywhere."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _LOG_WIDTH
    return _Console(stderr=stderr, width=width, highlight=False)


def _print_problems(console: Console, error: SpecError) -> None:
    from runner.spec.problems import format_problem

    for problem in error.problems:
        console.print(Text(format_problem(problem)), soft_wrap=True)
        console.print()
    count = len(error.problems)
    console.print(Text(f"{count} problem{'s' * (count != 1)}; nothing was run.", style="bold"))


def _print_error(console: Console, error: RetimeError) -> None:
    where = f"{error.where}: " if error.where else ""
    console.print(
        Text.assemble(("retime: ", "bold red"), where, (error.what, "bold")), soft_wrap=True
    )
    if error.why:
        console.print(Text(f"  why: {error.why}"), soft_wrap=True)
    if error.remedy:
        console.print(Text(f"  do:  {error.remedy}"), soft_wrap=True)
    if isinstance(error, StageError) and error.log:
        console.print(Text(f"  log: {error.log}"), soft_wrap=True)


def _explain_os_error(error: OSError) -> EnvironmentUnusableError:
    where = str(error.filename or "")
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return EnvironmentUnusableError(
            "no space left on the device",
            where=where,
            why="what was being written is thrown away; everything finished is kept",
            remedy="free some room and run the same command again; it goes on where it stopped",
        )
    return EnvironmentUnusableError(
        error.strerror or str(error), where=where, remedy="check the path and its permissions"
    )


def _print_bug(console: Console, error: Exception, options: argparse.Namespace) -> int:
    """A bug in Retime: the traceback goes to a file, a sentence to the user."""
    log = Path(options.cache).parent / "bug.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        remedy = f"please report it with {log}; everything finished is kept"
    except OSError:
        remedy = "please report it; everything finished is kept"
    what = f"this is a bug in Retime: {type(error).__name__}: {error}"
    _print_error(console, EnvironmentUnusableError(what, remedy=remedy))
    return int(ExitCode.UNUSABLE_ENVIRONMENT)


def _as_interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
