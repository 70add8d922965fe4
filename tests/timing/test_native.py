"""The harness against a real inference library, with models that are a few hundred bytes long."""

from __future__ import annotations

import gc
import mmap
import os
import struct
import subprocess
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from runner.errors import EnvironmentUnusableError
from runner.timing import native
from runner.timing.libraries import find_tflite
from runner.timing.records import Nodes, Tensor, Timing
from runner.timing.session import Session
from tests import native_models

pytestmark = pytest.mark.fast

FOUR = struct.pack("<4f", 1.0, -2.0, 0.5, 4.0)
NEGATED = struct.pack("<4f", -1.0, 2.0, -0.5, -4.0)


@pytest.fixture(scope="module")
def library() -> Iterator[native.Library]:
    with native.Library.open(find_tflite(None).path) as opened:
        yield opened


@pytest.fixture(params=["none", "xnnpack"])
def session(library: native.Library, request: pytest.FixtureRequest) -> Iterator[Session]:
    with library.session(
        native_models.negation(), delegate=request.param, threads=1, count_nodes=True
    ) as opened:
        yield opened


def test_a_library_tells_its_version_and_path(library: native.Library) -> None:
    assert library.version.startswith("2.")
    assert library.path == find_tflite(None).path


def test_a_session_describes_its_tensors(session: Session) -> None:
    assert session.inputs == (Tensor("x", "float32", (1, 4), 16, 0.0, 0),)
    assert session.outputs == (Tensor("y", "float32", (1, 4), 16, 0.0, 0),)


def test_a_session_tells_what_it_took_to_make(session: Session) -> None:
    startup = session.startup
    assert min(startup.model_ns, startup.interpreter_ns, startup.allocate_ns) > 0


def test_an_output_is_what_the_model_makes_of_its_input(session: Session) -> None:
    session.write(0, FOUR)
    assert session.warm_up(1, 0) == 1
    assert session.read(0) == NEGATED


def test_inputs_are_zero_at_first(session: Session) -> None:
    session.warm_up(1, 0)
    assert struct.unpack("<4f", session.read(0)) == (0.0, 0.0, 0.0, 0.0)


def test_inferences_leave_the_input_as_it_is(session: Session) -> None:
    session.write(0, FOUR)
    for _ in range(3):
        session.warm_up(100, 0)
        assert session.read(0) == NEGATED


def test_many_inputs_are_mapped_to_as_many_outputs(session: Session) -> None:
    assert session.map(FOUR + NEGATED + FOUR, 3) == NEGATED + FOUR + NEGATED
    assert session.map(b"", 0) == b""


def test_a_delegate_that_takes_the_graph_is_seen(library: native.Library) -> None:
    model = native_models.negation()
    with library.session(model, delegate="xnnpack", threads=1, count_nodes=True) as delegated:
        assert delegated.nodes == Nodes(nodes=1, delegated=1, partitions=1)
    with library.session(model, delegate="none", threads=1, count_nodes=True) as plain:
        assert plain.nodes == Nodes(nodes=1, delegated=0, partitions=0)
    with library.session(model, delegate="xnnpack", threads=1) as timed:
        assert timed.nodes == Nodes(None, None, None)


def test_a_node_that_the_delegate_leaves_is_seen(library: native.Library) -> None:
    with library.session(
        native_models.positions(), delegate="xnnpack", threads=1, count_nodes=True
    ) as session:
        assert session.nodes == Nodes(nodes=1, delegated=0, partitions=0)


def test_several_inputs_are_written_one_by_one(library: native.Library) -> None:
    with library.session(native_models.maximum(), delegate="xnnpack", threads=2) as session:
        session.write(0, FOUR)
        session.write(1, NEGATED)
        session.warm_up(1, 0)
        assert struct.unpack("<4f", session.read(0)) == (1.0, 2.0, 0.5, 4.0)


def test_an_output_whose_shape_an_inference_decides_is_read_in_full(
    library: native.Library,
) -> None:
    with library.session(native_models.positions(), delegate="none", threads=1) as session:
        session.write(0, FOUR)
        session.warm_up(1, 0)
        assert session.outputs[0].shape == (4, 1)
        assert struct.unpack("<4q", session.read(0)) == (0, 1, 2, 3)


@pytest.mark.parametrize("delay_ns", [0, 20_000])
def test_every_sample_is_taken_and_positive(session: Session, delay_ns: int) -> None:
    samples = array("q", bytes(8 * 50))
    assert session.time(samples, Timing(delay_ns=delay_ns)) == 50
    assert min(samples) > delay_ns * 0.9


def test_samples_go_to_any_buffer_of_int64(session: Session) -> None:
    whole = memoryview(bytearray(8 * 6)).cast("q")
    assert session.time(whole[1:5]) == 4
    assert whole[0] == whole[5] == 0
    assert min(whole[1:5]) > 0
    assert session.time(array("q")) == 0


