"""The `retime` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> int:
    """Runs the command line; a Ctrl-C at any moment, also while importing, ends quietly."""
    _open_what_is_closed()
    try:
        from runner.cli import run

        code = run(sys.argv[1:])
        from runner.interrupts import leave

        leave()
    except KeyboardInterrupt:
        from runner.interrupts import heard
        from runner.output import Lasting

        heard()
        # Its terminal may be gone: that is a hang-up.
        errors = Lasting(sys.stderr)
        errors.write("\nretime: interrupted\n")
        errors.flush()
        return 130
    return code


def _open_what_is_closed() -> None:
    """Started with a closed output (`>&-`), the command works and says nothing there."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end


if __name__ == "__main__":
    sys.exit(main())
