"""Two at once: for one spec, for one cache, for one machine; and locks of the dead."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from tests.bench import Desk
from tests.crashes.inspection import lapses_of_finished, leftovers, repeated_stages
from tests.crashes.tiny import ANSWERED, Tiny
from tests.crashes.trees import Forest, Tree

pytestmark = pytest.mark.acceptance

SPEC = """
spec: 1
name: {name}
model: {{}}
matrix: {{model.file: {{first: {first}, second: {second}}}}}
baseline: {{model.file: first}}
measure:
  effect: 90%
  min_blocks: 10
  max_blocks: 10
  warmup_time: 1ms
  warmup_runs: 1
  limits: {{steal: 100%, load: 1000, temperature: 100}}
"""


def ended(*trees: Tree) -> list[str]:
    said = [tree.wait(240) for tree in trees]
    for tree, text in zip(trees, said, strict=True):
        assert tree.root.returncode in ANSWERED, text
        assert tree.orphans() == []
        assert "Traceback" not in text
    return said


def specs(tiny: Tiny) -> list[list[str]]:
    """Commands for two specs that ask the same of the same files."""
    first, second = tiny.models
    commands = []
    for name in ("one", "other"):
        path = first.with_name(f"{name}.yaml")
        path.write_text(SPEC.format(name=name, first=first, second=second))
        commands.append(tiny.desk.command("bench", path))
    return commands


def test_one_spec_started_twice_at_once_is_answered_once_and_the_second_says_for_whom_it_waits(
    tiny: Tiny,
) -> None:
    first, second = Forest().start(tiny.command), Forest().start(tiny.command)
    said = " ".join(ended(first, second))
    owners = "|".join(str(tree.root.pid) for tree in (first, second))
    waited = rf"Waiting: process ({owners}) \(began [\w.]+ s ago\) works on this spec\."
    assert re.search(waited, said)
    assert "--fresh measures anew" in said
    assert lapses_of_finished(tiny.desk) == []
    assert len(tiny.desk.run_folders(tiny.name)) == 1


def test_two_specs_at_once_share_their_artifacts_and_never_work_at_the_same_time(
    tiny: Tiny,
) -> None:
    said = " ".join(ended(*[Forest().start(command) for command in specs(tiny)]))
    assert re.search(r"Waiting: process \d+ \(began [\w.]+ s ago\) is at work on this", said)
    assert lapses_of_finished(tiny.desk) == []
    cached = [e for e in tiny.desk.events("one") + tiny.desk.events("other") if e.get("status")]
    assert [event["status"] for event in cached].count("done") == 4
    assert [event["status"] for event in cached].count("cached") == 4


@pytest.fixture
def apart() -> Forest:
    """Commands that do not see each other's lock of the machine, as in two containers."""
    prefix = ["unshare", "--net"]
    works = (
        shutil.which("unshare")
        and not subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode
    )
    if not works:
        pytest.skip("a network namespace needs rights")
    return Forest(prefix=prefix)


def test_two_containers_that_share_a_cache_both_succeed_and_leave_nothing(
    tiny: Tiny, apart: Forest
) -> None:
    """They build at the same time; what one is making, the other neither takes nor removes."""
    trees = [apart.start(command) for command in specs(tiny)]
    said = " ".join(ended(*trees))
    assert "Waiting" not in said
    assert leftovers(tiny.desk) == []
    for stage in ("adopt", "evaluate"):
        assert len(list((tiny.desk.cache / stage).iterdir())) == 2
    # Both may have made the same thing; that is allowed between machines.
    assert len(repeated_stages(tiny.desk)) <= 4


def test_locks_and_temporary_files_of_the_dead_hold_nobody_up_and_are_removed(
    tiny: Tiny,
) -> None:
    runs = tiny.desk.runs / tiny.name
    runs.mkdir(parents=True)
    # The number of a process that lives, as after a restart of the machine.
    (runs / ".lock").write_text(f"{os.getppid()} elsewhere")
    (runs / ".new.20200101-000000-abcdef12").mkdir()
    temporary = tiny.desk.cache / "tmp"
    temporary.mkdir(parents=True)
    (temporary / "0123456789ab.owner").touch()
    for token in ("0123456789ab", "ba9876543210", str(os.getppid())):
        (temporary / f"train-abcdef.{token}").mkdir()
        (temporary / f"train-abcdef.{token}" / "half").touch()
        (temporary / f"scratch.{token}").mkdir()
    (said,) = ended(Forest().start(tiny.command))
    assert "Waiting" not in said
    assert lapses_of_finished(tiny.desk) == []


def test_a_desk_of_another_process_is_left_as_it_is(tiny: Tiny) -> None:
    """A live owner's files stay, whatever they are called."""
    from runner.store.artifacts import ArtifactStore

    other = ArtifactStore(tiny.desk.cache)
    draft = other.draft("train", "e" * 64)
    (draft / "half").write_text("still at work")
    ended(Forest().start(tiny.command))
    assert (draft / "half").read_text() == "still at work"
    other.tidy()
    assert leftovers(Desk(tiny.desk.runs, tiny.desk.cache)) == []
