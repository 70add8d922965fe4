"""What the harness and a real inference library refuse, and in which words."""

from __future__ import annotations

import ctypes.util
import os
import struct
import subprocess
import sys
from array import array
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from runner.errors import ExitCode
from runner.timing import native
from runner.timing.libraries import find_tflite
from runner.timing.records import Timing
from runner.timing.session import Session
from tests import native_models

pytestmark = pytest.mark.fast

FOUR = struct.pack("<4f", 1.0, -2.0, 0.5, 4.0)


@pytest.fixture(scope="module")
def library() -> Iterator[native.Library]:
    with native.Library.open(find_tflite(None).path) as opened:
        yield opened


@pytest.fixture
def session(library: native.Library) -> Iterator[Session]:
    with library.session(native_models.negation(), delegate="xnnpack", threads=1) as opened:
        yield opened


def refused(action: Callable[[], object]) -> native.HarnessError:
    """The error that an action must end in."""
    with pytest.raises(native.HarnessError) as caught:
        action()
    assert caught.value.what == f"{caught.value.step} failed"
    assert " " not in caught.value.step
    assert caught.value.exit_code is ExitCode.UNUSABLE_ENVIRONMENT
    return caught.value


@pytest.mark.parametrize(
    ("model", "step", "why"),
    [
        (b"", "open-session", "empty"),
        (b"This is no model, whatever its ending says.", "ModelCreate", "not a valid Flatbuffer"),
        (native_models.negation()[:200], "ModelCreate", "not a valid Flatbuffer"),
        (native_models.future_operator(), "InterpreterCreate", "9999"),
        (native_models.custom_operator(), "AllocateTensors", "Sesame"),
        (native_models.misfit(), "AllocateTensors", "FLOAT32 != INT32"),
        (native_models.texts(), "zero-inputs", "no plain numbers"),
    ],
)
def test_a_model_that_is_refused_is_told_in_the_librarys_words(
    library: native.Library, model: bytes, step: str, why: str
) -> None:
    error = refused(lambda: library.session(model, delegate="xnnpack", threads=1))
    assert error.step == step
    assert why in error.why


def test_an_inference_that_fails_is_told_in_the_librarys_words(library: native.Library) -> None:
    samples = array("q", [0, 0])
    with library.session(native_models.lookup(), delegate="none", threads=1) as session:
        assert session.time(samples) == 2
        session.write(0, struct.pack("<i", 7))
        for action in (
            lambda: session.warm_up(1, 0),
            lambda: session.time(samples),
            lambda: session.time(samples, Timing(delay_ns=100)),
            lambda: session.map(struct.pack("<i", 7), 1),
        ):
            error = refused(action)
            assert error.step == "Invoke"
            assert "gather index out of bounds" in error.why
        session.write(0, struct.pack("<i", 1))
        session.warm_up(1, 0)
        assert struct.unpack("<f", session.read(0)) == (2.0,)


def test_wrong_sizes_and_indexes_are_refused(session: Session) -> None:
    assert "16 bytes; 15" in refused(lambda: session.write(0, FOUR[:15])).why
    assert "no input 1" in refused(lambda: session.write(1, FOUR)).why
    assert "no input -1" in refused(lambda: session.write(-1, FOUR)).why
    assert "no output 1" in refused(lambda: session.read(1)).why
    assert "17 and 16 bytes" in refused(lambda: session.map(FOUR + b"x", 1)).why
    assert refused(lambda: session.warm_up(-1, 0)).status == -1
    assert (
        "a delay of -5 ns"
        in refused(lambda: session.time(array("q", [0]), Timing(delay_ns=-5))).why
    )
    with pytest.raises(ValueError, match="-1 inferences"):
        session.map(FOUR, -1)


def test_options_that_make_no_sense_are_refused(library: native.Library) -> None:
    model = native_models.negation()
    with pytest.raises(ValueError, match="none, xnnpack"):
        library.session(model, delegate="gpu", threads=1)
    for threads in (0, -1, 1025):
        error = refused(partial(library.session, model, delegate="none", threads=threads))
        assert f"{threads} threads" in error.why


def test_a_map_needs_every_input_of_a_set(library: native.Library) -> None:
    with library.session(native_models.maximum(), delegate="none", threads=1) as session:
        assert "inputs of 32 bytes each" in refused(lambda: session.map(FOUR, 1)).why


def test_a_library_that_is_not_there_is_named(tmp_path: Path) -> None:
    error = refused(lambda: native.Library.open(str(tmp_path / "absent.so")))
    assert (error.step, error.status) == ("dlopen", -3)
    assert "absent.so" in error.why


def test_a_file_that_is_no_library_is_named(tmp_path: Path) -> None:
    text = tmp_path / "text.so"
    text.write_text("This is no library.")
    error = refused(lambda: native.Library.open(str(text)))
    assert error.step == "dlopen"
    assert "text.so" in error.why


def test_a_library_of_another_kind_is_named_with_what_it_lacks() -> None:
    math = ctypes.util.find_library("m")
    assert math is not None
    error = refused(lambda: native.Library.open(math))
    assert (error.step, error.status) == ("dlsym", -4)
    assert math in error.why
    assert "TfLiteInterpreterCreate" in error.why
    assert "LiteRtCreateCompiledModel" in error.why


def test_no_path_is_no_library() -> None:
    assert refused(lambda: native.Library.open("")).step == "open-library"


# Opens each damaged model in a process of its own; a library may crash on one.
_DAMAGE = """
import os, random, sys
from runner.timing import native
from tests import native_models
whole = native_models.maximum() if sys.argv[2] == "small" else native_models.negation(4096)
library = native.Library.open(sys.argv[1])
for seed in range(40):
    chance = random.Random(seed)
    model = bytearray(whole)
    for _ in range(chance.randint(1, 8)):
        model[chance.randrange(len(model))] = chance.randrange(256)
    if seed % 4 == 0:
        del model[chance.randrange(len(model)):]
    child = os.fork()
    if child == 0:
        try:
            library.session(bytes(model), delegate="none", threads=1)
        except native.HarnessError as error:
            os._exit(3 if error.why else 4)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("size", ["small", "large"])
def test_a_damaged_model_is_opened_or_refused_with_a_reason(size: str) -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _DAMAGE, find_tflite(None).path, size],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    outcomes = [int(line) for line in done.stdout.split()]
    assert len(outcomes) == 40
    assert 3 in outcomes
    # Negative: the library crashed, which the harness can't prevent.
    assert all(outcome in {0, 3} or outcome < 0 for outcome in outcomes)
