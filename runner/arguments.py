"""What the command line understands, and the help that teaches it."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner import __version__

SHELLS = ("bash", "zsh", "tcsh")
SCHEMAS = ("spec", "result")
# Options of compare-models, the field that each sets, and an example.
COMPARE_SETTINGS = (
    ("--effect", "measure.effect", "1%%"),
    ("--max-time", "measure.max_time", "10m"),
    ("--quantize", "quantize", "float16"),
    ("--threads", "runtime.threads", "4"),
    ("--delegate", "runtime.delegate", "none"),
)
_WIDTH = 78

_EPILOG = """\
examples:
  retime doctor                           is this machine fit to measure?
  retime init                             a commented spec to start from
  retime compare-models a.tflite b.tflite is b slower? No spec, no training
  retime bench specs/quickstart.yaml      train, convert, time, report; goes on if interrupted
  retime validate specs/*.yaml            every problem with its line, nothing is run
  retime plan specs/quickstart.yaml       what would run, and why
  retime report runs/quickstart/RUN       the report of an earlier run

`retime COMMAND --help` says more about each.

exit codes:
  0 done and all expectations hold    1 an expectation failed
  2 the spec or the arguments are wrong    3 some variants failed, the rest are reported
  4 this machine lacks something    130 interrupted, the same command goes on
"""


@dataclass(frozen=True)
class ShellWords:
    """What a completion library calls its completions of files and folders.

    Empty but while a completion script is made: no other command pays for that library.
    """

    files: Mapping[str, Any] | None = None
    folders: Mapping[str, Any] | None = None


def make_parser(words: ShellWords = ShellWords()) -> argparse.ArgumentParser:
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
    _completed(words.folders, runs, cache)
    commands = parser.add_subparsers(
        title="commands", dest="command", required=True, metavar="COMMAND"
    )
    _add_init(commands, words)
    _add_validate(commands, words)
    _add_plan(commands, words)
    _add_bench(commands, words)
    _add_compare_models(commands, words)
    _add_report(commands, words)
    _add_doctor(commands)
    _add_schema(commands)
    _add_completion(commands)
    return parser


def _add_bench(commands: Any, words: ShellWords) -> None:
    bench = _command(
        commands,
        "bench",
        "answer a spec's question",
        """
        Builds what is missing, times every variant against the baseline in blocks of fresh
        processes, and reports. Called again it shows the result that stands, or goes on where
        it was interrupted.
        """,
        """
        retime bench specs/quickstart.yaml
        retime bench specs/quickstart.yaml --fresh   measure anew; keep what is built
        retime bench my.yaml --set measure.max_time=10m --set 'model.trainable=all'
        retime --runs /data/runs bench my.yaml       keep results elsewhere
        """,
    )
    spec = bench.add_argument("spec", type=Path, metavar="SPEC", help="a YAML file")
    _add_fresh(bench)
    _add_settings(bench)
    _completed(words.files, spec)


def _add_compare_models(commands: Any, words: ShellWords) -> None:
    compare = _command(
        commands,
        "compare-models",
        "time model files against each other, without a spec",
        """
        Answers whether the second model is slower than the first, by how much and how sure that
        is. Takes .tflite files as they are, and .keras files, .h5 files and SavedModel folders,
        which it converts. The same as a spec with an axis model.file; results are kept likewise.
        """,
        """
        retime compare-models base.tflite retrained.tflite
        retime compare-models base.tflite a.tflite b.tflite --effect 1% --max-time 10m
        retime compare-models old.keras new.keras --quantize float16 --threads 4
        """,
    )
    models = compare.add_argument(
        "models", nargs="+", metavar="MODEL", help="two files or more; the first is the baseline"
    )
    for option, path, example in COMPARE_SETTINGS:
        compare.add_argument(option, metavar="VALUE", help=f"sets {path}, for example {example}")
    _add_fresh(compare)
    _add_settings(compare)
    _completed(words.files, models)


def _add_init(commands: Any, words: ShellWords) -> None:
    init = _command(
        commands,
        "init",
        "write a commented spec to start from",
        """
        Asks nothing and runs nothing. The spec is whole: it can be run as it is, and every part
        says what it is for.
        """,
        """
        retime init                                  spec.yaml: two heads, two modes
        retime init heads.yaml --architecture EfficientNetB0
        retime init --from base.tflite retrained.tflite
        """,
    )
    file = init.add_argument(
        "file",
        type=Path,
        nargs="?",
        default=Path("spec.yaml"),
        metavar="FILE",
        help="what to write (default: spec.yaml)",
    )
    source = init.add_mutually_exclusive_group()
    source.add_argument("--architecture", metavar="NAME", help="a network of keras.applications")
    models = source.add_argument(
        "--from", dest="models", nargs="+", metavar="MODEL", help="finished networks to time"
    )
    init.add_argument("--force", action="store_true", help="write over a file that is there")
    _completed(words.files, file, models)


def _add_validate(commands: Any, words: ShellWords) -> None:
    validate = _command(
        commands,
        "validate",
        "check specs, run nothing",
        """
        Shows every problem of every file at once, each with its line, a caret and what was
        likely meant. Takes a fraction of a second and imports no TensorFlow.
        """,
        """
        retime validate specs/*.yaml
        retime validate my.yaml && retime bench my.yaml
        retime validate 'specs/**/*.yaml' --format github    notes on lines, in CI
        """,
    )
    spec = validate.add_argument(
        "spec", nargs="+", metavar="SPEC", help="YAML files, or patterns such as 'specs/*.yaml'"
    )
    validate.add_argument(
        "--format",
        choices=("text", "json", "github"),
        default="text",
        help="for people, for machines, or as notes that GitHub shows on lines (default: text)",
    )
    _add_settings(validate)
    _completed(words.files, spec)


def _add_plan(commands: Any, words: ShellWords) -> None:
    plan = _command(
        commands,
        "plan",
        "show what would run, and why",
        """
        Shows every stage with what a bench would do to it, and the reason: made before, never
        made, or what changed since; what it would cost; how many processes would be timed; and
        the smallest change of latency that the time allowed can be expected to find. Runs
        nothing.
        """,
        """
        retime plan specs/quickstart.yaml
        retime plan my.yaml --set measure.max_time=8h
        retime plan my.yaml --format json
        retime --cache /data/cache plan my.yaml      with what another folder holds
        """,
    )
    spec = plan.add_argument("spec", type=Path, metavar="SPEC", help="a YAML file")
    _add_format(plan)
    _add_settings(plan)
    _completed(words.files, spec)


def _add_report(commands: Any, words: ShellWords) -> None:
    report = _command(
        commands,
        "report",
        "show the result of an earlier run",
        """
        Shows a result again, and ends with the exit code that its bench ended with.
        """,
        """
        retime report runs/quickstart                the newest result of that spec
        retime report runs/quickstart/RUN            the result of one run
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
    _completed(words.folders, run)


