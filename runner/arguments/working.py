"""The commands on specs and models: write one, check it, plan it, run it."""

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

# Options of compare-models, the field that each sets, and an example.
COMPARE_SETTINGS = (
    ("--effect", "measure.effect", "1%%"),
    ("--max-time", "measure.max_time", "10m"),
    ("--quantize", "quantize", "float16"),
    ("--threads", "runtime.threads", "4"),
    ("--delegate", "runtime.delegate", "none"),
)


def add_init(commands: Any, words: ShellWords) -> None:
    """`retime init`."""
    init = add_command(
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
    complete(words.files, file, models)


def add_validate(commands: Any, words: ShellWords) -> None:
    """`retime validate`."""
    validate = add_command(
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
    add_settings(validate)
    complete(words.files, spec)


def add_plan(commands: Any, words: ShellWords) -> None:
    """`retime plan`."""
    plan = add_command(
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
    add_format(plan)
    add_settings(plan)
    complete(words.files, spec)


def add_bench(commands: Any, words: ShellWords) -> None:
    """`retime bench`."""
    bench = add_command(
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
    add_verbose(bench)
    add_settings(bench)
    complete(words.files, spec)


def add_compare_models(commands: Any, words: ShellWords) -> None:
    """`retime compare-models`."""
    compare = add_command(
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
    add_verbose(compare)
    add_settings(compare)
    complete(words.files, models)


def _add_fresh(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fresh", action="store_true", help="measure anew, though it was before")
