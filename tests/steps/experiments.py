"""An experiment without a model: a question of two variants, a run, and the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runner.spec.expand import expand
from runner.spec.load import parse
from runner.spec.model import Spec
from runner.steps.assembling import Circumstances, assemble
from runner.steps.built import Built
from runner.steps.measuring import Experiment
from runner.store.runs import Run
from runner.timing.libraries import RuntimeLibrary
from tests.spec.conftest import SMALLEST

BASE, OTHER = "quantize=float32", "quantize=int8"


def result_of(
    spec: Spec, experiment: Experiment | None, run: Run, tmp_path: Path
) -> dict[str, Any]:
    run.begin_stay(spec.source, host={})
    built = {variant.name: Built(None) for variant in spec.variants}
    library = RuntimeLibrary(path=str(tmp_path / "lib"), origin="spec", sha256=None)
    libraries = {variant.name: library for variant in spec.variants}
    moment = "2026-01-01T00:00:00+00:00"
    return assemble(spec, built, experiment, run, Circumstances(moment, moment, {}, libraries, 1))


def spec_of(tmp_path: Path, measured: str = "{}") -> Spec:
    text = f"{SMALLEST}matrix: {{quantize: [float32, int8]}}\nbaseline: {{quantize: float32}}\n"
    text += f"measure: {measured}\n"
    return expand(parse(text.encode(), file="spec.yaml", folder=tmp_path))
