"""Building and running the stand-alone program, as tests do it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from runner.timing.job import Job
from runner.timing.report import Report, read_report

NATIVE = Path(__file__).resolve().parents[2] / "native"


@dataclass(frozen=True)
class Run:
    """How the program ended.

    Attributes:
        code: its exit code; negative for a signal.
        errors: its standard error.
    """

    code: int
    report: Report
    errors: str


def build_program(target: str = "program", folder: str = "plain") -> Path:
    """Builds the program for this machine, or for a board's processor."""
    subprocess.run(["make", "-s", "-C", NATIVE, target], check=True, capture_output=True)
    return NATIVE / "build" / folder / "retime-harness"


def run_program(program: list[str], job: Job | str) -> Run:
    """Gives a job to the program on its standard input."""
    text = job if isinstance(job, str) else job.to_lines()
    done = subprocess.run(
        [*program, "-"], input=text, capture_output=True, text=True, check=False, timeout=300
    )
    return Run(done.returncode, read_report(done.stdout), done.stderr)
