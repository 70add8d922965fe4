"""Real experiments on a small model, identical or slowed by a known delay, quiet or disturbed."""

from __future__ import annotations

import io
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from runner.analysis.statistics import Interval
from runner.analysis.verdicts import Verdict, decide, differences
from runner.report.progress import LineDisplay
from runner.spec.measurement import Limits, Measure
from runner.steps.measuring import measure
from runner.steps.question import Question
from runner.store.runs import RunStore
from runner.timing.job import Job
from runner.timing.libraries import find_tflite
from runner.timing.protocol import DELAYED, IDENTICAL, Arm
from runner.timing.targets.local import LocalTarget
from runner.units import NS_PER_S

EFFECT = 0.02
CONDITIONS = ("quiet", "bursty")
KINDS = ("identical", "slowed")
_WARMUP_S = 0.01
# Nothing is thrown away: it is the statistics that are held to account, not the gate before them.
_NO_LIMITS = Limits(steal=math.inf, load_cores=math.inf, temperature_c=math.inf)
_CALIBRATIONS = 5

MAKE_MODEL = """
import sys, tensorflow as tf
layers = tf.keras.layers
tf.keras.utils.set_random_seed(1)
taken = given = layers.Input(batch_shape=(1, 32, 32, 16))
for _ in range(int(sys.argv[2])):
    given = layers.Conv2D(16, 3, padding="same", activation="relu")(given)
model = tf.keras.Model(taken, layers.GlobalAveragePooling2D()(given))
with open(sys.argv[1], "wb") as file:
    file.write(tf.lite.TFLiteConverter.from_keras_model(model).convert())
"""


@dataclass(frozen=True)
class Outcome:
    """What one experiment said of one pair.

    Attributes:
        kind: `identical` or `slowed`.
        verdict: `slower`, `faster`, `equivalent` or `inconclusive`.
        is_precise: it ran until it was as precise as asked.
        covers: whether the interval holds the ratio that is known.
        today: whether the tool of today called a difference; None where it was not asked.
    """

    condition: str
    kind: str
    verdict: str
    is_precise: bool
    covers: bool
    blocks: int
    seconds: float
    today: bool | None = None


