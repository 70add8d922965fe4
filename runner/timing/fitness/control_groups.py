"""The control groups that this process is in, of either version."""

from __future__ import annotations

from collections.abc import Iterator

from runner.timing.fitness.tree import Tree

_MOUNT = "sys/fs/cgroup"


def cpu_groups(tree: Tree) -> Iterator[tuple[int, str]]:
    """Those that rule our use of processors; see `_groups`."""
    return _groups(tree, "cpu")


def memory_limit_bytes(tree: Tree) -> int | None:
    """The most memory that our groups, and those above, let us have together; None for no limit.

    Version 1 says of a group without a limit a number larger than any memory.
    """
    limits = [
        tree.integer(f"{folder}/{'memory.max' if version == 2 else 'memory.limit_in_bytes'}")
        # Without /proc the mount itself is all that is known.
        for version, folder in [*_groups(tree, "memory"), (2, _MOUNT), (1, f"{_MOUNT}/memory")]
    ]
    return min((limit for limit in limits if limit is not None), default=None)


def _groups(tree: Tree, controller: str) -> Iterator[tuple[int, str]]:
    """Version and folder of each group that rules what a controller is for: ours and those above.

    Inside a container our path is often the host's, and only the mount itself exists; so folders
    are named whether they exist or not.
    """
    for line in (tree.text("proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if line.startswith("0::"):
            for folder in _upwards(_MOUNT, path):
                yield 2, folder
        elif controller in controllers.split(","):
            for mount in dict.fromkeys((f"{_MOUNT}/{controller}", f"{_MOUNT}/{controllers}")):
                for folder in _upwards(mount, path):
                    yield 1, folder


def held_back_s(tree: Tree) -> float | None:
    """Seconds that our groups, and those above, were held back since they were made.

    A group that is held back by the quota of one above it is counted there, so all are added up.
    """
    told: dict[str, float] = {}
    # Without /proc the mount itself is all that is known.
    for version, folder in [*cpu_groups(tree), (2, _MOUNT)]:
        key, unit = ("throttled_usec", 1e-6) if version == 2 else ("throttled_time", 1e-9)
        for line in (tree.text(f"{folder}/cpu.stat") or "").splitlines():
            name, _, value = line.partition(" ")
            if name == key and value.strip().isdigit():
                # A mount that is a link of another is the same group.
                told[str((tree.root / folder).resolve())] = int(value) * unit
    return sum(told.values()) if told else None


def _upwards(mount: str, path: str) -> list[str]:
    """A group's folder and those above it, the mount last."""
    parts = [part for part in path.split("/") if part not in {"", ".."}]
    return ["/".join([mount, *parts[:count]]) for count in range(len(parts), -1, -1)]
