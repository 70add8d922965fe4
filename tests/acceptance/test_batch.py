"""Many specs in one go: real processes, real signals, real faults."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.test_faults import check, descendants
from tests.bench import Desk
from tests.conftest import Models

pytestmark = pytest.mark.acceptance

SPEC = """\
spec: 1
name: {name}
question: Is {name} slower?
priority: {priority}
model: {{}}
measure:
  effect: 10%
  max_time: 60s
  min_blocks: 10
  max_blocks: {blocks}
  warmup_time: 20ms
  limits: {{steal: 100%, load: 1000, temperature: 100}} # tests share their machine
matrix:
  model.file: {{plain: {plain}, other: {other}}}
baseline: {{model.file: plain}}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "runs", tmp_path / "cache")


@pytest.fixture
def write(tmp_path: Path, models: Models) -> Callable[..., Path]:
    """Writes a spec that times two finished models; what stands in it can be changed."""

    def write(name: str, **changes: Any) -> Path:
        usual = {"priority": 0, "blocks": 10, "plain": models.plain, "other": models.slower}
        path = tmp_path / f"{name}.yaml"
        path.write_text(SPEC.format(name=name, **(usual | changes)))
        return path

    return write


def batches(desk: Desk) -> list[Path]:
    return sorted((desk.runs / "_batches").glob("*-*"))


def batch_events(desk: Desk) -> list[dict[str, Any]]:
    journal = batches(desk)[-1] / "journal.jsonl" if batches(desk) else None
    if journal is None or not journal.exists():
        return []
    return [json.loads(line) for line in journal.read_text().rpartition("\n")[0].splitlines()]


def ended(desk: Desk) -> list[tuple[str, str]]:
    return [(e["name"], e["status"]) for e in batch_events(desk) if e["event"] == "spec_ended"]


def processes(desk: Desk, name: str) -> list[tuple[int, int, str]]:
    return [
        (e["block"], e["attempt"], e["arm"]) for e in desk.events(name) if e["event"] == "process"
    ]


