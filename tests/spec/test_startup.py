"""Reading a spec loads no heavy library: it is the first thing that every command does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.fast

REPOSITORY = Path(__file__).parents[2]
HEAVY = ("tensorflow", "keras", "numpy", "scipy", "rich", "cffi")
PROGRAM = """
import sys
from pathlib import Path
from runner.spec.expand import read_spec
assert len(read_spec(Path("specs/quickstart.yaml")).variants) == 4
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def run(program: str) -> set[str]:
    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return set(finished.stdout.split())


def test_reading_a_spec_imports_nothing_heavy() -> None:
    modules = run(PROGRAM)
    assert {"yaml", "jsonschema"} <= modules
    assert not modules & set(HEAVY)


def test_records_alone_import_no_parser() -> None:
    modules = run("import sys, runner.spec.model; print(*sys.modules)")
    assert not modules & {"yaml", "jsonschema", *HEAVY}
