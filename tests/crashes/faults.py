"""Libraries that are preloaded into processes under test, so that real calls fail or kill."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_NATIVE = Path(__file__).parents[2] / "native" / "tests"
_FLAGS = (
    *("-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wconversion", "-Wshadow"),
    *("-Wstrict-prototypes", "-Wmissing-prototypes", "-fPIC", "-shared"),
)
# As much as the processes of a tree share.
_STATE_BYTES = 4096


def compile_library(source: Path, folder: Path) -> Path:
    """Compiles a C file into a library, with every warning an error."""
    library = folder / f"{source.stem}.so"
    compiler = os.environ.get("CC", "cc").split()
    subprocess.run([*compiler, *_FLAGS, "-o", library, source, "-ldl"], check=True)
    return library


def compile_named(name: str, folder: Path) -> Path:
    """Compiles one of `native/tests`, such as `faults`."""
    return compile_library(_NATIVE / f"{name}.c", folder)


@dataclass(frozen=True)
class Faults:
    """What is to happen to the processes of one command; `native/tests/faults.c` says more.

    Attributes:
        library: the compiled one.
        folder: where it keeps its notes; not below what it looks at.
        below: calls on files below this folder count.
        calls: which: `fsync`, `rename`, `write`, `ftruncate`.
        do: `kill`, `tree`, `full` or `broken`.
        at: a call's number, or `new`: at each site once.
    """

    library: Path
    folder: Path
    below: Path
    calls: Sequence[str]
    do: str
    at: int | str

    def environment(self) -> dict[str, str]:
        """For one more command; calls are counted anew, sites are remembered."""
        state = self.folder / "state"
        state.write_bytes(bytes(_STATE_BYTES))
        return {
            **os.environ,
            "LD_PRELOAD": str(self.library),
            "FAULTS_BELOW": str(self.below),
            # TensorFlow's own, with names by chance.
            "FAULTS_NOT": "/tmp/scratch.",
            "FAULTS_CALLS": ",".join(self.calls),
            "FAULTS_STATE": str(state),
            "FAULTS_AT": str(self.at),
            "FAULTS_DO": self.do,
            "FAULTS_SITES": str(self.folder / "sites"),
            "FAULTS_LOG": str(self.folder / "log"),
        }

    def sites(self) -> list[str]:
        """Where it acted so far, in that order."""
        file = self.folder / "sites"
        return file.read_text().splitlines() if file.exists() else []

    def calls_seen(self) -> list[str]:
        """The site of every call so far."""
        file = self.folder / "log"
        return file.read_text().splitlines() if file.exists() else []
