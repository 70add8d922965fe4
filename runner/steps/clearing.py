"""Looks after a cache: finds what is damaged, and clears away what nobody needs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from runner.report.progress import Task
from runner.store.artifacts import ArtifactStore
from runner.store.pruning import Choice, Wish, choose
from runner.store.stock import Damage, take_stock
from runner.store.usage import clearing_up

OnWait = Callable[[str], None]
"""Told once, in words, whom this process waits for."""


def verify(cache: Path, runs: Path, task: Task | None = None) -> tuple[int, list[Damage]]:
    """Reads every artifact; how many there are, and the damaged ones."""
    store, stock = ArtifactStore(cache), take_stock(cache, runs)
    total = sum(item.bytes for item in stock.items)
    done, damaged = 0, []
    for item in stock.items:
        if task:
            task.update(done, max(1, total), f"{item.stage} {item.key[:12]}")
        faults = store.faults(item.stage, item.key)
        # What is gone by now was cleared away, or was damaged and is being made again.
        if faults and item.folder.exists():
            damaged.append(Damage(item, tuple(faults)))
        done += item.bytes
    return len(stock.items), damaged


def remove_damaged(cache: Path, found: list[Damage], on_wait: OnWait) -> list[Damage]:
    """Removes damaged artifacts but those that a process is at work with.

    Raises:
        OSError: the cache can't be written to, or not be locked.
    """
    store, left = ArtifactStore(cache), []
    try:
        with clearing_up(cache, on_wait) as in_use:
            for one in found:
                stage, key = one.item.stage, one.item.key
                # It may have been made again since it was read.
                removes = key not in in_use and bool(store.faults(stage, key))
                if removes:
                    store.remove(stage, key)
                left.append(Damage(one.item, one.faults, is_removed=removes))
    finally:
        store.tidy()
    return left


def prune(cache: Path, runs: Path, wish: Wish, on_wait: OnWait, *, dry_run: bool) -> Choice:
    """Removes what a wish is about; with `dry_run` only says what that is.

    Raises:
        OSError: the cache can't be written to, or not be locked.
    """
    if dry_run or not cache.exists():
        return choose(take_stock(cache, runs), wish, time.time())
    store = ArtifactStore(cache)
    try:
        with clearing_up(cache, on_wait):
            # Who is at work is known for certain only now.
            choice = choose(take_stock(cache, runs), wish, time.time())
            for item in choice.items:
                store.remove(item.stage, item.key)
            for leftover in choice.leftovers:
                if leftover.kind == "checkpoint":
                    shutil.rmtree(leftover.folder, ignore_errors=True)
            store.remove_abandoned()
    finally:
        store.tidy()
    return choice
