"""Tiny benches that need no TensorFlow, and the libraries that break them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench import Desk
from tests.crashes.faults import Faults, compile_named
from tests.crashes.tiny import Tiny, make_tiny


@pytest.fixture(scope="session")
def faults_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_named("faults", tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="session")
def false_clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_named("false_clock", tmp_path_factory.mktemp("clock"))


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """A comparison of two models of one operator each, on a desk of its own."""
    root = tmp_path / "desk"
    root.mkdir()
    return make_tiny(tmp_path, Desk(root / "runs", root / "cache"))


@pytest.fixture
def injure(faults_library: Path, tmp_path: Path) -> Callable[..., Faults]:
    """Faults in what is below the desk's folder."""

    def make(calls: str, do: str, at: int | str, below: str = "desk") -> Faults:
        folder = tmp_path / "faults"
        folder.mkdir(exist_ok=True)
        return Faults(faults_library, folder, tmp_path / below, calls.split(), do, at)

    return make
