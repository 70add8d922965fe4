"""Files that mean harm: they run nothing, and are refused within bounds of time and memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.fast, pytest.mark.timeout(60)]

REPOSITORY = Path(__file__).parents[2]
MOST_SECONDS = 20
MOST_BYTES = 400 * 2**20
PROGRAM = """
import sys
from pathlib import Path
from runner.errors import SpecError
from runner.spec.expand import read_spec
from runner.spec.problems import format_problem
try:
    read_spec(Path(sys.argv[1]))
except SpecError as error:
    for problem in error.problems:
        print(format_problem(problem))
else:
    print("valid")
"""
SMALLEST = (
    "spec: 1\nname: s\ndata: {source: digits}\n"
    "model:\n  base: {architecture: MobileNetV2, alpha: 1.0}\n"
)


def bomb(width: int, depth: int) -> str:
    lines = [f"a0: &a0 [{', '.join(['x'] * width)}]"]
    lines += [
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]"
        for level in range(1, depth)
    ]
    return "\n".join(lines)


def axes(number: int) -> str:
    paths = ["train.epochs", "train.seed", "train.batch_size", "data.seed", "runtime.threads"]
    values = ", ".join(map(str, range(1, number)))
    return SMALLEST + "matrix:\n" + "".join(f"  {path}: [{values}]\n" for path in paths)


HOSTILE: dict[str, tuple[Callable[[], str], str]] = {
    "alias_bomb": (lambda: bomb(10, 40), "unfolds to more than"),
    "aliases_of_a_long_text": (
        lambda: f"a: &a {'x' * 500_000}\nb: [{', '.join(['*a'] * 100_000)}]",
        "unfolds to more than",
    ),
    "merges_of_a_large_mapping": (
        lambda: (
            f"a: &a {{{', '.join(f'k{i}: 1' for i in range(9000))}}}\n"
            f"b: {{<<: [{', '.join(['*a'] * 9000)}]}}"
        ),
        "unfolds to more than",
    ),
    "deep_lists": (lambda: f"a: {'[' * 500_000}", "levels deep"),
    "deep_mappings": (lambda: "a: " * 100_000, "a colon can't stand here"),
    "deep_indents": (lambda: "\n".join(" " * i + "a:" for i in range(1000)), "levels deep"),
    "many_keys": (lambda: "".join(f"k{i}: 1\n" for i in range(9000)), "there are more"),
    "many_values": (lambda: "a: [" + "1, " * 300_000 + "]", "unfolds to more than"),
    "many_layers": (
        lambda: f"{SMALLEST}  head: [{', '.join(['{dens: {unit: 1}}'] * 3000)}]\n",
        "there are more",
    ),
    "many_tags": (lambda: "a: [" + ", ".join(["!x 1"] * 5000) + "]", "can't be used in a spec"),
    "many_variants": (lambda: axes(100), "9,509,900,499 variants"),
    "many_alternatives": (lambda: axes(3000), "there are more"),
    "endless_number": (lambda: f"{SMALLEST}train: {{seed: {'9' * 900_000}}}\n", "longer than any"),
    "endless_clock": (lambda: f"{SMALLEST}train: {{seed: 1{':1' * 400_000}}}\n", "longer than any"),
    "endless_name": (lambda: f"spec: 1\nname: {'a' * 400_000}\n", "at most 64"),
    "endless_share": (
        lambda: f"{SMALLEST}measure: {{effect: '1{' ' * 300_000}x'}}\n",
        "expected a percentage",
    ),
    "nested_groups": (
        lambda: f"{SMALLEST}  trainable: {{match: '{'(' * 190}'}}\n",
        "not a regular expression",
    ),
    "exploding_expression": (
        lambda: f"{SMALLEST}  trainable: {{match: '(\\w|\\w\\w)*-?\\W'}}\n",
        "takes too long to match",
    ),
    "endless_expression": (
        lambda: f"{SMALLEST}  trainable: {{match: '{'(' * 90_000}'}}\n",
        "at most 200",
    ),
    "python_tag": (
        lambda: f"{SMALLEST}train: !!python/object/apply:os.system ['touch hacked']\n",
        "can't be used in a spec",
    ),
    "python_name": (
        lambda: f"{SMALLEST}question: !!python/name:os.system\n",
        "can't be used in a spec",
    ),
    "other_files": (lambda: f"{SMALLEST}question: !include /etc/passwd\n", "can't be used"),
}


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


def explain(path: Path) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert finished.returncode == 0, finished.stderr
    assert "Traceback" not in finished.stderr
    return finished.stdout


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_within_bounds(name: str, tmp_path: Path) -> None:
    make, sign = HOSTILE[name]
    path = tmp_path / "spec.yaml"
    path.write_text(make(), encoding="utf-8")
    said = explain(path)
    assert sign in said
    assert len(said) < 100_000
    assert [one.name for one in tmp_path.iterdir()] == ["spec.yaml"]
    assert not (REPOSITORY / "hacked").exists()


@pytest.mark.parametrize("content", [b"", b"a: 1\n", b"\0"])
def test_fifty_megabytes_are_not_read(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    with path.open("wb") as stream:
        stream.write(content)
        stream.truncate(50 * 10**6)
    assert "larger than 1 MiB" in explain(path)
