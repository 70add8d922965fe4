"""What building a grid of variants costs, beside the plain script that people write.

The grid: 3 heads x 2 trainable policies x 4 quantization modes on one data set. The plain way
builds, fits and converts each variant on its own, one after the other, as tutorials do; TensorFlow
is imported once for all of them, which favors it. Both train the same network, images and epochs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.spans import Span, covered_s, read_events, stage_spans
from runner.plan.records import Plan
from runner.plan.stages import make_plan
from runner.report.progress import make_display
from runner.spec.expand import read_spec
from runner.steps.building import build_variants
from runner.steps.surroundings import find_libraries, look_around
from runner.store.artifacts import ArtifactStore
from runner.store.runs import RunStore

HEADS = {
    "stock": "[global_average_pooling, classifier]",
    "wide": "[global_average_pooling, {dense: {units: 1024, activation: relu}}, classifier]",
    "deep": "[global_average_pooling, {dense: {units: 256}}, {dense: {units: 256}}, classifier]",
}
MORE = {"half": "[global_average_pooling, {dense: {units: 512}}, classifier]"}
SPEC = """\
spec: 1
name: grid
data: {{source: digits, image_size: [{size}, {size}], seed: 7}}
model:
  base: {{architecture: MobileNetV2, alpha: 0.35, weights: none, batch_norm_momentum: 0.9}}
train:
  {{epochs: {epochs}, batch_size: 32, optimizer: {{adam: {{learning_rate: 1.0e-3}}}}, seed: {seed}}}
matrix:
  model.head:
{heads}
  model.trainable: {{frozen: none, tuned: all}}
  quantize: [float32, float16, dynamic, int8]
measure: {{max_time: 1h}} # nothing is timed here
baseline: {{model.head: stock, model.trainable: frozen, quantize: float32}}
"""
PLAIN = """
import json, sys
import keras
import numpy as np
import tensorflow as tf
size, epochs, data = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
x, y, xt, yt = (np.load(f"{data}/{n}.npy") for n in
                ("train_images", "train_labels", "test_images", "test_labels"))
x, xt = x / np.float32(127.5) - 1, xt / np.float32(127.5) - 1
for head in ([], [(1024, "relu")], [(256, "relu"), (256, "relu")]):
    for trainable in (False, True):
        for mode in ("float32", "float16", "dynamic", "int8"):
            keras.backend.clear_session()
            keras.utils.set_random_seed(1)
            base = keras.applications.MobileNetV2((size, size, 3), alpha=0.35, weights=None,
                                                  include_top=False)
            base.trainable = trainable
            for layer in base.layers:
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.momentum = 0.9
            z = keras.layers.GlobalAveragePooling2D()(base.output)
            for units, activation in head:
                z = keras.layers.Dense(units, activation)(z)
            model = keras.Model(base.input, keras.layers.Dense(10, "softmax")(z))
            model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy",
                          metrics=["accuracy"])
            model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)
            accuracy = model.evaluate(xt, yt, verbose=0)[1]
            converter = tf.lite.TFLiteConverter.from_keras_model(model)
            if mode != "float32":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if mode == "float16":
                converter.target_spec.supported_types = [tf.float16]
            if mode == "int8":
                converter.representative_dataset = lambda: ([x[i:i + 1]] for i in range(100))
                converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.convert()
            print(json.dumps({"head": len(head), "trainable": trainable, "accuracy": accuracy}),
                  flush=True)
"""


LEAST_GAIN = 5.0
MOST_OTHER = 0.10
MOST_MIB = 150.0
# Beyond what two seeds of our own differ by: of means over 24 variants, each of which is right or
# wrong about some hundred images.
MOST_ACCURACY_LOST = 0.05
# Of the cores' time, from which on it is they that bound a build.
BUSY = 0.8
WORK = ("train", "features", "compress", "convert")


def main() -> int:
    """Prints a table; 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=96, help="height and width of images in pixels")
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 110)
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(Path(folder), options.size, options.epochs, console)
        cold = bench.build(HEADS)
        more = bench.build(HEADS | MORE)
        other = bench.build(HEADS, seed=2)
        plain_s, plain_accuracies = bench.plain()
        ours = [float(np.mean(bench.accuracies(one.plan))) for one in (cold, other)]
        theirs = float(np.mean(plain_accuracies))
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        gain = plain_s / cold.wall_s
        table = Table("what", "figure", "bound")
        table.add_row("24 variants, the plain script", f"{plain_s:.0f} s", "")
        table.add_row("24 variants, cold", f"{cold.wall_s:.0f} s", "")
        table.add_row("times less", f"{gain:.1f}", f"at least {LEAST_GAIN:.0f}")
        others = f"{cold.other:.1%}"
        table.add_row("neither training, features nor conversion", others, f"{MOST_OTHER:.0%}")
        table.add_row("8 variants of one more head", f"{more.wall_s:.0f} s", "")
        trained = f"{more.counts['train']} trainings, {more.counts['convert']} conversions"
        table.add_row("made for it", trained, "2 trainings, 8 conversions")
        accuracies = f"{ours[0]:.3f} and {ours[1]:.3f} (two seeds), plain {theirs:.3f}"
        noise = abs(ours[0] - ours[1])
        lost = f"no more than {MOST_ACCURACY_LOST + noise:.3f} below"
        table.add_row("mean accuracy of Keras's models", accuracies, lost)
        table.add_row("memory of the parent", f"{peak_mib:.0f} MiB", f"{MOST_MIB:.0f} MiB")
        console.print(table)
        console.print(cold.where_time_goes(), highlight=False)
    return int(
        gain < LEAST_GAIN
        or cold.other > MOST_OTHER
        or (more.counts["train"], more.counts["convert"]) != (2, 8)
        or np.mean(ours) < theirs - MOST_ACCURACY_LOST - noise
        or peak_mib > MOST_MIB
    )


