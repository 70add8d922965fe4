"""What goes wrong ends with the right exit code, a reason and a remedy, and never a traceback."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench import SMALL, Benched, Desk
from tests.file_systems import mounted

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).resolve().parents[2]


def check(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    text = done.stdout + done.stderr
    assert done.returncode == code, text
    assert "Traceback" not in text
    for word in words:
        assert word in text, text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("spec: [1\nname: x\n", ["broken.yaml:"]),
        (SMALL.read_text().replace("alpha: 0.35", "alhpa: 0.35"), ["alhpa", "did you mean alpha"]),
        (SMALL.read_text().replace("MobileNetV2, alpha", "MobileNetV9, alpha"), ["MobileNetV2"]),
    ],
)
def test_a_wrong_spec_is_refused_with_its_place(
    desk: Desk, tmp_path: Path, text: str, words: list[str]
) -> None:
    spec = tmp_path / "broken.yaml"
    spec.write_text(text)
    for command in ("bench", "validate", "plan"):
        check(desk.retime(command, spec), 2, *words)


def test_a_missing_spec_is_refused(desk: Desk) -> None:
    check(desk.retime("bench", "no-such-spec.yaml"), 2, "no-such-spec.yaml")


def test_a_library_that_is_missing_or_none_ends_before_anything_is_built(
    desk: Desk, tmp_path: Path
) -> None:
    text = tmp_path / "libtensorflowlite_c.so"
    text.write_text("not a library\n" * 1000)
    for path, words in (
        (tmp_path / "absent.so", ["does not exist", "RETIME_TFLITE_LIBRARY"]),
        (text, ["can't be used", "invalid ELF header"]),
        (sys.executable, ["can't be used"]),
    ):
        environment = {**os.environ, "RETIME_TFLITE_LIBRARY": str(path)}
        check(desk.retime("bench", SMALL, env=environment), 4, *words)
    assert not desk.run_folders()


def test_a_missing_compiler_is_named_with_the_remedy() -> None:
    done = subprocess.run(
        ["make", "-s", "-W", "setup.py", "CC=no-such-compiler", "setup"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "no C compiler (no-such-compiler) was found" in done.stderr
    assert "apt install gcc" in done.stderr


def test_a_harness_that_was_not_compiled_is_named_with_the_remedy() -> None:
    code = """
import sys
sys.modules["runner.timing._harness"] = None
from runner.timing import native
from runner.errors import EnvironmentUnusableError
try:
    native.Library.open("x")
