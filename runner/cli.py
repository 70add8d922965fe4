"""Arguments in, exit codes out. What a command does is in `pipeline`."""

from __future__ import annotations

import argparse
import errno
import gc
import io
import json
import os
import shlex
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.arguments import COMPARE_SETTINGS, ShellWords, make_parser
from runner.errors import (
    EnvironmentUnusableError,
    ExitCode,
    RetimeError,
    SpecError,
    StageError,
)
from runner.interrupts import listen

if TYPE_CHECKING:
    from runner.pipeline import Places
    from runner.spec.model import Spec


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code; no exception leaves here but Ctrl-C's."""
    listen()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A letter that the output can't take is no reason to end.
        sys.stdout.reconfigure(errors="backslashreplace")
    options = make_parser().parse_args(arguments)
    options.arguments = arguments
    try:
        return int(_COMMANDS[options.command](options))
    except SpecError as error:
        _print_problems(error)
        return int(error.exit_code)
    except RetimeError as error:
        _print_error(error)
        return int(error.exit_code)
    except OSError as error:
        _print_error(_explain_os_error(error))
        return int(ExitCode.UNUSABLE_ENVIRONMENT)
    except Exception as error:
        return _print_bug(error, options)


def _bench(options: argparse.Namespace) -> ExitCode:
    from runner.spec.expand import read_spec

    return _run_bench(read_spec(options.spec, options.settings), options)


def _compare_models(options: argparse.Namespace) -> ExitCode:
    from runner.spec.comparing import read_comparison

    chosen = [
        f"{path}={getattr(options, option.strip('-').replace('-', '_'))}"
        for option, path, _ in COMPARE_SETTINGS
        if getattr(options, option.strip("-").replace("-", "_")) is not None
    ]
    return _run_bench(read_comparison(options.models, [*chosen, *options.settings]), options)


def _run_bench(spec: Spec, options: argparse.Namespace) -> ExitCode:
    from runner.pipeline import bench
    from runner.report.terminal import make_console

    command = shlex.join(["retime", *options.arguments])
    return bench(spec, _places(options), make_console(), command=command, fresh=options.fresh)


def _init(options: argparse.Namespace) -> ExitCode:
    from runner.spec.starting import write_starter

    said = write_starter(options.file, options.architecture, options.models, force=options.force)
    _write(said)
    return ExitCode.DONE


def _validate(options: argparse.Namespace) -> ExitCode:
    from runner.spec.checking import check_files

    checked = check_files(options.spec, options.settings)
    if options.format == "json":
        _write(json.dumps([one.as_record() for one in checked], indent=1))
    elif options.format == "github":
        from runner.spec.problems import as_github

        _write("".join(as_github(problem) for one in checked for problem in one.problems))
    else:
        _write("".join(one.sentence() for one in checked))
        problems = [problem for one in checked for problem in one.problems]
        if problems:
            raise SpecError(problems)
    return ExitCode.DONE if all(one.family for one in checked) else ExitCode.BAD_INPUT


def _plan(options: argparse.Namespace) -> ExitCode:
    from runner.pipeline import foresee_bench
    from runner.spec.expand import read_spec

    # A plan lives as long as the process; looking for garbage in it only takes time.
    gc.disable()
    outlook = foresee_bench(read_spec(options.spec, options.settings), _places(options))
    if options.format == "json":
        _write(outlook.as_json())
    else:
        from runner.report.plan import print_plan
        from runner.report.terminal import make_console

        print_plan(make_console(), outlook)
    return ExitCode.DONE


def _report(options: argparse.Namespace) -> ExitCode:
    from runner.pipeline import exit_code, find_result

    result, folder = find_result(options.run)
    if options.format == "text":
        from runner.report.console import print_report
        from runner.report.terminal import make_console

        print_report(make_console(), result, folder)
    elif options.format == "json":
        _write(json.dumps(result, indent=1))
    else:
        from runner.steps.publishing import rendered

        _write(rendered(result, folder, options.format))
    return exit_code(result)


def _doctor(options: argparse.Namespace) -> ExitCode:
    from runner.timing.fitness.examination import examine

    examination = examine(options.runs, options.cache)
    if options.format == "json":
        from runner.report.fitness import as_json

        _write(as_json(examination))
    else:
        from runner.report.fitness import print_examination
        from runner.report.terminal import make_console

        print_examination(make_console(), examination, Path.cwd())
    return ExitCode.DONE if examination.fit else ExitCode.UNUSABLE_ENVIRONMENT


def _schema(options: argparse.Namespace) -> ExitCode:
    from runner.spec.schema import schema_path

    path = schema_path().with_name(f"{options.which}.schema.json")
    if options.where:
        _write(f"{path}\n")
    elif options.format == "json":
        _write(path.read_text(encoding="utf-8"))
    else:
        from runner.report.reference import reference_page

        _write(reference_page(json.loads(path.read_text(encoding="utf-8"))))
    return ExitCode.DONE


def _completion(options: argparse.Namespace) -> ExitCode:
    import shtab

    words = ShellWords(files=shtab.FILE, folders=shtab.DIR)
    _write(shtab.complete(make_parser(words), shell=options.shell))
    return ExitCode.DONE


_COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace], ExitCode]]] = {
    "init": _init,
    "validate": _validate,
    "plan": _plan,
    "bench": _bench,
    "compare-models": _compare_models,
    "report": _report,
    "doctor": _doctor,
    "schema": _schema,
    "completion": _completion,
}


def _places(options: argparse.Namespace) -> Places:
    from runner.pipeline import Places

    return Places(runs=options.runs, cache=options.cache)


def _write(text: str) -> None:
    """Writes to standard output, which whoever reads it may close when it has enough."""
    if not text:
        return
    try:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_problems(error: SpecError) -> None:
    from rich.text import Text

    from runner.report.terminal import make_console
    from runner.spec.problems import GUTTER, WIDEST, format_problem

    console = make_console(stderr=True)
    for problem in error.problems:
        text = format_problem(problem, console.width - GUTTER if console.is_terminal else WIDEST)
        console.print(Text(text), soft_wrap=True)
        console.print()
    count = sum(1 for problem in error.problems if not problem.is_remark)
    more = "More than " if count < len(error.problems) else ""
    last = f"{more}{count} problem{'s' * (count != 1)}; nothing was run."
    console.print(Text(last, style="bold"), soft_wrap=True)


def _print_error(error: RetimeError) -> None:
    from rich.text import Text

    from runner.report.terminal import make_console

    console = make_console(stderr=True)
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


def _print_bug(error: Exception, options: argparse.Namespace) -> int:
    """A bug in Retime: the traceback goes to a file, a sentence to the user."""
    log = Path(options.cache).parent / "bug.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        remedy = f"please report it with {log}; everything finished is kept"
    except OSError:
        remedy = "please report it; everything finished is kept"
    what = f"this is a bug in Retime: {type(error).__name__}: {error}"
    _print_error(EnvironmentUnusableError(what, remedy=remedy))
    return int(ExitCode.UNUSABLE_ENVIRONMENT)
