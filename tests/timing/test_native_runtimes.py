"""What the harness can ask of real runtimes: delegates of other libraries, calls, conditions."""

from __future__ import annotations

import os
import subprocess
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from runner.timing import native, system
from runner.timing.libraries import find_library
from runner.timing.records import RuntimeOptions, Timing, Wishes
from tests import native_models
from tests.timing.zoo import Animal

# A delegate that takes no node; it notes its options and fails where it is told to.
PLUGIN = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct delegate {
    void *data;
    int (*prepare)(void *context, struct delegate *delegate);
    void *unused[3];
    int64_t flags;
    void *builder;
};

static int prepare(void *context, struct delegate *delegate) {
    (void)context;
    return delegate->data != NULL;
}

struct delegate *tflite_plugin_create_delegate(const char *const *keys, const char *const *values,
                                               size_t count, void (*report)(const char *)) {
    struct delegate *made = calloc(1, sizeof *made);

    made->prepare = prepare;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i], "refuse") == 0) {
            report(values[i]);
            free(made);
            return NULL;
        }
        if (strcmp(keys[i], "fail") == 0)
            made->data = made;
        if (strcmp(keys[i], "note") == 0) {
            FILE *file = fopen(values[i], "w");
            fprintf(file, "%zu options\n", count);
            fclose(file);
        }
    }
    return made;
}

void tflite_plugin_destroy_delegate(struct delegate *delegate) { free(delegate); }
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "plugin.c").write_text(PLUGIN)
    library = folder / "plugin.so"
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "plugin.c"], check=True)
    return str(library)


@pytest.fixture(scope="module")
def tflite() -> Iterator[native.Library]:
    with native.Library.open(find_library("tflite", None).path) as opened:
        yield opened


@pytest.fixture
def plain_floats() -> Iterator[None]:
    yield
    system.apply_wishes(Wishes(flush_to_zero="off"))


def test_an_external_delegate_gets_its_options_and_the_model_still_runs(
    tflite: native.Library, plugin: str, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    options = RuntimeOptions(
        delegate_path=plugin, delegate_options={"note": str(note), "other": "1"}
    )
    model = native_models.negation()
    with tflite.session(model, delegate="external", threads=1, options=options) as session:
        assert note.read_text() == "2 options\n"
        session.write(0, np.arange(4, dtype=np.float32).tobytes())
        session.warm_up(1, 0)
        assert np.frombuffer(session.read(0), np.float32).tolist() == [0, -1, -2, -3]


def test_an_external_delegate_refuses_in_its_own_words(tflite: native.Library, plugin: str) -> None:
    options = RuntimeOptions(delegate_path=plugin, delegate_options={"refuse": "no such chip"})
    with pytest.raises(native.HarnessError) as caught:
        tflite.session(native_models.negation(), delegate="external", threads=1, options=options)
    assert "no such chip" in caught.value.why


def test_an_external_delegate_that_fails_later_is_the_interpreters_failure(
    tflite: native.Library, plugin: str
) -> None:
    options = RuntimeOptions(delegate_path=plugin, delegate_options={"fail": "1"})
    with pytest.raises(native.HarnessError) as caught:
        tflite.session(native_models.negation(), delegate="external", threads=1, options=options)
    assert caught.value.step == "InterpreterCreate"


def test_litert_says_that_it_takes_no_external_delegate(plugin: str) -> None:
    options = RuntimeOptions(delegate_path=plugin)
    with (
        native.Library.open(find_library("litert", None).path) as litert,
        pytest.raises(native.HarnessError) as caught,
    ):
        litert.session(native_models.negation(), delegate="external", threads=1, options=options)
    assert "no external delegate" in caught.value.why


@pytest.mark.parametrize(
    ("call", "flush", "outputs"),
    [
        ("interpreter", "default", "zero"),
        ("interpreter", "off", "zero"),
        ("signature", "off", "subnormal"),
        ("signature", "on", "zero"),
    ],
)
@pytest.mark.usefixtures("plain_floats")
def test_subnormal_numbers_survive_the_signature_runner_unless_they_are_flushed(
    tflite: native.Library, zoo: dict[str, Animal], call: str, flush: str, outputs: str
) -> None:
    # Two dense layers without a bias; simpler operators are XNNPACK's even without the delegate.
    system.apply_wishes(Wishes(flush_to_zero=flush))
    model = zoo["pair"].path.read_bytes()
    options = RuntimeOptions(call=call)
    with tflite.session(model, delegate="none", threads=1, options=options) as session:
        # As bytes: numpy itself may flush them here.
        session.write_set(np.full(session.input_size // 4, 7_000_000, np.uint32).tobytes())
        session.warm_up(1, 0)
        given = np.frombuffer(session.read(0), np.uint32) & 0x7FFFFFFF
    assert ("subnormal" if given.any() else "zero") == outputs
    assert given.max() < 0x00800000


def test_a_session_tells_what_it_lacks_and_what_it_is(tflite: native.Library) -> None:
    assert tflite.kind == "tflite"
    assert tflite.missing == ()


def test_sets_of_inputs_rotate_and_runs_last_for_their_time(tflite: native.Library) -> None:
    sets = np.arange(12, dtype=np.float32)
    samples = array("q", bytes(8 * 100_000))
    with tflite.session(native_models.negation(), delegate="none", threads=1) as session:
        taken = session.time(samples, Timing(runs=5, input_sets=sets.tobytes()))
        assert taken == 5
        # Runs 0 to 4 took sets 0, 1, 2, 0, 1.
        assert np.frombuffer(session.read(0), np.float32).tolist() == [-4, -5, -6, -7]
        taken = session.time(samples, Timing(runs=5, min_ns=3_000_000))
        assert 5 < taken < len(samples)


def test_counters_and_readings_tell_numbers_or_none() -> None:
    with system.Counters() as counters:
        counters.start()
        sum(range(100_000))
        counts = counters.stop()
        granted = [value is not None for value in vars(counts).values()]
        assert all(granted) or counters.reason
    before, after = system.take_reading(), system.take_reading()
    assert before.cpu_ns is not None
    assert after.cpu_ns is not None
    assert after.cpu_ns >= before.cpu_ns
    assert before.resident_bytes is not None
    assert before.resident_bytes > 1_000_000


@pytest.mark.parametrize(
    "wishes",
    [
        Wishes(priority="20"),
        Wishes(priority="-21"),
        Wishes(priority="high"),
        Wishes(flush_to_zero="maybe"),
    ],
)
def test_wishes_that_mean_nothing_are_refused(wishes: Wishes) -> None:
    with pytest.raises(ValueError, match=r"priority|invalid literal|flush_to_zero"):
        system.apply_wishes(wishes)


def test_a_process_runs_on_the_core_that_it_is_pinned_to() -> None:
    code = (
        "import os\n"
        "from runner.timing import system\n"
        "from runner.timing.records import Wishes\n"
        "core = min(os.sched_getaffinity(0))\n"
        "in_force = system.apply_wishes(Wishes(cores=(core,)))\n"
        "print(in_force.affinity, os.sched_getaffinity(0) == {core})\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.stdout == "yes True\n"