def _add_doctor(commands: Any) -> None:
    doctor = _command(
        commands,
        "doctor",
        "say whether this machine is fit to measure",
        """
        Looks at the inference libraries, the harness, the processor, its frequency and
        temperature, load from others, limits and permissions, and says of each whether it is in
        order, why it matters and what to do. Takes two seconds and changes nothing. Ends with
        exit code 0, also where there is advice, or with 4 where timing is impossible.
        """,
        """
        retime doctor
        retime doctor --format json > doctor.json    for machines
        retime doctor > /dev/null && retime bench my.yaml
        """,
    )
    _add_format(doctor)


def _add_schema(commands: Any) -> None:
    schema = _command(
        commands,
        "schema",
        "print the JSON Schema of a spec or of a result",
        """
        An editor with a YAML language server completes and explains a spec as you type where
        the first line of the spec is: # yaml-language-server: $schema=PATH
        """,
        """
        retime schema --where                        its path, for an editor
        retime schema result > result.schema.json    the format of result.json
        retime schema --format markdown              every field, as a page
        """,
    )
    schema.add_argument(
        "which", nargs="?", choices=SCHEMAS, default="spec", help="which one (default: spec)"
    )
    how = schema.add_mutually_exclusive_group()
    how.add_argument("--where", action="store_true", help="print the path of the file instead")
    how.add_argument(
        "--format",
        choices=("json", "markdown"),
        default="json",
        help="the schema itself, or a page made of it (default: json)",
    )


def _add_completion(commands: Any) -> None:
    completion = _command(
        commands,
        "completion",
        "print a script that completes commands in a shell",
        """
        The script completes commands, options and files when Tab is pressed.
        """,
        """
        eval "$(retime completion bash)"             in this shell; or in ~/.bashrc
        retime completion zsh > ~/.zsh/_retime       in a folder of $fpath
        retime completion tcsh > ~/.retime.tcsh      then: source ~/.retime.tcsh
        """,
    )
    completion.add_argument("shell", choices=SHELLS, help="the shell that reads the script")


def _add_fresh(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fresh", action="store_true", help="measure anew, though it was before")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="set a field of the spec, such as measure.effect=1%%; may be repeated",
    )


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default="text",
        help="a page for people, or JSON (default: text)",
    )


def _command(
    commands: Any, name: str, summary: str, description: str, examples: str
) -> argparse.ArgumentParser:
    """A command whose help page ends with examples."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.\n\n{_folded(description)}",
        epilog="examples:\n" + textwrap.indent(textwrap.dedent(examples).strip(), "  "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _folded(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), _WIDTH)


def _completed(words: Mapping[str, Any] | None, *arguments: argparse.Action) -> None:
    for argument in arguments if words else ():
        argument.complete = words  # type: ignore[attr-defined]  # where shtab looks for it
