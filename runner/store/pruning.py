"""What is to go from a cache, by age, size and use, and what is kept in spite of that. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runner.store.stock import Item, Leftover, Stock


@dataclass(frozen=True)
class Wish:
    """What somebody wants to be rid of; conditions that are given must all hold.

    Attributes:
        older_than_s: not used for so many seconds; None for any age.
        unused: planned by no run that is there.
        to_bytes: the least recently used ones, until no more than so much is left; None for all.
        unfinished: also what a run needs to go on that has no result yet, or was cut short.
    """

    older_than_s: float | None = None
    unused: bool = False
    to_bytes: int | None = None
    unfinished: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for that could go."""
        return self.older_than_s is None and not self.unused and self.to_bytes is None


@dataclass(frozen=True)
class Choice:
    """What goes, and what was asked for and stays.

    Attributes:
        items: artifacts that go, the least recently used first.
        leftovers: what else goes: drafts of ended processes, always; checkpoints as artifacts do.
        in_use: kept because a process is at work with it.
        unfinished: kept because a run that is not finished needs it.
        bytes_left: what the cache then holds.
    """

    items: tuple[Item, ...]
    leftovers: tuple[Leftover, ...]
    in_use: tuple[Item | Leftover, ...]
    unfinished: tuple[Item | Leftover, ...]
    bytes_left: int

    @property
    def bytes(self) -> int:
        """Of all that goes."""
        return sum(one.bytes for one in self.items) + sum(one.bytes for one in self.leftovers)


def choose(stock: Stock, wish: Wish, now_s: float) -> Choice:
    """Chooses what goes.

    Args:
        now_s: seconds since 1970; what was used after that, since a clock was set back, is new.
    """
    gone: list[Item | Leftover] = [one for one in stock.leftovers if one.kind == "draft"]
    in_use: list[Item | Leftover] = []
    unfinished: list[Item | Leftover] = []
    left = stock.bytes - sum(one.bytes for one in gone)
    for one in _by_use(stock):
        if wish.to_bytes is not None and left <= wish.to_bytes:
            break
        if not _is_asked(one, wish, now_s):
            continue
        if one.in_use_by:
            in_use.append(one)
        elif one.unfinished_runs and not wish.unfinished:
            unfinished.append(one)
        else:
            gone.append(one)
            left -= one.bytes
    return Choice(
        items=tuple(one for one in gone if isinstance(one, Item)),
        leftovers=tuple(one for one in gone if isinstance(one, Leftover)),
        in_use=tuple(in_use),
        unfinished=tuple(unfinished),
        bytes_left=left,
    )


def _by_use(stock: Stock) -> Sequence[Item | Leftover]:
    """Artifacts and checkpoints, the least recently used first."""
    checkpoints = [one for one in stock.leftovers if one.kind == "checkpoint"]
    return sorted((*stock.items, *checkpoints), key=lambda one: (_used_s(one), str(one.folder)))


def _is_asked(one: Item | Leftover, wish: Wish, now_s: float) -> bool:
    is_old = wish.older_than_s is None or max(0.0, now_s - _used_s(one)) >= wish.older_than_s
    has_run = one.runs if isinstance(one, Item) else one.unfinished_runs
    return is_old and not (wish.unused and has_run)


def _used_s(one: Item | Leftover) -> float:
    return one.used_s if isinstance(one, Item) else one.changed_s
