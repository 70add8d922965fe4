"""The whole examination: reads, tries and opens, then hands over what was found."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from pathlib import Path

from runner.timing.fitness.findings import Examination, Group
from runner.timing.fitness.heat import examine_heat
from runner.timing.fitness.inference import harness, litert, tflite
from runner.timing.fitness.processor import examine_processor
from runner.timing.fitness.quiet import examine_quiet
from runner.timing.fitness.rights import examine_rights, try_rights
from runner.timing.fitness.tools import compiler, compression, few_bits, room, tensorflow
from runner.timing.fitness.tree import Tree
from runner.timing.host import read_conditions

_SAMPLE_S = 0.5


def examine(runs: Path, cache: Path, root: Path = Path("/")) -> Examination:
    """Examines this machine; about two seconds. Leaves nothing behind.

    Args:
        runs: where results are to be written.
        cache: where artifacts are to be written.
        root: the folder that holds `proc` and `sys`.
    """
    tree = Tree(root)
    usable_cores = len(os.sched_getaffinity(0))
    # First of all: what is started below would count as load from others.
    before = read_conditions(root)
    time.sleep(_SAMPLE_S)
    after = read_conditions(root)
    with tempfile.TemporaryDirectory(prefix="retime-doctor-") as name:
        folder = Path(name)
        software = _examine_software(folder)
        rights = examine_rights(tree, try_rights(folder))
    return Examination(
        (
            software,
            Group("Room", (room("results", runs), room("artifacts", cache))),
            examine_processor(tree, usable_cores, platform.machine()),
            examine_quiet(tree, before, after, usable_cores),
            examine_heat(tree),
            rights,
        )
    )


def _examine_software(folder: Path) -> Group:
    compiled = harness()
    return Group(
        "Software",
        (
            compiled,
            tflite(folder),
            litert(folder),
            compiler(needed=compiled.status == "problem"),
            tensorflow(),
            compression(),
            few_bits(),
        ),
    )
