"""What a batch costs beside its work: time that is neither building nor timing, and memory.

`python -m benchmarks.batch` prints two tables and ends with exit code 1 if a bound is missed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.paired import plan_of
from benchmarks.spans import covered_s, read_events, stage_spans, timing_spans
from runner.report.progress import LineDisplay
from runner.steps.measuring import measure
from runner.steps.question import Question
from runner.store.runs import RunStore
from runner.timing.protocol import DELAYED, IDENTICAL, Arm
from tests.steps.fake_target import FakeTarget

MOST_OVERHEAD = 0.03
MOST_MIB = 150.0
# The second half of the events may add so much to the first half's peak.
MOST_GROWTH_MIB = 20.0
SPECS, HEADS, MODES = 5, 5, 2

SPEC = """\
spec: 1
name: batch-{index}
data: {{source: digits, image_size: [48, 48], limit: 400}}
model:
  base: {{architecture: MobileNetV2, alpha: 0.35, weights: none, batch_norm_momentum: 0.9}}
  trainable: none
train: {{epochs: 2, batch_size: 32, optimizer: {{adam: {{learning_rate: 1.0e-3}}}}, seed: {index}}}
measure: {{effect: 5%, max_time: {seconds}s, warmup_time: 100ms}}
matrix:
  model.head:
{heads}
  quantize: [float32, dynamic]
baseline: {{model.head: h0, quantize: float32}}
"""


@dataclass(frozen=True)
class Spent:
    """Where a batch's wall time went, in seconds."""

    wall_s: float
    building_s: float
    timing_s: float

    @property
    def overhead(self) -> float:
        """The share that is neither building nor timing."""
        return 1 - (self.building_s + self.timing_s) / self.wall_s


def main() -> int:
    """Prints the tables; 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="of timing, for each spec")
    parser.add_argument("--events", type=int, default=10_000, help="in the journal of one run")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 110)
    with tempfile.TemporaryDirectory(dir=Path(sys.prefix)) as name:
        spent = run_batch(Path(name), arguments.seconds)
        before_mib, after_mib, events = run_long(Path(name), arguments.events)
    table = Table("what", "figure", "bound")
    variants = SPECS * HEADS * MODES
    table.add_row(f"wall time of {variants} variants in {SPECS} specs", f"{spent.wall_s:.0f} s", "")
    table.add_row("building, workers' starts included", f"{spent.building_s:.0f} s", "")
    table.add_row("timing processes", f"{spent.timing_s:.0f} s", "")
    table.add_row("neither", f"{spent.overhead:.1%}", f"{MOST_OVERHEAD:.0%}")
    table.add_row(f"memory at {events // 2} events", f"{before_mib:.0f} MiB", f"{MOST_MIB:.0f} MiB")
    growth = f"{MOST_GROWTH_MIB:.0f} MiB more"
    table.add_row(f"memory at {events} events", f"{after_mib:.0f} MiB", growth)
    console.print(table)
    return int(
        spent.overhead > MOST_OVERHEAD
        or after_mib > MOST_MIB
        or after_mib - before_mib > MOST_GROWTH_MIB
    )


def run_batch(folder: Path, seconds: int) -> Spent:
    """A real batch, from an empty cache, and where its journals say that the time went."""
    heads = "\n".join(
        f"    h{n}: [global_average_pooling, {{dense: {{units: {16 << n}}}}}, classifier]"
        for n in range(HEADS)
    )
    specs = []
    for index in range(SPECS):
        specs.append(folder / f"batch-{index}.yaml")
        specs[-1].write_text(SPEC.format(index=index, heads=heads, seconds=seconds))
    places = ["--runs", str(folder / "runs"), "--cache", str(folder / "cache")]
    command = [sys.executable, "-m", "runner", *places, "batch", *map(str, specs)]
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall_s = time.monotonic() - started
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    journals = (folder / "runs").glob("batch-*/*/journal.jsonl")
    events = [event for path in journals for event in read_events(path)]
    return Spent(wall_s, covered_s(stage_spans(events)), covered_s(timing_spans(events)))


def run_long(folder: Path, events: int) -> tuple[float, float, int]:
    """Peak memory after half the events of one run and after all; and how many there were.

    Nothing is timed: a fake stands for the processes, so that the parent is all there is.
    """
    program = "from benchmarks.batch import long_run; import sys; long_run(*sys.argv[1:])"
    found = []
    for part, count in (("half", events // 2), ("whole", events)):
        place = folder / part
        place.mkdir()
        command = [sys.executable, "-c", program, str(place), str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
        found.append(json.loads(done.stdout))
    return found[0]["mib"], found[1]["mib"], found[1]["events"]


def long_run(place: str, events: str) -> None:
    """One experiment of so many events; prints this process's peak memory."""
    folder = Path(place)
    names = ["base", "other", IDENTICAL, DELAYED]
    # Of a block: its beginning, its end, and a process for each arm.
    blocks = int(events) // (2 + len(names))
    (folder / "model").write_bytes(b"model")
    plan = replace(plan_of(1e6), effect=1e-6, min_blocks=blocks, max_blocks=blocks)
    run = RunStore(folder, "long").create("ab" * 32, {"arms": names, "schedule_seed": 1})
    arms = [Arm(name, "", str(folder / "model"), "", "none", 1) for name in names[:2]]
    question = Question(arms, "base", {"other": "base"}, plan, seed=1)
    measure(question, run, FakeTarget(), LineDisplay(Console(file=io.StringIO())))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    count = sum(1 for _ in run.journal.events())
    sys.stdout.write(json.dumps({"mib": peak, "events": count}))


if __name__ == "__main__":
    sys.exit(main())
