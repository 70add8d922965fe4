"""The first Ctrl-C finishes its block, the second stops at once; the terminal is as it was."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crashes.faults import compile_library
from tests.crashes.inspection import Witness, lapses_of_finished
from tests.crashes.tiny import ANSWERED, Tiny
from tests.crashes.trees import Forest, Tree

pytestmark = pytest.mark.acceptance

# A process takes a third of a second, so that a signal meets one; there are four in a block.
SLOW = "measure.warmup_time=200ms"


def until(is_so: Callable[[], bool], tree: Tree) -> None:
    ends = time.monotonic() + 120
    while not is_so() and tree.root.poll() is None and time.monotonic() < ends:
        time.sleep(0.01)
    assert is_so()


def slow(tiny: Tiny) -> Tiny:
    return Tiny(tiny.desk, tiny.models, (*tiny.settings, SLOW))


def processes(tiny: Tiny) -> list[tuple[int, str]]:
    events = tiny.desk.events(tiny.name)
    return [(event["block"], event["arm"]) for event in events if event["event"] == "process"]


def in_a_block(tiny: Tiny) -> bool:
    """A block has begun, and not ended."""
    return len(processes(tiny)) % 4 in (1, 2) if processes(tiny) else False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_one_finishes_the_running_block_and_stops_resumable(
    tiny: Tiny, number: signal.Signals
) -> None:
    bench, witness = slow(tiny), Witness()
    tree = Forest().start(bench.command)
    until(lambda: in_a_block(bench), tree)
    tree.signal(number)
    said = tree.wait(60)
    assert tree.root.returncode == 130, said
    assert "Stopping when this block is done; Ctrl-C again stops at once." in said
    assert "goes on where it stopped" in said
    assert tree.orphans() == []
    last = [event["event"] for event in bench.desk.events(bench.name)][-1]
    assert last == "block"
    assert len(processes(bench)) % 4 == 0
    assert witness.look(bench.desk) == []
    assert Forest().start(bench.command).ended(120) in ANSWERED
    assert witness.look(bench.desk) == []
    assert lapses_of_finished(bench.desk) == []


def test_a_service_that_is_stopped_finishes_its_block_although_all_its_processes_are_asked(
    tiny: Tiny,
) -> None:
    bench, witness = slow(tiny), Witness()
    tree = Forest().start(bench.command)
    until(lambda: in_a_block(bench), tree)
    # One that is timed is among them.
    tree.waited_for("runner.timing.worker")
    tree.signal_all(signal.SIGTERM)
    said = tree.wait(60)
    assert tree.root.returncode == 130, said
    assert tree.orphans() == []
    events = bench.desk.events(bench.name)
    assert [event["event"] for event in events][-1] == "block"
    assert events[-1]["reasons"] == []
    assert not [event for event in events if event["event"] == "failed"]
    assert len(processes(bench)) % 4 == 0
    assert Forest().start(bench.command).ended(120) in ANSWERED
    assert witness.look(bench.desk) == []
    assert lapses_of_finished(bench.desk) == []


def test_the_second_one_stops_at_once_and_the_block_goes_on_later(tiny: Tiny) -> None:
    bench, witness = slow(tiny), Witness()
    tree = Forest().start(bench.command)
    until(lambda: in_a_block(bench), tree)
    tree.signal(signal.SIGINT)
    time.sleep(0.1)
    tree.signal(signal.SIGTERM)
    said = tree.wait(60)
    assert tree.root.returncode == 130, said
    assert "Traceback" not in said
    assert tree.orphans() == []
    assert [event["event"] for event in bench.desk.events(bench.name)][-1] == "process"
    assert len(processes(bench)) % 4
    assert witness.look(bench.desk) == []
    assert Forest().start(bench.command).ended(120) in ANSWERED
    assert witness.look(bench.desk) == []
    assert lapses_of_finished(bench.desk) == []


def test_a_hang_up_does_not_end_what_nohup_started(tiny: Tiny) -> None:
    tree = Forest(prefix=["nohup"]).start(tiny.command)
    until(lambda: bool(processes(tiny)), tree)
    tree.signal(signal.SIGHUP)
    said = tree.wait(120)
    assert tree.root.returncode in ANSWERED, said


@contextlib.contextmanager
def on_a_terminal(command: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The command with a terminal of its own; the process, and the end that a person sits at."""
    mine, its = pty.openpty()
    with subprocess.Popen(
        command,
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
        preexec_fn=_take_terminal,  # noqa: PLW1509 - pytest has one thread here
    ) as child:
        os.close(its)
        yield child, mine
    with contextlib.suppress(OSError):
        os.close(mine)


