"""Whether verdicts are right: real experiments whose answer is known, and simulated ones.

`python -m benchmarks.verdicts` prints tables and ends with exit code 1 if a bound is missed.
Interrupted, it prints what it has. Nothing is kept: everything is written to a temporary folder.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats

from benchmarks.efficiency import HALF_WIDTH, by_blocks, one_after_the_other
from benchmarks.paired import (
    CONDITIONS,
    EFFECT,
    KINDS,
    Bench,
    Outcome,
    is_difference,
    make_model,
)
from runner.analysis.verdicts import Decision, Design, Verdict
from tests.analysis.simulation import Machine, Simulated, simulate

SPREADS = (0.005, 0.01, 0.02, 0.03, 0.05)
# How many processes are hit by a spike: on a quiet machine, all intervals get narrow at one time.
SPIKES = (0.03, 0.0)
VARIANTS = (2, 4, 12)
MOST_BLOCKS = 300
# A bound is missed where its true rate would give a count this far out once in a hundred times.
CHANCE = 0.01
ALARMS, DETECTIONS, COVERAGE = 0.05, 0.9, 0.9
# Of the models: about a quarter of a millisecond, and three.
_LAYERS, _MORE_LAYERS = 5, 65
_PARTS = ("simulation", "efficiency")


@dataclass(frozen=True)
class Rate:
    """A count of a total, and the bound that its true rate is held to."""

    count: int
    total: int
    bound: float
    at_most: bool

    @property
    def is_kept(self) -> bool:
        """Whether chance explains the count at a true rate that keeps the bound.

        Of none, nothing is known, and nothing missed; the table says so.
        """
        if not self.total:
            return True
        if self.at_most:
            return bool(self.count <= stats.binom.ppf(1 - CHANCE, self.total, self.bound))
        return bool(self.count >= stats.binom.ppf(CHANCE, self.total, self.bound))

    def __str__(self) -> str:
        if not self.total:
            return "none"
        sign, edge = ("<=", 1 - CHANCE) if self.at_most else (">=", CHANCE)
        limit = int(stats.binom.ppf(edge, self.total, self.bound))
        share = self.count / self.total
        return f"{self.count}/{self.total} ({share:.1%}), {sign} {limit}" + " !" * (
            not self.is_kept
        )


def main() -> int:
    """Prints the tables; 1 if a bound is missed, 130 if interrupted."""
    arguments = _arguments()
    console = Console(width=None if sys.stdout.isatty() else 150)
    kept: list[bool] = []
    try:
        if arguments.only in {"", "simulation"}:
            kept += _simulated(console, arguments.simulated)
        if arguments.only in {"", "efficiency"}:
            _efficiency(console)
        if arguments.only not in _PARTS:
            kept += _real(console, arguments)
    except KeyboardInterrupt:
        return 130
    return int(not all(kept))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=40, help="of each kind, quiet and not")
    parser.add_argument("--seconds", type=float, default=8.0, help="of one experiment")
    parser.add_argument("--simulated", type=int, default=4000, help="experiments of each machine")
    parser.add_argument("--no-today", action="store_true", help="leave out the tool of today")
    parser.add_argument(
        "--only", default="", choices=(*_PARTS, "real", *CONDITIONS, *KINDS), help="a part"
    )
    return parser.parse_args()


def _simulated(console: Console, experiments: int) -> list[bool]:
    table = Table(title=f"Simulated: {experiments} experiments each, effect {EFFECT:.0%}")
    setting = ("variants", "spread", "spikes", "blocks", "precise")
    for title in (*setting, "false alarms", "found", "covered", "left open"):
        table.add_column(title, justify="right")
    kept = []
    try:
        for variants in VARIANTS:
            for spread, spikes in itertools.product(SPREADS, SPIKES):
                row, rates = _simulated_row(variants, spread, spikes, experiments)
                table.add_row(*row, *map(str, rates))
                kept += [rate.is_kept for rate in rates]
    finally:
        console.print(table)
    console.print(
        "Spread: of paired log ratios, spikes aside. Spikes: the processes that have one."
    )
    console.print("Left open: precise, and a comparison inconclusive, at half the effect.")
    return kept


def _simulated_row(
    variants: int, spread: float, spikes: float, experiments: int
) -> tuple[list[str], tuple[Rate, ...]]:
    design = Design(EFFECT, 0.95)
    machine = Machine.of_spread(spread, variants, spike_share=spikes)
    generator = np.random.default_rng([variants, round(1e4 * spread)])

    def run(ratios: Sequence[float]) -> list[Simulated]:
        return simulate(ratios, design, machine, MOST_BLOCKS, experiments, generator)

    same = run([1.0] * variants)
    slowed = run([1.0, 1 + EFFECT] + [1.0] * (variants - 2))
    halfway = [one for one in run([1.0, 1 + EFFECT / 2] + [1.0] * (variants - 2)) if one.is_precise]
    precise = [one for one in slowed if one.is_precise]
    alarms = sum(any(map(_differs, one.decisions)) for one in same)
    found = sum(one.decisions[0].verdict is Verdict.SLOWER for one in precise)
    covered = sum(_covers(one.decisions[0]) for one in slowed)
    left_open = sum(any(map(_is_open, one.decisions)) for one in halfway)
    blocks = float(np.median([len(one.differences) for one in slowed]))
    return (
        [
            *(str(variants), f"{spread:.1%}", f"{spikes:.0%}"),
            *(f"{blocks:.0f}", f"{len(precise) / experiments:.0%}"),
        ],
        (
            Rate(alarms, experiments, ALARMS, at_most=True),
            Rate(found, len(precise), DETECTIONS, at_most=False),
            Rate(covered, experiments, COVERAGE, at_most=False),
            Rate(left_open, len(halfway), 0.0, at_most=True),
        ),
    )


def _differs(decision: Decision) -> bool:
    return decision.verdict in (Verdict.SLOWER, Verdict.FASTER)


def _is_open(decision: Decision) -> bool:
    return decision.verdict is Verdict.INCONCLUSIVE


def _covers(decision: Decision) -> bool:
    return decision.interval.low <= math.log1p(EFFECT) <= decision.interval.high


def _real(console: Console, arguments: argparse.Namespace) -> list[bool]:
    outcomes: list[Outcome] = []
    only = "" if arguments.only == "real" else arguments.only
    # The folder lies in this one, which is on a disk; a folder of memory would flatter nobody.
    with tempfile.TemporaryDirectory(dir=Path(sys.prefix)) as folder:
        bench = Bench(Path(folder), arguments.seconds, with_today=not arguments.no_today)
        make_model(bench.model, _LAYERS)
        started = time.monotonic()
        try:
            for outcome in bench.run(arguments.experiments, only):
                outcomes.append(outcome)
                _tell(outcome, len(outcomes), time.monotonic() - started)
        finally:
            _print_real(console, outcomes, bench)
    return [row.rate.is_kept for row in _rows(outcomes) if row.rate]


def _tell(outcome: Outcome, number: int, seconds: float) -> None:
    said = f"{number}: {outcome.condition}, {outcome.kind}: {outcome.verdict}"
    sys.stderr.write(f"{said}, {outcome.blocks} blocks, {seconds:.0f} s in all\n")


def _efficiency(console: Console) -> None:
    """One run of each design on the same machine: a comparison, not a bound."""
    table = Table(title=f"Until a ratio is known to {HALF_WIDTH:.0%}, a model of about 3 ms")
    for title in ("design", "seconds", "half-width", "processes"):
        table.add_column(title, justify="left" if title == "design" else "right")
    with tempfile.TemporaryDirectory(dir=Path(sys.prefix)) as name:
        folder = Path(name)
        make_model(folder / "model.tflite", _MORE_LAYERS)
        for what, design in (
            ("Retime, with pilot and both controls", by_blocks),
            ("pyperf-like, one model after the other", one_after_the_other),
        ):
            spent = design(folder, folder / "model.tflite")
            figures = f"{spent.seconds:.1f}", f"{spent.half_width:.2%}", str(spent.processes)
            table.add_row(what, *figures)
    console.print(table)


@dataclass(frozen=True)
class _Row:
    """A line of the table: a condition and a question, ours and that of the tool of today."""

    condition: str
    what: str
    ours: str
    today: str = ""
    rate: Rate | None = None


def _print_real(console: Console, outcomes: Sequence[Outcome], bench: Bench) -> None:
    table = Table(title=f"Real: pairs of one model, {bench.seconds:g} s each, effect {EFFECT:.0%}")
    for title in ("condition", "what", "Retime, bound", "one run after the other, by today's tool"):
        table.add_column(title)
    for row in _rows(outcomes):
        table.add_row(row.condition, row.what, row.ours, row.today)
    console.print(table)
    for condition, latency_ns in bench.latency_ns.items():
        some = [outcome for outcome in outcomes if outcome.condition == condition]
        blocks = float(np.median([outcome.blocks for outcome in some]))
        seconds = float(np.median([outcome.seconds for outcome in some]))
        console.print(
            f"{condition}: {latency_ns / 1e6:.3f} ms an inference, {blocks:.0f} blocks and"
            f" {seconds:.1f} s an experiment, no block thrown away"
        )
    console.print(
        f"A bound allows for chance of {CHANCE:.0%}. Today: litert-benchmark of ai-edge-litert, two"
        f" processes for as long, a difference of means above {EFFECT:.0%}. At exactly the"
        " effect, that rule is as likely as not to find it, whatever the time."
    )


def _rows(outcomes: Sequence[Outcome]) -> Iterator[_Row]:
    for condition in CONDITIONS:
        same = [one for one in outcomes if (one.condition, one.kind) == (condition, "identical")]
        slowed = [one for one in outcomes if (one.condition, one.kind) == (condition, "slowed")]
        precise = [one for one in slowed if one.is_precise]
        if same:
            alarms = sum(map(is_difference, same))
            rate = Rate(alarms, len(same), ALARMS, at_most=True)
            yield _Row(condition, "false alarms", str(rate), _called(same), rate)
        if slowed:
            found = sum(one.verdict == "slower" for one in precise)
            rate = Rate(found, len(precise), DETECTIONS, at_most=False)
            yield _Row(condition, "found, where precise", str(rate), rate=rate)
            everywhere = sum(one.verdict == "slower" for one in slowed)
            share = f"{everywhere}/{len(slowed)} ({everywhere / len(slowed):.1%})"
            yield _Row(condition, "found, of all", share, _called(slowed))
        if timed := [*same, *slowed]:
            covered = sum(one.covers for one in timed)
            rate = Rate(covered, len(timed), COVERAGE, at_most=False)
            yield _Row(condition, "interval holds the truth", str(rate), "gives none", rate)


def _called(outcomes: Sequence[Outcome]) -> str:
    asked = [one.today for one in outcomes if one.today is not None]
    return f"{sum(asked)}/{len(asked)} ({sum(asked) / len(asked):.1%})" if asked else ""


if __name__ == "__main__":
    sys.exit(main())
