"""Asks an inference library whether it is one, in a process of its own, before any work begins."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from runner.errors import EnvironmentUnusableError
from runner.timing import native
from runner.timing.libraries import RuntimeLibrary
from runner.timing.process import run_module

_TIMEOUT_S = 60.0


def probe_library(library: RuntimeLibrary, log: Path) -> str:
    """Opens the library in a process of its own and returns its version.

    Args:
        log: receives what the library prints; removed again.

    Raises:
        EnvironmentUnusableError: it is no such library, or the harness was not compiled.
    """
    try:
        ended = run_module("runner.timing.probe", stdin=library.path, log=log, timeout_s=_TIMEOUT_S)
        last_words = log.read_text(encoding="utf-8", errors="replace").strip()
    finally:
        log.unlink(missing_ok=True)
    if ended.returncode == 0:
        kind, _, version = ended.output.partition(" ")
        if kind == library.kind:
            return version
        ended = replace(ended, returncode=_REFUSED, output=f"it is a library of kind {kind}")
    if ended.returncode == _MISSING:
        raise native.HarnessMissingError(ended.output)
    how = ended.signal_name or f"exit code {ended.returncode}"
    raise EnvironmentUnusableError(
        f"the {library.kind} library can't be used",
        where=library.path,
        why=ended.output or f"opening it ended with {how}. {last_words}".strip(),
        remedy="name one for this machine in runtime.path, or name none to use the one in the "
        "wheel: pip install 'retime[runtime]'",
    )


_REFUSED, _MISSING = 3, 4


def main() -> int:
    """Opens the library whose path is on standard input and prints its version, or why not."""
    try:
        with native.Library.open(sys.stdin.read()) as library:
            sys.stdout.write(f"{library.kind} {library.version}")
    except native.HarnessMissingError as error:
        sys.stdout.write(error.why)
        return _MISSING
    except native.HarnessError as error:
        sys.stdout.write(f"{error.step}: {error.why}")
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
