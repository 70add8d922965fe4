"""One fresh process: reads a job, does its task, says what it saw.

Standard input holds the job. Standard output receives `step NAME` before each step, so that the
parent knows where a crash happened, then `result KEY VALUE` lines or one `error STEP MESSAGE` line.
Only the standard library and the harness are imported: a heavy import would change the process that
is measured. Exit code 0, or after an `error` line 2 (the job is wrong), 3 (the model, or what is
asked of it, was refused) or 4 (this machine doesn't serve).
"""

from __future__ import annotations

import errno
import sys

from runner.timing import native
from runner.timing.bench import Bench, open_bench
from runner.timing.job import Job
from runner.timing.report import NO_SPACE
from runner.timing.tasks import do_task

# retime_status: the library can't be opened, or lacks what is needed.
_UNUSABLE = {-3, -4}


def main() -> int:
    """Does the job on standard input."""
    try:
        return _work(Job.from_lines(sys.stdin))
    except ValueError as error:
        say(f"error job {error}")
        return 2
    except native.HarnessError as error:
        say(f"error {error.step} {' '.join(error.why.split())}")
        return 4 if error.status in _UNUSABLE else 3
    except OSError as error:
        step = NO_SPACE if error.errno in {errno.ENOSPC, errno.EDQUOT} else "file"
        say(f"error {step} {error}")
        return 4


def _work(job: Job) -> int:
    bench: Bench
    with open_bench(job, say) as bench:
        measurement = do_task(bench, say)
    say(measurement.to_lines().rstrip())
    return 0


def say(line: str) -> None:
    """Prints a line that must be out before a crash."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