@dataclass
class Bench:
    """Runs pairs in turn.

    Attributes:
        folder: a temporary one, which holds the model and what experiments write.
        seconds: of one experiment.
        with_today: whether the tool of today gets each pair too, for as long.
        latency_ns: condition -> the model's latency, as the last experiment found it.
    """

    folder: Path
    seconds: float
    with_today: bool
    latency_ns: dict[str, float] = field(default_factory=dict)

    @property
    def model(self) -> Path:
        """The model that is timed."""
        return self.folder / "model.tflite"

    def run(self, experiments: int, only: str) -> Iterator[Outcome]:
        """All pairs, conditions and kinds in turn, so that a slow hour hits them all."""
        cells = [(c, k) for c in CONDITIONS for k in KINDS if only in {"", c, k}]
        for index in range(experiments):
            for condition, kind in cells:
                with _load(index) if condition == "bursty" else _nothing():
                    yield self._pair(condition, kind, seed=index)

    def _pair(self, condition: str, kind: str, seed: int) -> Outcome:
        base_ns = self.latency_ns.get(condition) or self._calibrate()
        delay_ns = round(EFFECT * base_ns) if kind == "slowed" else 0
        started = time.monotonic()
        outcome = self._experiment(condition, kind, delay_ns, seed)
        if not self.with_today:
            return outcome
        today = self._today(condition, delay_ns, time.monotonic() - started)
        return replace(outcome, today=today)

    def _calibrate(self) -> float:
        """The model's latency as fresh processes see it: what the delay is a share of."""
        found = []
        for _ in range(_CALIBRATIONS):
            job = job_of(self.model, self.folder / "calibration")
            LocalTarget(self.folder / "log").run(job, arm="base", timeout_s=60.0)
            found.append(float(np.median(np.fromfile(job.samples, dtype="<i8"))))
        return statistics.geometric_mean(found)

    def _experiment(self, condition: str, kind: str, delay_ns: int, seed: int) -> Outcome:
        """The real pilot, blocks, stopping rule and verdict."""
        question = question_of(self.model, delay_ns, plan_of(self.seconds), seed)
        names = ["base", "other", IDENTICAL, DELAYED]
        key = f"{condition}-{kind}-{seed:05d}".encode().hex()
        run = RunStore(self.folder, "runs").create(key, {"arms": names, "schedule_seed": seed})
        display = LineDisplay(Console(file=io.StringIO()))
        started = time.monotonic()
        experiment = measure(question, run, LocalTarget(self.folder / "log"), display)
        seconds = time.monotonic() - started
        arms = experiment.ledger.arms
        shared = sorted(arms["base"].keys() & arms["other"].keys())
        (decision,) = decide([differences(arms["other"], arms["base"])], question.design)
        levels = [arms["base"][block].log_median for block in shared]
        self.latency_ns[condition] = math.exp(statistics.mean(levels))
        # A fixed delay is a smaller share of a slower block: the truth follows the blocks.
        truth = statistics.mean(math.log1p(delay_ns / math.exp(level)) for level in levels)
        return Outcome(
            condition=condition,
            kind=kind,
            verdict=decision.verdict.value,
            is_precise=experiment.stopped == "precise",
            covers=_holds(decision.interval, truth),
            blocks=len(shared),
            seconds=seconds,
        )

    def _today(self, condition: str, delay_ns: int, seconds: float) -> bool:
        """One run of the tool after the other, each for half the time; a difference is called."""
        means = []
        for delay in (0, delay_ns):
            deadline = time.monotonic() + seconds / 2
            arguments = [self.model, delay, round(self.latency_ns[condition]), deadline]
            command = [sys.executable, "-m", "benchmarks.today", *map(str, arguments)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            means.append(float(done.stdout))
        return abs(math.log(means[1] / means[0])) > math.log1p(EFFECT)


def make_model(path: Path, layers: int) -> None:
    """Converts one, in a process of its own; each layer takes some 0.05 ms."""
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", MAKE_MODEL, str(path), str(layers)]
    subprocess.run(command, check=True, capture_output=True, env=quiet)


def job_of(model: Path, samples: Path) -> Job:
    """A hundred runs of a model."""
    return Job(
        library="tflite",
        path=find_tflite(None).path,
        model=str(model),
        input="",
        samples=str(samples),
        delegate="xnnpack",
        threads=1,
        buffer_offset=0,
        warmup_runs=10,
        warmup_ns=round(_WARMUP_S * NS_PER_S),
        runs=100,
    )


def question_of(model: Path, delay_ns: int, plan: Measure, seed: int) -> Question:
    """The model against itself, the second time with a delay."""
    base = Arm("base", find_tflite(None).path, str(model), "", "xnnpack", 1)
    other = replace(base, name="other", delay_ns=delay_ns)
    return Question([base, other], "base", {"other": "base"}, plan, seed)


def is_difference(outcome: Outcome) -> bool:
    """Whether it reports the models as different."""
    return outcome.verdict in {Verdict.SLOWER.value, Verdict.FASTER.value}


def plan_of(seconds: float) -> Measure:
    """An experiment of so many seconds in all."""
    return Measure(
        effect=EFFECT,
        confidence=0.95,
        power=0.9,
        max_time_s=seconds,
        min_blocks=10,
        max_blocks=1000,
        warmup_runs=10,
        warmup_time_s=_WARMUP_S,
        inputs="real",
        run_gap_s=0.0,
        flush_caches=False,
        sustained_s=None,
        retries=1,
        process_timeout_s=None,
        limits=_NO_LIMITS,
        seed=None,
    )


def _holds(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


@contextmanager
def _load(seed: int) -> Iterator[None]:
    """Bursts on every core."""
    arguments = [sys.executable, "-m", "benchmarks.load"]
    loads = [
        subprocess.Popen([*arguments, str(1000 * seed + core)])
        for core in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for load in loads:
            load.kill()
            load.wait()


@contextmanager
def _nothing() -> Iterator[None]:
    yield
