"""What nobody foresaw, as errors that a user can read."""

from __future__ import annotations

import errno
import traceback
from pathlib import Path

from runner.errors import EnvironmentUnusableError


def explain(error: Exception, log: Path) -> EnvironmentUnusableError:
    """What refused, in words; or that this is a bug, with its traceback in a file.

    Args:
        log: the file for a traceback.
    """
    return _explain_os_error(error) if isinstance(error, OSError) else _explain_bug(error, log)


def _explain_os_error(error: OSError) -> EnvironmentUnusableError:
    where = str(error.filename or "")
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return EnvironmentUnusableError(
            "no space left on the device",
            where=where,
            why="what was being written is thrown away; everything finished is kept",
            remedy="free some room and run the same command again; it goes on where it stopped",
        )
    return EnvironmentUnusableError(
        error.strerror or str(error), where=where, remedy="check the path and its permissions"
    )


def _explain_bug(error: Exception, log: Path) -> EnvironmentUnusableError:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        remedy = f"please report it with {log}; everything finished is kept"
    except OSError:
        remedy = "please report it; everything finished is kept"
    what = f"this is a bug in Retime: {type(error).__name__}: {error}"
    return EnvironmentUnusableError(what, remedy=remedy)
