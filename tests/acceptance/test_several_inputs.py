"""A network with several inputs and outputs is converted and timed where there is data, too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import Desk

pytestmark = pytest.mark.acceptance

MAKE = """
import sys
import keras
image, size = keras.Input((32, 32, 3), name="image"), keras.Input((5,), name="size")
seen = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(8, 3, strides=2)(image))
both = keras.layers.Concatenate()([seen, size])
keras.Model([image, size], [keras.layers.Dense(10)(both), seen]).save(sys.argv[1])
"""
SPEC = """
spec: 1
name: several
data: {source: digits, image_size: [32, 32], limit: 100}
model: {file: two.keras}
measure:
  effect: 50%
  max_time: 30s
  min_blocks: 10
  max_blocks: 10
  warmup_time: 50ms
  limits: {steal: 100%, load: 1000, temperature: 100} # tests share their machine
matrix: {quantize: [float32, dynamic]}
baseline: {quantize: float32}
"""


def test_it_is_timed_and_not_scored(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", MAKE, str(tmp_path / "two.keras")], check=True, capture_output=True
    )
    (tmp_path / "spec.yaml").write_text(SPEC)
    desk = Desk(tmp_path / "runs", tmp_path / "cache")
    done = desk.retime("bench", tmp_path / "spec.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = desk.run_folders("several")
    result = json.loads((folder / "result.json").read_text())
    for variant in result["variants"]:
        assert variant["status"] == "done"
        assert variant["accuracy"] is None
        assert sum(map(sum, variant["data"]["class_counts"].values())) == 100
        assert variant["latency_ns"]["median"] > 0
    again = desk.retime("report", folder)
    assert again.returncode == 0, again.stdout + again.stderr
