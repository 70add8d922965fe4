"""Workers and threads follow from the machine alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.steps.workforce import Workforce, workforce, workforce_here
from runner.timing.fitness.control_groups import memory_limit_bytes
from runner.timing.fitness.tree import Tree

pytestmark = pytest.mark.fast

GIB = 2**30


@pytest.mark.parametrize(
    ("cores", "memory_gib", "expected"),
    [
        (1, 8, Workforce(1, 1)),
        (2, 8, Workforce(2, 1)),
        (4, 16, Workforce(2, 2)),
        (8, 16, Workforce(4, 2)),
        (64, 256, Workforce(4, 16)),
        # A board with many cores and little memory.
        (8, 4, Workforce(2, 4)),
        (4, 1, Workforce(1, 4)),
    ],
)
def test_cores_are_shared_out_and_memory_sets_a_bound(
    cores: int, memory_gib: int, expected: Workforce
) -> None:
    assert workforce(cores, memory_gib * GIB) == expected
    assert expected.workers * expected.threads <= cores


def test_this_machine_has_a_workforce() -> None:
    assert workforce_here().workers >= 1


V1 = "4:memory:/box/inner\n1:cpu:/\n0::/\n"


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        ("0::/box\n", {"box/memory.max": "max", "memory.max": f"{2 * GIB}"}, 2 * GIB),
        ("0::/box\n", {"box/memory.max": f"{GIB}", "memory.max": f"{2 * GIB}"}, GIB),
        # In a container our path is the host's, and the mount is our own group.
        ("0::/host/path\n", {"memory.max": f"{GIB}"}, GIB),
        ("", {"memory.max": f"{GIB}"}, GIB),
        (V1, {"memory/box/memory.limit_in_bytes": f"{GIB}"}, GIB),
        (V1, {"memory/memory.limit_in_bytes": f"{2**63 - 4096}"}, 2**63 - 4096),
        ("0::/box\n", {"box/memory.max": "max"}, None),
        ("", {}, None),
    ],
)
def test_what_a_container_may_have_of_the_memory_bounds_its_workers(
    tmp_path: Path, groups: str, files: dict[str, str], limit: int | None
) -> None:
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text(groups)
    for name, content in files.items():
        file = tmp_path / "sys" / "fs" / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content + "\n")
    tree = Tree(tmp_path)
    assert memory_limit_bytes(tree) == limit
    if limit is not None and limit < 3 * GIB:
        assert workforce_here(tree).workers == 1