def _take_terminal() -> None:
    """Makes standard input the terminal whose keys send signals."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def read_to_end(mine: int) -> bytes:
    said = b""
    with contextlib.suppress(OSError):
        while piece := os.read(mine, 65536):
            said += piece
    return said


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_on_a_terminal_gives_it_back_with_its_cursor(tiny: Tiny, presses: int) -> None:
    """The keys go to all processes of the terminal; those that are timed must not feel them."""
    bench = slow(tiny)
    with on_a_terminal(bench.command) as (child, mine):
        ends = time.monotonic() + 120
        said = b""
        while not in_a_block(bench) and time.monotonic() < ends:
            os.set_blocking(mine, False)
            with contextlib.suppress(BlockingIOError):
                said += os.read(mine, 65536)
            time.sleep(0.01)
        os.set_blocking(mine, True)
        for _ in range(presses):
            os.write(mine, b"\x03")
            time.sleep(0.1)
        said += read_to_end(mine)
        assert child.wait(60) == 130, said
    assert b"Traceback" not in said
    assert said.count(b"\x1b[?25l") > 0
    assert said.rfind(b"\x1b[?25h") > said.rfind(b"\x1b[?25l")
    assert (len(processes(bench)) % 4 == 0) == (presses == 1)


def test_a_terminal_that_is_closed_lets_the_block_end_and_the_command_stop_resumable(
    tiny: Tiny,
) -> None:
    """The hang-up comes when nothing can be said to the terminal any more."""
    bench = slow(tiny)
    with on_a_terminal(bench.command) as (child, mine):
        ends = time.monotonic() + 120
        os.set_blocking(mine, False)
        while not in_a_block(bench) and time.monotonic() < ends:
            with contextlib.suppress(BlockingIOError):
                os.read(mine, 65536)
            time.sleep(0.01)
        os.close(mine)
        assert child.wait(60) == 130
    assert [event["event"] for event in bench.desk.events(bench.name)][-1] == "block"
    assert len(processes(bench)) % 4 == 0


def test_a_log_on_a_full_disk_ends_no_batch(tiny: Tiny, tmp_path: Path) -> None:
    specs = []
    for model in tiny.models:
        spec = tmp_path / f"{model.stem}.yaml"
        spec.write_text(f"spec: 1\nname: {model.stem}\nmodel: {{file: {model}}}\n")
        specs.append(spec)
    settings = [part for one in tiny.settings for part in ("--set", one)]
    command = tiny.desk.command("batch", *specs, *settings)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=full, check=False, timeout=240)
    assert done.returncode in ANSWERED
    assert all(tiny.desk.run_folders(spec.stem) for spec in specs)
    (summary,) = tiny.desk.runs.glob("_batches/*/summary.md")
    assert "2 of 2 questions answered" in summary.read_text()


@pytest.mark.parametrize("everyone", [False, True])
def test_an_interruption_while_a_stage_is_built_says_so_in_the_journal(
    tiny: Tiny, tmp_path: Path, *, everyone: bool
) -> None:
    tree, _ = waiting_evaluation(tiny, tmp_path)
    if everyone:
        tree.signal_all(signal.SIGTERM)
    else:
        tree.signal(signal.SIGINT)
    assert tree.wait(30)
    assert tree.root.returncode == 130
    assert tree.orphans() == []
    stages = [e for e in tiny.desk.events("waits") if e["event"] == "stage"]
    assert [(one["stage"], one["status"]) for one in stages] == [
        ("adopt", "done"),
        ("evaluate", "interrupted"),
    ]


def test_an_evaluation_does_not_outlive_a_command_that_is_killed(
    tiny: Tiny, tmp_path: Path
) -> None:
    tree, evaluation = waiting_evaluation(tiny, tmp_path)
    assert evaluation in tree.alive()
    tree.signal(signal.SIGKILL)
    assert tree.ended(30) == -signal.SIGKILL
    assert tree.orphans() == []


def waiting_evaluation(tiny: Tiny, tmp_path: Path) -> tuple[Tree, int]:
    """A bench whose first evaluation never ends, and that one's process."""
    spec = tmp_path / "waits.yaml"
    plugin = tmp_path / "plugin.c"
    plugin.write_text(PLUGIN_THAT_SLEEPS)
    library = compile_library(plugin, tmp_path)
    spec.write_text(
        f"spec: 1\nname: waits\nmodel: {{file: {tiny.models[0]}}}\n"
        f"runtime: {{delegate: {{external: {{path: {library}}}}}}}\n"
    )
    tree = Forest().start(tiny.desk.command("bench", spec))
    return tree, tree.waited_for("evaluation_worker", str(library))


PLUGIN_THAT_SLEEPS = """
#include <stddef.h>
#include <unistd.h>
void *tflite_plugin_create_delegate(char **keys, char **values, size_t count,
                                    void (*report)(const char *));
void tflite_plugin_destroy_delegate(void *delegate);
void *tflite_plugin_create_delegate(char **keys, char **values, size_t count,
                                    void (*report)(const char *)) {
    (void)keys, (void)values, (void)count, (void)report;
    for (;;) pause();
}
void tflite_plugin_destroy_delegate(void *delegate) { (void)delegate; }
"""
