"""What the timing harness costs, as ratios taken in one run, against the smallest C programs.

Each pair is run in turn (A B A B ...), so that a machine whose speed drifts drifts under both; the
table shows the median of the pairs' ratios and the bound that it is held against.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from runner.timing.job import Job
from runner.timing.libraries import find_library
from runner.timing.report import Measurement, read_report
from runner.timing.tasks import read_profile

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "native/build/plain/retime-harness"

MODELS = """
import sys
from pathlib import Path
import numpy as np
import tensorflow as tf

folder = Path(sys.argv[1])
layers = tf.keras.layers
tiny = tf.keras.Sequential([layers.Input(batch_shape=(1, 9)), layers.Dense(1)])
(folder / "tiny.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(tiny).convert())
image = layers.Input(batch_shape=(1, 224, 224, 3))
network = tf.keras.applications.MobileNetV2(input_tensor=image, weights=None)
for name in ("float32", "int8"):
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    if name == "int8":
        chance = np.random.default_rng(1)
        images = chance.normal(size=(4, 1, 224, 224, 3)).astype(np.float32)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([one] for one in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    (folder / f"mobilenet_{name}.tflite").write_bytes(converter.convert())
"""
LOOP = """
import sys
from array import array
from pathlib import Path
from runner.timing import native
library, model, runs = sys.argv[1:]
samples = array("q", bytes(8 * int(runs)))
with native.Library.open(library) as opened:
    model = native.place(Path(model).read_bytes(), 0)
    with opened.session(model, delegate="xnnpack", threads=1) as session:
        session.warm_up(10, 200_000_000)
        started = native.now_ns()
        session.time(samples)
        print((native.now_ns() - started) / len(samples))
"""
INTERPRETER = """
import sys, time
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
detail = interpreter.get_input_details()[0]
interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
runs = int(sys.argv[2])
for turns in (runs // 10, runs):
    started = time.perf_counter_ns()
    for _ in range(turns):
        interpreter.invoke()
    spent = (time.perf_counter_ns() - started) / turns
print(spent)
"""


@dataclass(frozen=True)
class Line:
    """One measured figure; `bound` is the most it may be, None where it is for information."""

    what: str
    against: str
    figures: str
    ratio: float
    bound: float | None


class Bench:
    """The programs that are held against each other, on models made for it."""

    def __init__(self, folder: Path, pairs: int) -> None:
        self.folder = folder
        self.pairs = pairs
        self.libraries = {kind: find_library(kind, None).path for kind in ("tflite", "litert")}
        quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        run([sys.executable, "-c", MODELS, str(folder)], env=quiet)
        run(["make", "-s", "-C", str(ROOT / "native"), "program"])
        compiler = os.environ.get("CC", "cc")
        for name in ("bare", "bare_litert"):
            source = str(ROOT / f"benchmarks/{name}.c")
            run([compiler, "-std=gnu11", "-O2", "-o", str(folder / name), source, "-ldl"])

    def model(self, name: str) -> str:
        """The path of a model."""
        return str(self.folder / f"{name}.tflite")

    def job(self, kind: str, name: str, **changes: object) -> Job:
        """Times a model through XNNPACK."""
        values = {
            "library": kind,
            "path": self.libraries[kind],
            "model": self.model(name),
            "input": "",
            "samples": str(self.folder / "samples"),
            "delegate": "xnnpack",
            "threads": 1,
            "buffer_offset": 0,
            "warmup_runs": 10,
            "warmup_ns": 200_000_000,
            "runs": 1,
            "profile": str(self.folder / "profile"),
        }
        return Job(**{**values, **changes})  # type: ignore[arg-type]

    def do(self, job: Job) -> Measurement:
        """Does a job with the stand-alone program."""
        report = read_report(run([str(PROGRAM), "-"], stdin=job.to_lines()))
        if report.measurement is None:
            sys.exit(f"the harness failed: {report}")
        return report.measurement

    def median_ns(self, job: Job) -> float:
        """The median sample of a job."""
        self.do(job)
        return float(np.median(np.fromfile(job.samples, "<i8")))

    def loop_ns(self, kind: str, name: str, runs: int) -> float:
        """What a turn of the harness's timed loop takes, as the bare programs tell theirs."""
        arguments = [self.libraries[kind], self.model(name), str(runs)]
        return float(run([sys.executable, "-c", LOOP, *arguments]))

    def bare_ns(self, kind: str, name: str, runs: int) -> float:
        """What the smallest program takes for a run."""
        program = self.folder / ("bare" if kind == "tflite" else "bare_litert")
        delegate = ["xnnpack"] if kind == "tflite" else []
        command = [str(program), self.libraries[kind], self.model(name), *delegate, str(runs)]
        return float(run(command).split()[-1])

    def pair(
        self,
        what: str,
        first: Callable[[], float],
        against: str,
        second: Callable[[], float],
        bound: float | None = None,
    ) -> Line:
        """Runs two in turn; the median of the ratios, and of both."""
        taken = [(first(), second()) for _ in range(self.pairs)]
        ratio = statistics.median(a / b for a, b in taken)
        figures = " / ".join(
            f"{statistics.median(values):,.0f} ns" for values in zip(*taken, strict=True)
        )
        return Line(what, against, figures, ratio, bound)


def timed_runs(bench: Bench) -> list[Line]:
    """A run in the harness against the smallest C program, and against other tools."""
    lines = []
    for name, runs in (("tiny", 20_000), ("mobilenet_float32", 200), ("mobilenet_int8", 300)):
        for kind in ("tflite", "litert"):
            lines += [
                bench.pair(
                    f"a timed run, {name}, {kind}",
                    partial(bench.loop_ns, kind, name, runs),
                    "two clock reads and an inference in C",
                    partial(bench.bare_ns, kind, name, runs),
                    1.1,
                )
            ]
        lines += [
            bench.pair(
                f"ai_edge_litert's interpreter, {name}",
                partial(interpreter_ns, bench, name, runs),
                "a timed run, litert",
                partial(bench.loop_ns, "litert", name, runs),
            ),
        ]
        if name == "tiny":
            continue  # the tool tells hundredths of a millisecond
        lines += [
            bench.pair(
                f"benchmark_litert_model, {name}",
                partial(tool_ns, bench, name, runs),
                "a timed run, litert",
                partial(bench.loop_ns, "litert", name, runs),
            ),
        ]
    return lines


def interpreter_ns(bench: Bench, name: str, runs: int) -> float:
    """A run through the Python interpreter."""
    return float(run([sys.executable, "-c", INTERPRETER, bench.model(name), str(runs)]))


def tool_ns(bench: Bench, name: str, runs: int) -> float:
    """A run as LiteRT's own tool tells it, from its result file."""
    result = bench.folder / "tool.json"
    command = [str(Path(sys.executable).parent / "litert-benchmark")]
    arguments = [f"--model={bench.model(name)}", f"--num_runs={runs}", "--num_threads=1"]
    run([*command, *arguments, f"--result_json={result}"])
    return float(json.loads(result.read_text())["latency"]["avg_ms"]) * 1e6


def whole_process(bench: Bench) -> list[Line]:
    """From exec to the end of a process with one sample, and its memory."""
    job = bench.job("tflite", "tiny", warmup_runs=0, warmup_ns=0, delegate="none")
    bare = [str(bench.folder / "bare"), job.path, job.model, "none", "1", "once"]
    resident = []

    def harness_ns() -> float:
        started = time.monotonic_ns()
        measurement = bench.do(job)
        spent = time.monotonic_ns() - started
        resident.append(measurement.resident_bytes or 0)
        return float(spent)

    def bare_ns() -> float:
        started = time.monotonic_ns()
        resident.append(int(run(bare)) * 1024)
        return float(time.monotonic_ns() - started)

    line = bench.pair("exec to the only sample's end", harness_ns, "the bare program", bare_ns)
    taken = [(resident[2 * i] - resident[2 * i + 1]) / 2**20 for i in range(len(resident) // 2)]
    a, b = (float(part.split()[0].replace(",", "")) for part in line.figures.split(" / "))
    return [
        Line(
            "exec to the only sample's end, less the bare program's, in ms",
            "10 ms",
            line.figures,
            (a - b) / 1e6,
            10.0,
        ),
        Line(
            "resident memory, less the bare program's, in MiB",
            "1 MiB",
            f"{statistics.median(taken):.2f} MiB",
            statistics.median(taken),
            1.0,
        ),
    ]


def profiles(bench: Bench) -> list[Line]:
    """The sum of a profile's operations against the median without a profiler."""
    lines = []
    for name in ("mobilenet_float32", "mobilenet_int8"):
        for kind in ("tflite", "litert"):
            sums, medians, rests = [], [], []
            for _ in range(bench.pairs):
                medians.append(bench.median_ns(bench.job(kind, name, runs=100)))
                job = bench.job(kind, name, runs=50, task="profile")
                measurement = bench.do(job)
                operations = read_profile(Path(job.profile).read_text())
                inside = sum(one.self_ns for one in operations if not one.delegate)
                sums.append(inside / measurement.runs)
                total = measurement.profile_total_ns or 0
                rests.append((total - inside) / total)
            ratio = statistics.median(a / b for a, b in zip(sums, medians, strict=True))
            lines.append(
                Line(
                    f"the sum of a profile's operations, {name}, {kind}: off by",
                    "the median without a profiler",
                    f"{statistics.median(sums):,.0f} / {statistics.median(medians):,.0f} ns; "
                    f"{statistics.median(rests):.1%} of the profiled runs not attributed",
                    abs(ratio - 1),
                    0.1,
                )
            )
    return lines


def run(command: list[str], *, stdin: str = "", env: dict[str, str] | None = None) -> str:
    """Runs a program and returns what it printed; ends this one if it failed."""
    done = subprocess.run(
        command, input=stdin, check=False, capture_output=True, text=True, env=env, cwd=ROOT
    )
    if done.returncode:
        sys.exit(f"{command[:4]} failed with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def main() -> int:
    """Measures everything and prints the table; 1 if a bound is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7, help="how often each pair is run")
    with tempfile.TemporaryDirectory(dir=ROOT / ".venv") as folder:
        bench = Bench(Path(folder), parser.parse_args().pairs)
        lines = [*timed_runs(bench), *whole_process(bench), *profiles(bench)]
    table = Table(title="What the timing harness costs")
    for column in ("what", "against", "figures", "ratio", "at most"):
        table.add_column(column, overflow="fold")
    for line in lines:
        broken = line.bound is not None and line.ratio > line.bound
        bound = "" if line.bound is None else f"{line.bound:.3f}"
        style = "red" if broken else ""
        table.add_row(
            line.what, line.against, line.figures, f"{line.ratio:.3f}", bound, style=style
        )
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    return int(any(line.bound is not None and line.ratio > line.bound for line in lines))


if __name__ == "__main__":
    sys.exit(main())
