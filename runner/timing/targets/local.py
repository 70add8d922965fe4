"""This machine: a job is a fresh process here."""

from __future__ import annotations

import signal
from pathlib import Path

from runner.endings import check_start, killed
from runner.errors import EnvironmentUnusableError, StageError
from runner.timing.job import Job
from runner.timing.process import Ended, run_module
from runner.timing.report import NO_SPACE, Measurement, read_report, refusal
from runner.units import format_bytes

_PADDING_VARIABLE = "RETIME_PADDING"


class LocalTarget:
    """Runs timing jobs one at a time, each in a process of its own.

    Args:
        log: receives what the processes and the inference library print.
        memory_bytes: that each may have; None for as much as there is.
    """

    def __init__(self, log: Path, memory_bytes: int | None = None) -> None:
        self._log = log
        self._memory_bytes = memory_bytes

    def run(
        self, job: Job, *, arm: str, timeout_s: float, environment_padding: int = 0
    ) -> Measurement:
        """Runs one job to its end; the samples are then in `job.samples`.

        Raises:
            StageError: it was refused, crashed, was killed, or took longer than `timeout_s`.
            EnvironmentUnusableError: the disk is full.
        """
        ended = self._end_of(job, arm, timeout_s, environment_padding)
        report = read_report(ended.output)
        if report.measurement is not None and ended.returncode == 0:
            return report.measurement
        if report.error is not None and report.error[0] == NO_SPACE:
            raise EnvironmentUnusableError(
                "no space left on the device",
                where=job.samples,
                why="the samples of one process are thrown away; everything finished is kept",
                remedy="free some room and run the same command again; it goes on where it stopped",
            )
        if report.error is not None:
            raise self._with_limit(refusal(report, where=arm, log=str(self._log)))
        if ended.timed_out:
            raise StageError(
                f"gave no answer within {timeout_s:.0f} s and was ended",
                stage="time",
                kind="timeout",
                why=f"it was at: {report.step}",
                where=arm,
                log=str(self._log),
                remedy="the model may hang in this runtime; try another delegate or fewer threads",
            )
        if ended.returncode == -signal.SIGKILL:
            raise killed("time", report.step, where=arm, log=str(self._log))
        how = ended.signal_name or f"exit code {ended.returncode}"
        error = StageError(
            f"crashed with {how} in {report.step}",
            stage="time",
            kind="crashed",
            where=arm,
            log=str(self._log),
            remedy="the inference library failed on this model; the log holds its last words",
        )
        raise self._with_limit(error)

    def _end_of(self, job: Job, arm: str, timeout_s: float, environment_padding: int) -> Ended:
        try:
            return run_module(
                "runner.timing.worker",
                stdin=job.to_lines(),
                log=self._log,
                timeout_s=timeout_s,
                memory_bytes=self._memory_bytes,
                environment={_PADDING_VARIABLE: "x" * environment_padding},
            )
        except OSError as error:
            check_start(error, "time", where=arm, log=str(self._log))
            raise

    def _with_limit(self, error: StageError) -> StageError:
        """The error, with the limit that may be behind it: libraries say little of memory."""
        if self._memory_bytes is not None:
            error.remedy += (
                f"; or {format_bytes(self._memory_bytes)} of memory are too few for it: "
                "raise limits.memory"
            )
        return error
