"""A seeded choice with every class in its share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def deal(
    groups: NDArray[np.int64],
    count: int,
    generator: np.random.Generator,
    *,
    keep_one: bool = False,
) -> NDArray[np.bool_]:
    """Chooses `count` members so that every group has its share of them.

    Members are dealt group by group in random order: the first of every group, then the second and
    so on, until there are enough.

    Args:
        groups: the group of each member, shape (members,).
        keep_one: whether each group keeps a member that is not chosen, where it has any.

    Returns:
        Shape (members,), whether each is chosen.
    """
    order = generator.permutation(len(groups))
    rank = np.empty(len(groups))
    for group in np.unique(groups):
        members = order[groups[order] == group]
        rank[members] = (np.arange(len(members)) + generator.random()) / len(members)
        if keep_one:
            rank[members[-1]] = np.inf
    first = np.argsort(rank, kind="stable")
    first = first[np.isfinite(rank[first])][:count]
    chosen = np.zeros(len(groups), dtype=bool)
    chosen[first] = True
    return chosen
