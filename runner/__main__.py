"""The `retime` command."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs the command line; a Ctrl-C at any moment, also while importing, ends quietly."""
    try:
        from runner.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("\nretime: interrupted; the same command goes on where it stopped\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
