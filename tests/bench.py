"""One real bench for all acceptance tests, and the command line as users start it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SMALL = Path(__file__).parent / "acceptance" / "small.yaml"


@dataclass(frozen=True)
class Desk:
    """Where a test works, and the command that works there."""

    runs: Path
    cache: Path

    def command(self, *arguments: object) -> list[str]:
        """`retime ...` with this desk's folders."""
        places = ["--runs", str(self.runs), "--cache", str(self.cache)]
        return [sys.executable, "-m", "runner", *places, *map(str, arguments)]

    def retime(self, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
        """Runs it to its end."""
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, check=False, **options
        )

    def run_folders(self, name: str = "small") -> list[Path]:
        """The runs that are there, oldest first."""
        return sorted((self.runs / name).glob("*-*"))

    def events(self, name: str = "small") -> list[dict[str, Any]]:
        """The newest run's journal, of whole lines; empty before there is one."""
        journals = [folder / "journal.jsonl" for folder in self.run_folders(name)]
        if not journals or not journals[-1].exists():
            return []
        whole = journals[-1].read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]


@dataclass(frozen=True)
class Benched:
    """A finished bench of `small.yaml`."""

    desk: Desk
    done: subprocess.CompletedProcess[str]
    folder: Path
    result: dict[str, Any]
