"""Opens the LiteRT library in a process of its own, since a broken one can end whoever does."""

from __future__ import annotations

import ctypes
import sys

# Without one of these no model can be run.
_FUNCTIONS = (
    "LiteRtCreateEnvironment",
    "LiteRtCreateModelFromBuffer",
    "LiteRtCreateCompiledModel",
    "LiteRtRunCompiledModel",
)
REFUSED = 3


def main() -> int:
    """Opens the library whose path is on standard input; prints why not where it can't be."""
    try:
        library = ctypes.CDLL(sys.stdin.read())
    except OSError as error:
        sys.stdout.write(str(error))
        return REFUSED
    missing = [name for name in _FUNCTIONS if not hasattr(library, name)]
    if missing:
        sys.stdout.write(f"it lacks {', '.join(missing)}")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