@dataclass(frozen=True)
class _Built:
    """One build, and what its journal says of it.

    Attributes:
        cpu_s: that workers and evaluations used, on all cores together.
        spans: kind of stage -> when each was done.
    """

    plan: Plan
    wall_s: float
    cpu_s: float
    spans: dict[str, list[Span]]

    @property
    def counts(self) -> Counter[str]:
        """Kind of stage -> how many were made."""
        return Counter({kind: len(spans) for kind, spans in self.spans.items()})

    @property
    def other(self) -> float:
        """The share of wall time in which no stage that has to be was at work."""
        work = [span for kind in WORK for span in self.spans.get(kind, ())]
        return 1 - covered_s(work) / self.wall_s

    def where_time_goes(self) -> str:
        """The stages' seconds by their kind, over all workers together, and what bounds them."""
        sums = {kind: sum(end - start for start, end in ones) for kind, ones in self.spans.items()}
        longest = max(sums, key=lambda kind: sums[kind])
        parts = [f"{kind} {sums[kind]:.0f} s ({self.counts[kind]})" for kind in sums]
        at_once = sum(sums.values()) / self.wall_s
        busy = self.cpu_s / self.wall_s / len(os.sched_getaffinity(0))
        bound = (
            f"bounded by them, most of all in stage {longest}"
            if busy >= BUSY
            else "bounded by what waits: for files, for memory, or for another stage"
        )
        return (
            f"Stages, added over all workers, of {self.wall_s:.0f} s: {', '.join(parts)}; on "
            f"average {at_once:.1f} at once. The cores were busy for {busy:.0%} of the time: "
            f"{bound}."
        )


class _Bench:
    def __init__(self, folder: Path, size: int, epochs: int, console: Console) -> None:
        self.folder, self.size, self.epochs, self.console = folder, size, epochs, console
        self.store = ArtifactStore(folder / "cache")

    def build(self, heads: dict[str, str], seed: int = 1) -> _Built:
        """Builds what is missing.

        Args:
            seed: of trainings.
        """
        text = "\n".join(f"    {name}: {layers}" for name, layers in heads.items())
        path = self.folder / "grid.yaml"
        path.write_text(SPEC.format(size=self.size, epochs=self.epochs, heads=text, seed=seed))
        spec = read_spec(path)
        libraries = find_libraries(spec)
        started, used_s = time.monotonic(), _children_s()
        plan = make_plan(spec, look_around(spec, libraries))
        runs = RunStore(self.folder / "runs", "grid")
        run = runs.create(plan.experiment_key, {"arms": [], "schedule_seed": 0})
        with make_display(self.console) as display:
            built = build_variants(plan, self.store, libraries, run, display, spec.limits)
        seconds = time.monotonic() - started
        failed = [name for name, one in built.items() if one.error]
        if failed:
            raise SystemExit(f"failed: {failed}")
        events = read_events(run.folder / "journal.jsonl")
        kinds = {event["stage"] for event in events if event["event"] == "stage"}
        spans = {kind: list(stage_spans(events, {kind})) for kind in sorted(kinds)}
        return _Built(plan, seconds, _children_s() - used_s, spans)

    def plain(self) -> tuple[float, list[float]]:
        """Runs the plain script on the same images; its seconds and accuracies."""
        (data,) = (self.folder / "cache" / "data").iterdir()
        command = [sys.executable, "-c", PLAIN, str(self.size), str(self.epochs), str(data)]
        started = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        # The converter talks on the same channel.
        lines = [line for line in done.stdout.splitlines() if line.startswith('{"head"')]
        accuracies = [json.loads(line)["accuracy"] for line in lines]
        return time.monotonic() - started, accuracies

    def accuracies(self, plan: Plan) -> list[float]:
        """Keras's accuracy of each variant."""
        found: list[Any] = []
        for name in plan.of_variant:
            artifact = self.store.find("train", plan.maker_of_model(name) or "")
            found.append(artifact.summary["keras_accuracy"] if artifact else float("nan"))
        return found


def _children_s() -> float:
    """CPU time of all processes that were started and ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
