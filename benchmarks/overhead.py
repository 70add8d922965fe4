"""What Retime itself costs, as ratios taken in one run.

Each pair is run in turn (A B A B ...), so that a machine whose speed drifts drifts under both; the
table shows the median of the pairs' ratios and the bound that it is held against.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from runner.timing.libraries import find_tflite

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "specs" / "quickstart.yaml"
SMALL_SPEC = ROOT / "tests" / "acceptance" / "small.yaml"
RUNS = 20_000

TINY_MODEL = """
import sys, tensorflow as tf
layers = tf.keras.layers
model = tf.keras.Sequential([layers.Input(batch_shape=(1, 9)), layers.Dense(1)])
with open(sys.argv[1], "wb") as file:
    file.write(tf.lite.TFLiteConverter.from_keras_model(model).convert())
"""
HARNESS = """
import sys
from array import array
from pathlib import Path
from runner.timing import native
library, model, delegate, runs = sys.argv[1:]
samples = array("q", bytes(8 * int(runs)))
with native.Library.open(library) as opened:
    model = native.place(Path(model).read_bytes(), 0)
    with opened.session(model, delegate=delegate, threads=1) as session:
        session.warm_up(10, 200_000_000)
        started = native.now_ns()
        session.time(samples)
        print((native.now_ns() - started) / len(samples))
"""
INTERPRETER = """
import sys, time
import numpy as np
from ai_edge_litert.interpreter import Interpreter
model, runs = sys.argv[1], int(sys.argv[2])
interpreter = Interpreter(model_path=model, num_threads=1)
interpreter.allocate_tensors()
taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
value = np.zeros(taken["shape"], taken["dtype"])
for turns in (runs // 10, runs):
    started = time.perf_counter_ns()
    for _ in range(turns):
        interpreter.set_tensor(taken["index"], value)
        interpreter.invoke()
        interpreter.get_tensor(given["index"])
    spent = (time.perf_counter_ns() - started) / turns
print(spent)
"""


@dataclass(frozen=True)
class Line:
    """One measured ratio.

    Attributes:
        bound: the most it may be; None where it is shown for information.
    """

    what: str
    against: str
    figures: str
    ratio: float
    bound: float | None


def main() -> int:
    """Measures everything and prints the table; 1 if a bound is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=9, help="how often each pair is run")
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory(dir=ROOT / ".venv") as folder:
        lines = [
            *start_up(pairs),
            *timed_run(pairs, Path(folder)),
            second_bench(Path(folder)),
        ]
    table = Table(title="What Retime costs")
    for column in ("what", "against", "figures", "ratio", "at most"):
        table.add_column(column, overflow="fold")
    for line in lines:
        broken = line.bound is not None and line.ratio > line.bound
        bound = "" if line.bound is None else f"{line.bound:.3f}"
        style = "red" if broken else ""
        table.add_row(
            line.what, line.against, line.figures, f"{line.ratio:.3f}", bound, style=style
        )
    Console(width=None if sys.stdout.isatty() else 110).print(table)
    return int(any(line.bound is not None and line.ratio > line.bound for line in lines))


def start_up(pairs: int) -> list[Line]:
    """Whole processes against one that only imports TensorFlow."""
    tensorflow = [sys.executable, "-c", "import tensorflow"]
    with tempfile.TemporaryDirectory() as empty:
        return [
            _pair(
                f"retime {command}",
                partial(
                    _wall_s, [sys.executable, "-m", "runner", "--runs", empty, command, str(SPEC)]
                ),
                "python -c 'import tensorflow'",
                lambda: _wall_s(tensorflow),
                pairs=pairs,
                bound=1 / 8,
                unit="s",
            )
            for command in ("validate", "plan")
        ]


def timed_run(pairs: int, folder: Path) -> list[Line]:
    """A timed run of the harness against the least that C can do, and against Python."""
    model, bare = folder / "tiny.tflite", folder / "bare"
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    _run([sys.executable, "-c", TINY_MODEL, str(model)], env=quiet)
    compiler = os.environ.get("CC", "cc")
    _run([compiler, "-std=gnu11", "-O2", "-o", str(bare), str(ROOT / "benchmarks/bare.c"), "-ldl"])
    library = find_tflite(None).path

    def harness(delegate: str) -> float:
        arguments = [library, str(model), delegate, str(RUNS)]
        return float(_run([sys.executable, "-c", HARNESS, *arguments]))

    def least(delegate: str) -> float:
        return float(_run([str(bare), library, str(model), delegate, str(RUNS)]))

    def interpreter() -> float:
        return float(_run([sys.executable, "-c", INTERPRETER, str(model), str(RUNS)]))

    lines = [
        _pair(
            f"a timed run, tiny model, {delegate}",
            partial(harness, delegate),
            "two clock reads and an invoke in C",
            partial(least, delegate),
            pairs=pairs,
            bound=1.1,
            unit="ns",
        )
        for delegate in ("none", "xnnpack")
    ]
    against_python = _pair(
        "set, invoke, get through ai_edge_litert",
        interpreter,
        "a timed run, tiny model, xnnpack",
        lambda: harness("xnnpack"),
        pairs=pairs,
        bound=None,
        unit="ns",
    )
    return [*lines, against_python]


def second_bench(folder: Path) -> Line:
    """The same bench twice: the second finds everything done."""
    places = ["--runs", str(folder / "runs"), "--cache", str(folder / "cache")]
    command = [sys.executable, "-m", "runner", *places, "bench", str(SMALL_SPEC)]
    first = _wall_s(command, codes=(0, 1))
    second = statistics.median(_wall_s(command, codes=(0, 1)) for _ in range(3))
    shutil.rmtree(folder / "runs")
    return Line(
        "the second bench of a spec",
        "the first",
        f"{second:.2f} s / {first:.1f} s",
        second / first,
        1 / 20,
    )


def _pair(
    what: str,
    first: Callable[[], float],
    against: str,
    second: Callable[[], float],
    *,
    pairs: int,
    bound: float | None,
    unit: str,
) -> Line:
    taken = [(first(), second()) for _ in range(pairs)]
    ratio = statistics.median(a / b for a, b in taken)
    figures = " / ".join(
        f"{statistics.median(values):.3g} {unit}" for values in zip(*taken, strict=True)
    )
    return Line(what, against, figures, ratio, bound)


def _wall_s(command: Sequence[str], codes: Sequence[int] = (0,)) -> float:
    started = time.monotonic()
    _run(command, codes=codes)
    return time.monotonic() - started


def _run(
    command: Sequence[str],
    *,
    codes: Sequence[int] = (0,),
    env: dict[str, str] | None = None,
) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=env, cwd=ROOT)
    if done.returncode not in codes:
        sys.exit(f"{command[:4]} failed with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
