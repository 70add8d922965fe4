"""The program for boards, under an emulator: the same outputs, and never a latency.

Each test needs a cross compiler and an emulator, which CI installs, and the library for that
processor out of the wheel that is locked for this one.
"""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from runner.timing.job import Job
from runner.timing.libraries import find_tflite
from tests.timing.harness_program import build_program, run_program
from tests.timing.zoo import Animal


@dataclass(frozen=True)
class Board:
    """A processor that is emulated here.

    Attributes:
        platform: of the wheel.
        sha256: of the wheel's file.
        root: where Debian keeps the C library for it.
        xnnpack: whether the wheel's library has it.
    """

    target: str
    compiler: str
    emulator: str
    root: str
    platform: str
    sha256: str
    xnnpack: bool


BOARDS = {
    "aarch64": Board(
        target="aarch64",
        compiler="aarch64-linux-gnu-gcc",
        emulator="qemu-aarch64-static",
        root="/usr/aarch64-linux-gnu",
        platform="manylinux_2_35_aarch64",
        sha256="6c75b77c936efd19b8c35a094cb7e3fdbd4ebcd0f63635a0851ce591990829f2",
        xnnpack=True,
    ),
    "armv7": Board(
        target="armv7",
        compiler="arm-linux-gnueabihf-gcc",
        emulator="qemu-arm-static",
        root="/usr/arm-linux-gnueabihf",
        platform="manylinux_2_35_armv7l",
        sha256="af92b862fe0488fba7422b9819b1a8c88781b2f90fb3e4b7f1dcfd1d90a6b69b",
        xnnpack=False,
    ),
}
LOCKED = "pymicro-wakeword==2.5.0"


@pytest.fixture(scope="module", params=list(BOARDS))
def board(request: pytest.FixtureRequest) -> Board:
    found: Board = BOARDS[request.param]
    for tool in (found.compiler, found.emulator):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (Debian: gcc-*-linux-gnu*, qemu-user-static)")
    return found


@pytest.fixture(scope="module")
def program(board: Board) -> list[str]:
    return [board.emulator, "-L", board.root, str(build_program(board.target, board.target))]


@pytest.fixture(scope="module")
def library(board: Board, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The library for that processor, from the package index."""
    folder = tmp_path_factory.mktemp(board.target)
    (folder / "wanted.txt").write_text(f"{LOCKED} --hash=sha256:{board.sha256}\n")
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary=:all:", "--require-hashes", "--platform", board.platform),
        *("--dest", str(folder), "--requirement", str(folder / "wanted.txt")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if not wheels:
        pytest.skip(f"the wheel for {board.platform} can't be had: {done.stderr.strip()[-300:]}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(folder)
    return str(next(folder.rglob("libtensorflowlite_c.so")))


@pytest.fixture
def job(library: str, tmp_path: Path) -> Job:
    return Job(
        library="tflite",
        path=library,
        model="",
        input=str(tmp_path / "sets"),
        samples=str(tmp_path / "samples"),
        delegate="xnnpack",
        threads=1,
        buffer_offset=64,
        warmup_runs=1,
        warmup_ns=0,
        runs=10,
        task="outputs",
        outputs=str(tmp_path / "outputs"),
    )


@pytest.mark.parametrize("delegate", ["none", "xnnpack"])
@pytest.mark.parametrize("name", ["float32", "int8", "pair"])
def test_outputs_are_this_machines(
    board: Board,
    program: list[str],
    job: Job,
    zoo: dict[str, Animal],
    name: str,
    delegate: str,
) -> None:
    animal = zoo[name]
    asked = dataclasses.replace(job, model=str(animal.path), delegate=delegate)
    if delegate == "xnnpack" and not board.xnnpack:
        refused = run_program(program, dataclasses.replace(asked, input=""))
        assert refused.code == 4
        assert refused.report.error is not None
        assert "without it there is no XNNPACK" in refused.report.error[1]
        return
    # The inputs' order in the file; it is held against the names in other tests.
    Path(job.input).write_bytes(animal.sets(list(animal.inputs)))
    done = run_program(program, asked)
    assert done.code == 0, done.report.error
    emulated = Path(job.outputs).read_bytes()
    here = dataclasses.replace(asked, path=find_tflite(None).path)
    assert run_program([str(build_program())], here).code == 0
    own = Path(job.outputs).read_bytes()
    if name == "int8":
        assert emulated == own
    else:
        given, wanted = np.frombuffer(emulated, np.float32), np.frombuffer(own, np.float32)
        np.testing.assert_allclose(given, wanted, atol=1e-5, rtol=0)
    assert done.report.measurement is not None
    assert done.report.measurement.emulator.startswith("qemu-")


@pytest.mark.parametrize("task", ["time", "profile"])
def test_an_emulated_processor_has_no_latency(
    program: list[str], job: Job, zoo: dict[str, Animal], task: str
) -> None:
    asked = dataclasses.replace(job, task=task, input="", model=str(zoo["int8"].path))
    done = run_program(program, asked)
    assert done.code == 4
    assert done.report.measurement is None
    assert done.report.error is not None
    assert "qemu-" in done.report.error[1]
    assert not Path(job.samples).exists()


def test_random_inputs_are_the_same_bytes_on_every_processor(
    program: list[str], job: Job, zoo: dict[str, Animal]
) -> None:
    asked = dataclasses.replace(
        job,
        model=str(zoo["int8"].path),
        delegate="none",
        input="",
        inputs="rotating",
        input_seed=11,
        input_sets=4,
    )
    assert run_program(program, asked).code == 0
    emulated = Path(job.outputs).read_bytes()
    here = dataclasses.replace(asked, path=find_tflite(None).path)
    assert run_program([str(build_program())], here).code == 0
    assert Path(job.outputs).read_bytes() == emulated
