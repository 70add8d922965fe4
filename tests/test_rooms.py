"""Rules of the house that import-linter can't see."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.fast

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "runner").rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_compiled_harness_is_imported_in_one_file() -> None:
    importing = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if any(name.startswith("runner.timing._harness") for name in imports(path))
    ]
    assert importing == ["runner/timing/native.py"]


@pytest.mark.parametrize("room", ["analysis", "plan"])
def test_pure_rooms_touch_neither_files_nor_clocks_nor_processes(room: str) -> None:
    effects = {"os", "pathlib", "subprocess", "time", "datetime", "random", "socket", "shutil"}
    for path in (ROOT / "runner" / room).glob("*.py"):
        assert not {name.partition(".")[0] for name in imports(path)} & effects, path


def test_every_command_is_explained_by_help() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "runner", "--help"], capture_output=True, text=True, check=True
    )
    for word in ("bench", "validate", "plan", "report", "exit codes"):
        assert word in done.stdout


def test_the_schemas_are_valid_schemas() -> None:
    import jsonschema

    for path in (ROOT / "schemas").glob("*.json"):
        jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text()))
