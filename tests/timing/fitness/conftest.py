"""Machines that were made up, each in a file that says what its `/proc` and `/sys` hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from runner.timing.fitness.tree import Tree

MACHINES = Path(__file__).parent / "machines"

Build = Callable[[str], Tree]


@pytest.fixture
def machine(tmp_path: Path) -> Build:
    """Builds the tree of a machine by its name."""

    def build(name: str) -> Tree:
        files = yaml.safe_load((MACHINES / f"{name}.yaml").read_text())
        for path, content in files.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{content}\n")
        return Tree(tmp_path / name)

    return build
