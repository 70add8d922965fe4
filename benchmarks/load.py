"""Keeps one core busy in bursts until its parent ends; `python -m benchmarks.load SEED`.

Bursts and pauses last from some to some hundreds of milliseconds, at random, and copy memory while
they last: both what is next to a timed process and what it shares with others are disturbed.
"""

from __future__ import annotations

import os
import random
import sys
import time

_SHORTEST_S, _LONGEST_S = 0.005, 0.3
_BYTES = 4 << 20


def main(seed: int) -> None:
    """Bursts and pauses in turn."""
    generator = random.Random(seed)  # noqa: S311 - a load, not a secret
    parent, taken = os.getppid(), bytearray(_BYTES)
    while os.getppid() == parent:
        ends = time.monotonic() + generator.uniform(_SHORTEST_S, _LONGEST_S)
        while time.monotonic() < ends:
            taken[:] = bytes(taken)
        time.sleep(generator.uniform(_SHORTEST_S, _LONGEST_S))


if __name__ == "__main__":
    main(int(sys.argv[1]))
