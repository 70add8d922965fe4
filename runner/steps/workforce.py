"""How many workers build side by side on this machine, and with how many threads each."""

from __future__ import annotations

import os
from dataclasses import dataclass

from runner.timing.fitness.control_groups import memory_limit_bytes
from runner.timing.fitness.tree import Tree

# What a worker needs while it trains or converts a usual network; TensorFlow alone takes a third.
_WORKER_BYTES = 3 * 2**29
_FEWEST, _MOST = 2, 4


@dataclass(frozen=True)
class Workforce:
    """What a machine allows.

    Attributes:
        workers: the most processes side by side.
        threads: of each, however many are at work.
    """

    workers: int
    threads: int


def workforce(cores: int, memory_bytes: int) -> Workforce:
    """The workforce of a machine.

    Converting keeps a single core busy, and training a small network hardly more than two, so that
    processes side by side get more done than threads. But a training that is alone has only its
    own threads, so there are no more workers than four. How many threads a training has may change
    the last bits of its weights; it depends on nothing but the machine, never on what else there
    is to do.
    """
    wanted = min(_MOST, max(_FEWEST, cores // 2))
    workers = max(1, min(wanted, cores, memory_bytes // _WORKER_BYTES))
    return Workforce(workers, max(1, cores // workers))


def workforce_here(tree: Tree = Tree()) -> Workforce:  # noqa: B008 - it is frozen
    """That of this machine, by the cores and the memory that this process may use."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit_bytes = memory_limit_bytes(tree)
    if limit_bytes is not None:
        memory_bytes = min(memory_bytes, limit_bytes)
    return workforce(len(os.sched_getaffinity(0)), memory_bytes)