def start(desk: Desk, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        desk.command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(what: Callable[[], object], child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not what() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)


def test_every_spec_gets_its_turn_and_one_that_fails_takes_none_along(
    desk: Desk, write: Callable[..., Path], models: Models, tmp_path: Path
) -> None:
    mail = tmp_path / "mail.txt"
    specs = [
        write("last", priority=-1),
        write("broken", other=models.corrupt),
        write("first", priority=9),
    ]
    command = f'cat > {mail}; echo "$RETIME_EXIT_CODE $RETIME_SUMMARY" >> {mail}'
    done = desk.retime("batch", *specs, "--then", command, "-v")
    check(done, 3, "Is first slower?", "Is last slower?", "broken", "3 of 3 questions answered")
    assert [name for name, _ in ended(desk)] == ["first", "broken", "last"]
    summary = (batches(desk)[-1] / "summary.md").read_text()
    assert mail.read_text().startswith(summary)
    assert mail.read_text().endswith(f"3 {batches(desk)[-1] / 'summary.md'}\n")
    assert "other: failed in" in summary
    assert "adopt plain.tflite: done" in " ".join(done.stdout.split())
    # The models are the same in all three, and were taken over once.
    made = Counter(
        (event["stage"], event["key"])
        for name in ("first", "broken", "last")
        for event in desk.events(name)
        if event["event"] == "stage" and event["status"] == "done"
    )
    assert set(made.values()) == {1}

    again = desk.retime("summary")
    check(again, 3, "Is first slower?")
    assert " ".join(again.stdout.split()) in " ".join(done.stdout.split())
    status = desk.retime("status")
    check(status, 0, "Nothing is at work", "3 of 3 questions answered, in")


def test_a_wrong_spec_is_shown_before_anything_runs(
    desk: Desk, write: Callable[..., Path], tmp_path: Path
) -> None:
    wrong, worse = tmp_path / "wrong.yaml", tmp_path / "worse.yaml"
    wrong.write_text(write("right").read_text().replace("measure:", "mesure:"))
    worse.write_text("spec: [1\n")
    done = desk.retime("batch", tmp_path / "right.yaml", wrong, worse)
    check(done, 2, "wrong.yaml:6", "did you mean measure", "worse.yaml")
    assert not batches(desk)


def test_the_order_and_the_time_can_be_seen_before(desk: Desk, write: Callable[..., Path]) -> None:
    specs = [write("slow", blocks=400), write("urgent", priority=9)]
    done = desk.retime("batch", *specs, "--dry-run", "--max-time", "1s")
    check(done, 0, "urgent (priority 9)", "nothing was run", "more than the 1 s allowed")
    assert done.stdout.index("urgent") < done.stdout.index("slow")
    assert not desk.runs.exists()


def test_a_killed_batch_goes_on_where_it_was_and_repeats_nothing(
    desk: Desk, write: Callable[..., Path], tmp_path: Path
) -> None:
    specs = [write("one", priority=1), write("two", blocks=20)]
    child = start(desk, "batch", *specs)
    wait_for(lambda: len(processes(desk, "two")) > 5, child)
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    before = {name: processes(desk, name) for name in ("one", "two")}
    assert len(before["two"]) > 5
    check(desk.retime("status"), 130, "was cut off", "1 of 2 questions answered, 1 begun")

    done = desk.retime("batch", *reversed(specs))
    check(done, 0, "2 of 2 questions answered", "2 starts")
    assert len(batches(desk)) == 1
    assert processes(desk, "one") == before["one"]
    after = processes(desk, "two")
    assert after[: len(before["two"])] == before["two"]
    assert len(set(after)) == len(after)
    assert descendants(tmp_path) == []
    assert activity_files(desk) == []


def activity_files(desk: Desk) -> list[Path]:
    return list((desk.runs / "_now").glob("*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_batch_sums_up_what_there_is_and_goes_on(
    desk: Desk, write: Callable[..., Path], tmp_path: Path, number: signal.Signals
) -> None:
    specs = [write("one", priority=1), write("two", blocks=20)]
    child = start(desk, "batch", *specs)
    wait_for(lambda: len(processes(desk, "two")) > 5, child)
    os.kill(child.pid, number)
    output, errors = child.communicate(timeout=60)
    done = subprocess.CompletedProcess(child.args, child.returncode, output, errors)
    check(done, 130, "interrupted", "goes on where it stopped", "retime --runs")
    assert descendants(tmp_path) == []
    assert ended(desk) == [("one", "answered"), ("two", "interrupted")]
    check(desk.retime("summary"), 130, "1 of 2 questions answered, 1 interrupted")
    check(desk.retime("batch", *specs), 0, "2 of 2 questions answered")
    taken = processes(desk, "two")
    assert len(set(taken)) == len(taken)


def test_what_does_not_fit_in_the_time_is_left_cleanly_and_finished_next_time(
    desk: Desk, write: Callable[..., Path]
) -> None:
    specs = [write("one", priority=1), write("two", blocks=25), write("three", priority=-1)]
    text = specs[1].read_text().replace("min_blocks: 10", "min_blocks: 25")
    specs[1].write_text(text.replace("max_time: 60s", "max_time: 10m"))
    # Long enough for the first, and not for the second.
    assert desk.retime("batch", specs[0]).returncode == 0
    done = desk.retime("batch", *specs, "--max-time", "5s")
    check(done, 130, "unfinished", "the same command goes on with what was not finished")
    assert [status for _, status in ended(desk)] == ["answered", "unfinished", "unfinished"]
    check(desk.retime("batch", *specs), 0, "3 of 3 questions answered")
    assert len(batches(desk)) == 2
    taken = processes(desk, "two")
    assert len(set(taken)) == len(taken)
    assert len(desk.run_folders("two")) == 1


def test_what_is_at_work_can_be_seen_from_another_terminal(
    desk: Desk, write: Callable[..., Path]
) -> None:
    specs = [write("one", priority=1), write("two", blocks=40)]
    child = start(desk, "batch", *specs)
    wait_for(lambda: len(processes(desk, "two")) > 5, child)
    line = desk.retime("status").stdout
    record = json.loads(desk.retime("status", "--format", "json").stdout)
    watched = start(desk, "watch", "--every", "200ms")
    wait_for(lambda: False, child)
    child.communicate()
    seen, errors = watched.communicate(timeout=60)
    assert "1 of 2 specs done, at two: timing" in line
    assert "left" in line
    assert record["at_work"][0]["pid"] == child.pid
    assert record["at_work"][0]["spec"] == "two"
    assert watched.returncode == 0, errors
    assert "at two: timing" in seen
    assert "Nothing is at work. The last batch ended" in seen


def test_the_same_batch_started_twice_is_done_once(desk: Desk, write: Callable[..., Path]) -> None:
    specs = [write("one"), write("two")]
    first = start(desk, "batch", *specs)
    wait_for(lambda: batches(desk), first)
    second = desk.retime("batch", *specs)
    assert first.wait(timeout=120) == 0
    first.communicate()
    check(second, 0, "Waiting: process", "works on this batch", "stood already")
    for name in ("one", "two"):
        assert len(desk.run_folders(name)) == 1
        assert len(set(processes(desk, name))) == len(processes(desk, name)) == 40


def test_a_bug_in_one_spec_fails_that_one_and_leaves_its_traceback_in_a_file(
    desk: Desk, write: Callable[..., Path]
) -> None:
    specs = [write("one", priority=1), write("two")]
    code = (
        "import sys, runner.pipeline as p; real = p._work\n"
        "def broken(spec, *a, **k):\n"
        "    if spec.name == 'one': raise ZeroDivisionError('oops')\n"
        "    return real(spec, *a, **k)\n"
        "p._work = broken\n"
        "from runner.cli import run; sys.exit(run(sys.argv[1:]))"
    )
    executable, _, _, *arguments = desk.command("batch", *specs)
    done = subprocess.run(
        [executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    check(done, 4, "this is a bug in Retime: ZeroDivisionError: oops", "1 of 2 questions answered")
    assert "oops" in (batches(desk)[-1] / "one.bug.log").read_text()
    assert ended(desk) == [("one", "failed"), ("two", "answered")]
