"""A remedy is followed to the letter, and the problem is gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import Problem, SpecError
from runner.spec.expand import expand
from runner.spec.load import parse
from runner.spec.settings import apply_settings
from tests.spec.conftest import SMALLEST

pytestmark = pytest.mark.fast


def problems(text: str, *given_: str) -> list[Problem]:
    document = parse(text.encode(), file="spec.yaml", folder=Path())
    try:
        expand(apply_settings(document, given_))
    except SpecError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize(
    ("text", "remedy", "setting"),
    [
        ("runtime: {flush_to_zero: off}", 'quote it: "off"', 'runtime.flush_to_zero="off"'),
        ("runtime: {flush_to_zero: on}", 'quote it: "on"', 'runtime.flush_to_zero="on"'),
        (
            "train: {optimizer: {adam: {learning_rate: 1e-3}}}",
            "write 1.0e-3",
            "train.optimizer.adam.learning_rate=1.0e-3",
        ),
        (
            "train: {optimizer: {adam: {learning_rate: cosine}}}",
            "write {cosine: {initial: 0.001}}",
            "train.optimizer.adam.learning_rate={cosine: {initial: 0.001}}",
        ),
        ("train: {epochs: '3'}", "remove the quotes", "train.epochs=3"),
        ("question: 12:30", 'quote it: "12:30"', 'question="12:30"'),
        ("measure: {effect: 5}", "write 5% if that is meant", "measure.effect=5%"),
        ("targets: {pi: adb}", "write {adb: {serial: emulator-5554}}",
         "targets.pi={adb: {serial: emulator-5554}}"),
        ("train: {batch_size: 010}", "write 10, or 8 if the number in base 8 is meant",
         "train.batch_size=10"),
        ("measure: {max_blocks: 15}", "write max_blocks: 20 or more, or a smaller min_blocks",
         "measure.max_blocks=20"),
        ("quantize: {mode: int8, calibration_samples: 5000}", "write 1438 at the most",
         "quantize.calibration_samples=1438"),
        ("compress: {prune: {pattern: 2_of_4, sparsity: 10%}}",
         "write sparsity: 50%, or another pattern", "compress.prune.sparsity=50%"),
        ("matrix: {runtime.threads: {a: 1, 'off': 2}}",
         "add it, for example baseline: {runtime.threads: a}", "baseline={runtime.threads: a}"),
        ("matrix: {runtime.flush_to_zero: {'off': 'off', 'on': 'on'}}",
         'add it, for example baseline: {runtime.flush_to_zero: "off"}',
         'baseline={runtime.flush_to_zero: "off"}'),
        ("matrix: {runtime.threads: [1, 2]}",
         "add it, for example baseline: {runtime.threads: 1}", "baseline={runtime.threads: 1}"),
        ("matrix: {limit: 1, quantize: [float32, int8]}\nbaseline: {quantize: int8}",
         "leave out alternatives, or raise the limit: matrix: {limit: 2}", "matrix.limit=2"),
        ("runtime: {delegate: external}", "write {external: {path: libvx_delegate.so}}",
         f"runtime.delegate={{external: {{path: {__file__}}}}}"),
    ],
)  # fmt: skip
def test_what_the_remedy_says_helps(text: str, remedy: str, setting: str) -> None:
    text = f"{SMALLEST}{text}\n"
    (problem,) = problems(text)
    assert problem.remedy == remedy
    assert problems(text, setting) == []


@settings(deadline=None, max_examples=150)
@given(
    effect=st.sampled_from(["0.005%", "0.01%", "0.03%", "0.1%", "0.5%", "2%"]),
    seconds=st.integers(1, 4000),
    blocks=st.integers(20, 3000),
    modes=st.integers(1, 6),
    warmup=st.sampled_from(["0s", "200ms", "2s"]),
)
def test_a_budget_is_mended_by_what_its_remedy_says(
    effect: str, seconds: int, blocks: int, modes: int, warmup: str
) -> None:
    text = (
        f"{SMALLEST}measure: {{effect: {effect}, max_time: {seconds}s, max_blocks: {blocks},"
        f" warmup_time: {warmup}}}\n"
        f"matrix: {{train.seed: {list(range(modes))}}}\nbaseline: {{train.seed: 0}}\n"
    )
    first = problems(text)
    for problem in first:
        for way in problem.remedy.split("; or allow more: "):
            found = re.findall(r"(effect|max_time|max_blocks): ([0-9.]+(?:%|[smh])?)", way)
            assert found, problem.remedy
            after = problems(text, *[f"measure.{name}={value}" for name, value in found])
            assert problem.path not in {one.path for one in after}, way


def test_every_problem_of_the_examples_has_a_remedy() -> None:
    folder = Path(__file__).parent / "invalid"
    for path in sorted(folder.glob("*.expected")):
        text = path.read_text(encoding="utf-8")
        headlines = [line for line in text.splitlines() if line.startswith((path.stem, "files/"))]
        assert text.count("  Remedy: ") == len(headlines), path.name
