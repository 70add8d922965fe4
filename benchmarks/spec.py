"""What the spec language costs: a check of a spec, a plan of many variants, and how both grow.

Validation is held against importing the libraries that it is made of, both as whole processes and
in turn (A B A B ...), so that a machine whose speed drifts drifts under both.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from runner.spec.expand import read_spec

ROOT = Path(__file__).resolve().parent.parent
SIZES = (100, 300, 1000, 3000, 10_000)
LINES = 200
# Whoever runs a command a second time finds its modules compiled; so do all processes here.
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
REFERENCE = "import yaml, jsonschema, rich"
_HEAD = """\
spec: 1
name: many
data: {source: digits}
model:
  base: {architecture: MobileNetV2, alpha: 0.35, weights: none}
measure: {effect: 50%, max_time: 8000h}
"""


@dataclass(frozen=True)
class Line:
    """One figure, and the most that it may be; None where it is shown for information."""

    what: str
    figures: str
    value: float
    bound: float | None


def main() -> int:
    """Measures everything and prints the table; 1 if a bound is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=15, help="how often each pair is run")
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as folder:
        _ENVIRONMENT["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "bytecode")
        lines = [
            validation(Path(folder), pairs),
            *planning(Path(folder)),
            growth(Path(folder)),
        ]
    table = Table(title="What the spec language costs")
    for column in ("what", "figures", "value", "at most"):
        table.add_column(column, overflow="fold")
    for line in lines:
        bound = "" if line.bound is None else f"{line.bound:.3g}"
        style = "red" if _is_broken(line) else ""
        table.add_row(line.what, line.figures, f"{line.value:.3g}", bound, style=style)
    Console(width=None if sys.stdout.isatty() else 110).print(table)
    return int(any(map(_is_broken, lines)))


def _is_broken(line: Line) -> bool:
    return line.bound is not None and line.value > line.bound


def validation(folder: Path, pairs: int) -> Line:
    """A spec of 200 lines, checked by a process of its own."""
    path = folder / "long.yaml"
    path.write_text(long_spec(), encoding="utf-8")
    check = [sys.executable, "-m", "runner", "validate", str(path)]
    reference = [sys.executable, "-c", REFERENCE]
    _run(check), _run(reference)  # what only the first process pays
    taken = [(_run(check).wall_s, _run(reference).wall_s) for _ in range(pairs)]
    ratio = statistics.median(first / second for first, second in taken)
    figures = " / ".join(
        f"{statistics.median(values):.3f} s" for values in zip(*taken, strict=True)
    )
    what = f"validate {LINES} lines, against python -c '{REFERENCE}'"
    return Line(what, figures, ratio, 1.5)


def planning(folder: Path) -> list[Line]:
    """The real command, on 10,000 variants."""
    path = folder / "plan.yaml"
    path.write_text(many_variants(SIZES[-1]), encoding="utf-8")
    places = ["--runs", str(folder / "runs"), "--cache", str(folder / "cache")]
    plan = [sys.executable, "-m", "runner", *places, "plan", str(path), "--format", "json"]
    _run(plan)
    done = [_run(plan) for _ in range(5)]
    wall = min(one.wall_s for one in done)
    others = f"median {statistics.median(one.wall_s for one in done):.2f} s"
    processor = f"processor {min(one.processor_s for one in done):.2f} s"
    what = f"plan {SIZES[-1]:,} variants"
    return [
        Line(f"{what}: seconds", f"best of {len(done)}; {others}, {processor}", wall, 2),
        Line(f"{what}: MiB", "peak", max(one.peak_mib for one in done), 200),
    ]


def growth(folder: Path) -> Line:
    """How reading, checking and expanding grow: n to the power of this, by least squares."""
    taken = []
    for size in SIZES:
        path = folder / f"{size}.yaml"
        path.write_text(many_variants(size), encoding="utf-8")
        if len(read_spec(path).variants) != size:
            sys.exit(f"{path} has another number of variants than {size}")
        repetitions = max(3, 3000 // size)
        taken.append(min(_processor_s(path) for _ in range(repetitions)))
    logs = [(math.log(size), math.log(spent)) for size, spent in zip(SIZES, taken, strict=True)]
    slope = statistics.linear_regression(*zip(*logs, strict=True)).slope
    pairs = zip(SIZES, taken, strict=True)
    figures = ", ".join(f"{size:,}: {spent * 1e3:.0f} ms" for size, spent in pairs)
    return Line("exponent of growth, expand and validate", figures, slope, 1.1)


def _processor_s(path: Path) -> float:
    started = time.process_time()
    read_spec(path)
    return time.process_time() - started


@dataclass(frozen=True)
class _Done:
    """What a process cost."""

    wall_s: float
    processor_s: float
    peak_mib: float


def _run(command: Sequence[str]) -> _Done:
    started = time.monotonic()
    with subprocess.Popen(
        command, cwd=ROOT, env=_ENVIRONMENT, stdout=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[:6]} failed with {process.returncode}")
    return _Done(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def many_variants(number: int) -> str:
    """A spec with so many variants, of several axes over parts of every kind."""
    axes: dict[str, list[int] | list[str]] = {
        "train.epochs": list(range(1, 11)),
        "train.seed": list(range(number // 100)),
        "runtime.threads": [1, 2],
        "quantize": ["float32", "float16", "dynamic", "int8", "int8_io"],
    }
    lines = [f"  {path}: [{', '.join(map(str, values))}]" for path, values in axes.items()]
    baseline = ", ".join(f"{path}: {values[0]}" for path, values in axes.items())
    limit = f"matrix:\n  limit: {number}\n"
    return _HEAD + limit + "\n".join(lines) + f"\nbaseline: {{{baseline}}}\n"


def long_spec() -> str:
    """A spec of 200 lines: most of them a matrix of heads, written out."""
    lines = [*_HEAD.splitlines(), "matrix:", "  quantize: [float32, int8]", "  model.head:"]
    ending = ["baseline: {quantize: float32, model.head: h0}", "report: {}", "train: {epochs: 2}"]
    index = 0
    while len(lines) + 7 + len(ending) <= LINES:
        lines += [
            f"    h{index}:",
            "      - global_average_pooling",
            "      - dense:",
            f"          units: {8 + index}",
            "          activation: relu6",
            "      - dropout: {rate: 20%}",
            "      - classifier",
        ]
        index += 1
    lines += ending
    return "\n".join([*lines, *["# end"] * (LINES - len(lines))]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
