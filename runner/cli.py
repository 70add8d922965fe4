"""Arguments in, exit codes out. What a command does is in `pipeline`."""

from __future__ import annotations

import argparse
import gc
import io
import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.arguments import COMPARE_SETTINGS, ShellWords, make_parser
from runner.errors import (
    ExitCode,
    RetimeError,
    SpecError,
    StageError,
)
from runner.interrupts import listen
from runner.output import write

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
    except Exception as error:
        from runner.unforeseen import explain

        explained = explain(error, Path(options.cache).parent / "bug.log")
        _print_error(explained)
        return int(explained.exit_code)


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
    return bench(
        spec,
        _places(options),
        make_console(),
        command=command,
        fresh=options.fresh,
        verbose=options.verbose,
    )


def _init(options: argparse.Namespace) -> ExitCode:
    from runner.spec.starting import write_starter

    said = write_starter(options.file, options.architecture, options.models, force=options.force)
    write(said)
    return ExitCode.DONE


def _validate(options: argparse.Namespace) -> ExitCode:
    from runner.spec.checking import check_files

    checked = check_files(options.spec, options.settings)
    if options.format == "json":
        write(json.dumps([one.as_record() for one in checked], indent=1))
    elif options.format == "github":
        from runner.spec.problems import as_github

        write("".join(as_github(problem) for one in checked for problem in one.problems))
    else:
        write("".join(one.sentence() for one in checked))
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
        write(outlook.as_json())
    else:
        from runner.report.plan import print_plan
        from runner.report.terminal import make_console

        print_plan(make_console(), outlook)
    return ExitCode.DONE


def _report(options: argparse.Namespace) -> ExitCode:
    from runner.pipeline import exit_code, find_result

    result, folder = find_result(options.run, options.runs)
    if options.format == "text":
        from runner.report.console import print_report
        from runner.report.terminal import make_console

        print_report(make_console(), result, folder)
    elif options.format == "json":
        write(json.dumps(result, indent=1))
    else:
        from runner.steps.publishing import rendered

        write(rendered(result, folder, options.format))
    return exit_code(result)


def _batch(options: argparse.Namespace) -> ExitCode:
    from runner.overnight import batch

    return batch(options)


def _watch(options: argparse.Namespace) -> ExitCode:
    from runner.overnight import watch

    return watch(options)


def _status(options: argparse.Namespace) -> ExitCode:
    from runner.overnight import status

    return status(options)


def _summary(options: argparse.Namespace) -> ExitCode:
    from runner.overnight import summary

    return summary(options)


def _compare(options: argparse.Namespace) -> ExitCode:
    from runner.keeping import compare

    return compare(options)


def _runs(options: argparse.Namespace) -> ExitCode:
    from runner.keeping import runs

    return runs(options)


def _cache(options: argparse.Namespace) -> ExitCode:
    from runner.keeping import cache

    return cache(options)


def _doctor(options: argparse.Namespace) -> ExitCode:
    from runner.timing.fitness.examination import examine

    examination = examine(options.runs, options.cache)
    if options.format == "json":
        from runner.report.fitness import as_json

        write(as_json(examination))
    else:
        from runner.report.fitness import print_examination
        from runner.report.terminal import make_console

        print_examination(make_console(), examination, Path.cwd())
    return ExitCode.DONE if examination.fit else ExitCode.UNUSABLE_ENVIRONMENT


def _schema(options: argparse.Namespace) -> ExitCode:
    from runner.spec.schema import schema_path

    path = schema_path().with_name(f"{options.which}.schema.json")
    if options.where:
        write(f"{path}\n")
    elif options.format == "json":
        write(path.read_text(encoding="utf-8"))
    else:
        from runner.report.reference import reference_page

        write(reference_page(json.loads(path.read_text(encoding="utf-8"))))
    return ExitCode.DONE


def _completion(options: argparse.Namespace) -> ExitCode:
    import shtab

    words = ShellWords(files=shtab.FILE, folders=shtab.DIR)
    write(shtab.complete(make_parser(words), shell=options.shell))
    return ExitCode.DONE


_COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace], ExitCode]]] = {
    "init": _init,
    "validate": _validate,
    "plan": _plan,
    "bench": _bench,
    "compare-models": _compare_models,
    "report": _report,
    "batch": _batch,
    "watch": _watch,
    "status": _status,
    "summary": _summary,
    "compare": _compare,
    "runs": _runs,
    "cache": _cache,
    "doctor": _doctor,
    "schema": _schema,
    "completion": _completion,
}


def _places(options: argparse.Namespace) -> Places:
    from runner.pipeline import Places

    return Places(runs=options.runs, cache=options.cache)


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
