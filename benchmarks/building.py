"""What building a grid of variants costs, beside the plain script that people write.

The grid: 3 heads x 2 trainable policies x 4 quantization modes on one data set. The plain way
builds, fits and converts each variant on its own, one after the other, as tutorials do; TensorFlow
is imported once for all of them, which favors it. Both train the same network, images and epochs.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from runner.plan.stages import Plan, make_plan
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
train: {{epochs: {epochs}, batch_size: 32, optimizer: {{adam: {{learning_rate: 1.0e-3}}}}, seed: 1}}
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


def main() -> None:
    """Builds the grid, adds a head, runs the plain script, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(Path(folder), options.size, options.epochs, console)
        cold, plan = bench.build(HEADS)
        more, _ = bench.build(HEADS | MORE)
        plain, accuracies = bench.plain()
        table = Table("what", "seconds", "ratio")
        table.add_row("24 variants, the plain script", f"{plain:.0f}", "1")
        table.add_row("24 variants, cold", f"{cold:.0f}", f"{plain / cold:.1f} times less")
        table.add_row("8 variants of one more head", f"{more:.0f}", f"{plain / 3 / more:.1f} less")
        console.print(table)
        console.print(bench.where_time_goes(plan, cold), highlight=False)
        ours = bench.accuracies(plan)
        console.print(f"mean accuracy: {np.mean(ours):.3f}, plain {np.mean(accuracies):.3f}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        console.print(f"peak memory of this process: {peak:.0f} MiB")


class _Bench:
    def __init__(self, folder: Path, size: int, epochs: int, console: Console) -> None:
        self.folder, self.size, self.epochs, self.console = folder, size, epochs, console
        self.store = ArtifactStore(folder / "cache")

    def build(self, heads: dict[str, str]) -> tuple[float, Plan]:
        """Builds what is missing; the seconds that it took."""
        text = "\n".join(f"    {name}: {layers}" for name, layers in heads.items())
        path = self.folder / "grid.yaml"
        path.write_text(SPEC.format(size=self.size, epochs=self.epochs, heads=text))
        spec = read_spec(path)
        libraries = find_libraries(spec)
        started = time.monotonic()
        plan = make_plan(spec, look_around(spec, libraries))
        runs = RunStore(self.folder / "runs", "grid")
        run = runs.create(plan.experiment_key, {"arms": [], "schedule_seed": 0})
        with make_display(self.console) as display:
            built = build_variants(plan, self.store, libraries, run, display)
        seconds = time.monotonic() - started
        failed = [name for name, one in built.items() if one.error]
        if failed:
            raise SystemExit(f"failed: {failed}")
        return seconds, plan

    def plain(self) -> tuple[float, list[float]]:
        """Runs the plain script on the same images; its seconds and accuracies."""
        (data,) = (self.folder / "cache" / "data").iterdir()
        command = [sys.executable, "-c", PLAIN, str(self.size), str(self.epochs), str(data)]
        started = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        accuracies = [json.loads(line)["accuracy"] for line in done.stdout.splitlines()]
        return time.monotonic() - started, accuracies

    def accuracies(self, plan: Plan) -> list[float]:
        """Keras's accuracy of each variant."""
        found: list[Any] = []
        for name in plan.of_variant:
            artifact = self.store.find("train", plan.maker_of_model(name) or "")
            found.append(artifact.summary["keras_accuracy"] if artifact else float("nan"))
        return found

    def where_time_goes(self, plan: Plan, seconds: float) -> str:
        """The stages' seconds by their kind, over the workers' together."""
        spent: dict[str, float] = defaultdict(float)
        counts: Counter[str] = Counter()
        for key, stage in plan.stages.items():
            artifact = self.store.find(stage.kind, key)
            if artifact:
                spent[stage.kind] += artifact.seconds
                counts[stage.kind] += 1
        parts = [f"{kind} {spent[kind]:.0f} s ({counts[kind]})" for kind in spent]
        return f"stages, added over two workers, of {seconds:.0f} s: {', '.join(parts)}"


if __name__ == "__main__":
    main()