except EnvironmentUnusableError as error:
    print(error.exit_code.value, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("4 ")
    assert "compiler" in done.stdout


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB."""
    mount = tmp_path / "small"
    with mounted(mount, "size=3m") as is_there:
        if not is_there:
            pytest.skip("mounting a small file system needs root")
        yield mount


def test_a_full_disk_for_artifacts_fails_with_the_remedy(small_disk: Path, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "runs", small_disk)
    done = desk.retime("bench", SMALL)
    check(done, 4, "no space", "free some room")
    assert not list((small_disk / "tmp").glob("*"))


def test_a_full_disk_for_results_keeps_what_is_there_and_goes_on_later(
    benched: Benched, small_disk: Path
) -> None:
    desk = Desk(small_disk, benched.desk.cache)
    ballast = small_disk / "ballast"
    spec = benched.desk.runs.parent / "long.yaml"
    spec.write_text(
        SMALL.read_text()
        .replace("effect: 10%", "effect: 0.6%")
        .replace("max_blocks: 12", "max_blocks: 40")
        .replace("max_time: 40s", "max_time: 10m")
    )
    check(bench_and_fill(desk, spec, ballast), 4, "no space left", "goes on")
    before = [e for e in desk.events() if e["event"] == "process"]
    ballast.unlink()
    spec.write_text(spec.read_text().replace("max_blocks: 40", "max_blocks: 10"))
    assert desk.retime("bench", spec).returncode in (0, 1)
    after = [e for e in desk.events() if e["event"] == "process"]
    assert after[: len(before)] == before


def bench_and_fill(desk: Desk, spec: Path, ballast: Path) -> subprocess.CompletedProcess[str]:
    """Starts a bench, for which there is room, and fills the disk once it times."""
    child = subprocess.Popen(
        desk.command("bench", spec), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not any(e["event"] == "process" for e in desk.events()) and child.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    output, errors = child.communicate(timeout=300)
    return subprocess.CompletedProcess(child.args, child.returncode, output, errors)


def start_and_interrupt(
    desk: Desk, spec: Path, number: signal.Signals, when: Callable[[], bool]
) -> subprocess.CompletedProcess[str]:
    """Starts a bench in a session of its own and signals it, as a terminal's Ctrl-C, once."""
    child = subprocess.Popen(
        desk.command("bench", spec),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not when() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(child.pid, number)
    output, errors = child.communicate(timeout=60)
    return subprocess.CompletedProcess(child.args, child.returncode, output, errors)


def descendants(marker: Path) -> list[str]:
    """Command lines of running processes that name a path or were started beneath it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            inputs = str((folder / "fd/2").readlink())
        except OSError:
            continue
        if str(marker) in line or str(marker) in inputs:
            found.append(line)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_while_timing_is_resumable_and_repeats_no_process(
    desk: Desk, tmp_path: Path, number: signal.Signals
) -> None:
    def timing() -> bool:
        return sum(e["event"] == "process" for e in desk.events()) >= 8

    done = start_and_interrupt(desk, SMALL, number, timing)
    command = f"retime --runs {desk.runs} --cache {desk.cache} bench {SMALL}"
    check(done, 130, "interrupted", "goes on where it stopped", command)
    assert descendants(tmp_path) == []
    before = [event for event in desk.events() if event["event"] == "process"]
    assert len(before) >= 8

    again = desk.retime("bench", SMALL)
    assert again.returncode in (0, 1), again.stderr
    events = desk.events()
    after = [event for event in events if event["event"] == "process"]
    assert after[: len(before)] == before
    taken = [(e["block"], e["attempt"], e["arm"]) for e in after]
    assert len(taken) == len(set(taken))
    told = Counter(event["event"] for event in events)
    # Another one only where a noisy machine made the warm-up too short.
    assert told["pilot"] == 1 + told["warmup_lengthened"]
    assert len(desk.run_folders()) == 1


def test_an_interruption_while_building_leaves_nothing_half_made(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "runs", tmp_path / "cache")

    def training() -> bool:
        return bool(list((tmp_path / "cache" / "tmp").glob("train-*")))

    done = start_and_interrupt(desk, SMALL, signal.SIGINT, training)
    check(done, 130, "interrupted", "goes on where it stopped")
    assert descendants(tmp_path) == []
    assert not list((tmp_path / "cache").glob("train/*"))
    assert list((tmp_path / "cache").glob("data/*/manifest.json"))


def test_a_killed_parent_leaves_no_process_behind(desk: Desk, tmp_path: Path) -> None:
    def timing() -> bool:
        return any(e["event"] == "process" for e in desk.events())

    start_and_interrupt(desk, SMALL, signal.SIGKILL, timing)
    deadline = time.monotonic() + 10
    while descendants(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert descendants(tmp_path) == []
    again = desk.retime("bench", SMALL)
    assert again.returncode in (0, 1), again.stderr
    assert len(desk.run_folders()) == 1


def test_validating_and_planning_import_no_tensorflow(desk: Desk) -> None:
    for command in ("validate", "plan"):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", *desk.command(command, SMALL)[1:]],
            capture_output=True,
            text=True,
            check=True,
        )
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert "yaml" in imported
        assert not imported & {"tensorflow", "keras", "scipy", "scipy.special"}


def test_a_bench_never_imports_tensorflow_in_the_parent(desk: Desk) -> None:
    spec = desk.runs.parent / "quick.yaml"
    spec.write_text(SMALL.read_text().replace("max_blocks: 12", "max_blocks: 10"))
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *desk.command("bench", spec)[1:]],
        capture_output=True,
        text=True,
        check=False,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "runner.steps.measuring" in imported
    assert not imported & {"tensorflow", "keras", "scipy.stats"}


FOLDER = """\
spec: 1
name: small
data: {source: {folder: {path: images}}, image_size: [512, 512]}
model:
  base: {architecture: MobileNet, alpha: 0.25, weights: none}
  trainable: none
train: {epochs: 0}
measure: {max_time: 30s, effect: 50%, limits: {steal: 100%, load: 1000, temperature: 100}}
"""


def test_a_data_folder_that_changes_while_it_is_read_fails_with_the_remedy(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    images = tmp_path / "images"
    generator = np.random.default_rng(1)
    for number in range(60):
        file = images / str(number % 2) / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 255, (900, 900, 3), np.uint8)).save(file)
    spec = tmp_path / "folder.yaml"
    spec.write_text(FOLDER)
    desk = Desk(tmp_path / "runs", tmp_path / "cache")
    child = subprocess.Popen(
        desk.command("bench", spec), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.monotonic() + 120
    # The plan has been made, and so the folder's hash been taken.
    while not list((tmp_path / "cache" / "tmp").glob("data-*")) and time.monotonic() < deadline:
        time.sleep(0.005)
    (images / "0" / "late.png").write_bytes((images / "0" / "0.png").read_bytes())
    output, _ = child.communicate(timeout=120)
    text = " ".join(output.split())
    assert child.returncode == 3, text
    assert "a file was changed while the spec was at work" in text
    assert "run the same command again" in text
    assert "Traceback" not in text
    assert not list((tmp_path / "cache" / "data").glob("*"))