@pytest.mark.parametrize(
    "samples",
    [
        array("i", [0] * 4),
        array("d", [0.0] * 4),
        array("Q", [0] * 4),
        memoryview(bytes(32)).cast("q"),
        memoryview(bytearray(64)).cast("q")[::2],
    ],
)
def test_samples_of_another_kind_are_refused(session: Session, samples: native.Samples) -> None:
    with pytest.raises(TypeError, match="samples must"):
        session.time(samples)


def test_a_warm_up_lasts_so_long_and_so_many_runs(session: Session) -> None:
    started = native.now_ns()
    runs = session.warm_up(1, 3_000_000)
    assert native.now_ns() - started >= 3_000_000
    assert runs >= 1
    assert session.warm_up(1000, 0) == 1000


def test_a_closed_session_can_not_be_used(library: native.Library) -> None:
    session = library.session(native_models.negation(), delegate="none", threads=1)
    session.close()
    session.close()
    for action in (
        lambda: session.inputs,
        lambda: session.outputs,
        lambda: session.write(0, FOUR),
        lambda: session.read(0),
        lambda: session.map(FOUR, 1),
        lambda: session.warm_up(1, 0),
        lambda: session.time(array("q", [0])),
    ):
        with pytest.raises(ValueError, match="the session is closed"):
            action()


def test_closing_a_library_closes_its_sessions() -> None:
    library = native.Library.open(find_tflite(None).path)
    session = library.session(native_models.negation(), delegate="xnnpack", threads=1)
    library.close()
    library.close()
    with pytest.raises(ValueError, match="the session is closed"):
        session.read(0)
    with pytest.raises(ValueError, match="the library is closed"):
        library.session(native_models.negation(), delegate="none", threads=1)


def test_what_a_session_borrows_lives_as_long_as_it() -> None:
    library = native.Library.open(find_tflite(None).path)
    model = bytearray(native_models.lookup())
    session = library.session(model, delegate="none", threads=1)
    del library
    gc.collect()
    with pytest.raises(BufferError):
        model.append(0)  # borrowed: its memory may not move
    session.warm_up(1, 0)
    assert struct.unpack("<f", session.read(0)) == (1.0,)
    session.close()
    model.append(0)


def test_forgotten_sessions_are_closed_by_the_garbage_collector() -> None:
    for _ in range(20):
        library = native.Library.open(find_tflite(None).path)
        sessions = [
            library.session(native_models.negation(), delegate="xnnpack", threads=2)
            for _ in range(3)
        ]
        sessions[0].warm_up(1, 0)
        circle: list[object] = [library, sessions]
        circle.append(circle)
        del library, sessions, circle
        gc.collect()


@pytest.mark.parametrize("offset", [0, 64, 4032])
def test_a_model_is_placed_where_it_is_wanted(library: native.Library, offset: int) -> None:
    model = native_models.negation()
    placed = native.place(model, offset)
    assert bytes(placed) == model
    assert placed.readonly
    assert np.frombuffer(placed, np.uint8).ctypes.data % mmap.PAGESIZE == offset
    with library.session(placed, delegate="xnnpack", threads=1) as session:
        session.write(0, FOUR)
        session.warm_up(1, 0)
        assert session.read(0) == NEGATED


@pytest.mark.parametrize("offset", [-64, 1, 32, 4096])
def test_a_place_that_is_no_cache_line_of_a_page_is_refused(offset: int) -> None:
    with pytest.raises(ValueError, match="multiple of 64"):
        native.place(b"model", offset)


def test_the_clock_is_described_and_goes_on() -> None:
    clock = native.clock()
    assert clock.name in {"CLOCK_MONOTONIC_RAW", "CLOCK_MONOTONIC"}
    assert clock.resolution_ns > 0
    assert clock.step_ns > 0
    assert clock.cost_ns >= 0
    earlier = native.now_ns()
    assert 0 < earlier <= native.now_ns()


def test_a_harness_that_is_not_built_is_an_error_when_it_is_used_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(native, "_module", None)
    monkeypatch.setattr(native, "_WHY_MISSING", "No module named 'runner.timing._harness'")
    for action in (native.clock, native.now_ns, lambda: native.Library.open("any.so")):
        with pytest.raises(native.HarnessMissingError, match="not built") as caught:
            action()
        assert isinstance(caught.value, EnvironmentUnusableError)
        assert "_harness" in caught.value.why
        assert "apt install gcc" in caught.value.remedy


def test_importing_works_without_the_compiled_part() -> None:
    code = (
        "import sys; sys.modules['runner.timing._harness'] = None\n"
        "from runner.timing import native\n"
        "try: native.clock()\n"
        "except native.HarnessMissingError as error: print(error.exit_code.value)\n"
    )
    assert run_python(code).stdout == "4\n"


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys; from runner.timing import native; print(*sys.modules)"
    assert not {"numpy", "tensorflow", "ctypes", "subprocess"} & set(
        run_python(code).stdout.split()
    )


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a fresh process, from the folder that holds the packages."""
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
