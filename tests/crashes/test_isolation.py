"""A stage that hangs, eats memory, aborts or is refused takes along what depends on it, no more."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.errors import StageError
from runner.timing.evaluation import Evaluation, evaluate
from runner.timing.job import Job
from runner.timing.libraries import find_tflite
from runner.timing.targets.local import LocalTarget
from tests.crashes.faults import Faults, compile_library
from tests.crashes.inspection import leftovers
from tests.crashes.tiny import ANSWERED, SETTINGS, Tiny
from tests.crashes.trees import Forest
from tests.native_models import negation

pytestmark = pytest.mark.acceptance

# An external delegate that does to its process what its option says.
PLUGIN = """
#define _GNU_SOURCE
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *tflite_plugin_create_delegate(char **keys, char **values, size_t count,
                                    void (*report)(const char *));
void tflite_plugin_destroy_delegate(void *delegate);

static void hang(void) {
    for (;;) {
        pause();
    }
}

/* Takes 2 GiB, slowly enough to be seen. */
static void eat(void) {
    for (int i = 0; i < 256; i++) {
        char *piece = malloc(8 << 20);
        if (piece) {
            memset(piece, 1, 8 << 20);
        }
        usleep(50000);
    }
    hang();
}

void *tflite_plugin_create_delegate(char **keys, char **values, size_t count,
                                    void (*report)(const char *)) {
    const char *how = count && strcmp(keys[0], "how") == 0 ? values[0] : "";
    if (strcmp(how, "hang") == 0) {
        hang();
    }
    if (strcmp(how, "eat") == 0) {
        eat();
    }
    if (strcmp(how, "abort") == 0) {
        fputs("plugin: this can't be\\n", stderr);
        abort();
    }
    report("this plugin serves nobody");
    return NULL;
}

void tflite_plugin_destroy_delegate(void *delegate) {
    (void)delegate;
}
"""
WAYS = ("hang", "eat", "abort", "refuse")


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugin")
    source = folder / "plugin.c"
    source.write_text(PLUGIN)
    return compile_library(source, folder)


def spec_of(tiny: Tiny, plugin: Path, limits: str, ways: tuple[str, ...] = WAYS) -> Path:
    spec = tiny.models[0].with_name("ways.yaml")
    external = "{{external: {{path: {path}, options: {{how: {how}}}}}}}"
    alternatives = "".join(f"    {how}: {external.format(path=plugin, how=how)}\n" for how in ways)
    spec.write_text(
        f"spec: 1\nname: ways\nmodel: {{file: {tiny.models[0]}}}\n"
        f"limits: {limits}\n"
        f"matrix:\n  runtime.delegate:\n    plain: none\n    fast: xnnpack\n{alternatives}"
        "baseline: {runtime.delegate: plain}\n"
    )
    return spec


def bench(tiny: Tiny, spec: Path, environment: Any = None) -> tuple[int, str, dict[str, Any]]:
    settings = [part for one in SETTINGS for part in ("--set", one)]
    tree = Forest().start(tiny.desk.command("bench", spec, *settings), environment)
    said = tree.wait(240)
    assert tree.orphans() == []
    assert "Traceback" not in said
    assert leftovers(tiny.desk) == []
    (folder,) = tiny.desk.run_folders("ways")
    return (
        tree.root.returncode,
        " ".join(said.split()),
        json.loads((folder / "result.json").read_text()),
    )


def test_each_fails_its_own_variant_with_a_reason_and_the_others_get_their_answer(
    tiny: Tiny, plugin: Path
) -> None:
    spec = spec_of(tiny, plugin, "{stage_time: 4s, memory: 300 MiB}")
    code, said, result = bench(tiny, spec)
    assert code == 3, said
    by_way = {one["axes"]["runtime.delegate"]: one for one in result["variants"]}
    assert {way: one["status"] for way, one in by_way.items()} == {
        "plain": "done",
        "fast": "done",
        **dict.fromkeys(WAYS, "failed"),
    }
    expected = {
        "hang": ("timeout", "was not done after 4 s and was ended", "limits.stage_time"),
        "eat": ("out_of_memory", "more than the 300 MiB that it may have", "limits.memory"),
        "abort": ("crashed", "crashed with SIGABRT", "delegate"),
        "refuse": ("refused", "this plugin serves nobody", "delegate"),
    }
    for way, (kind, message, remedy) in expected.items():
        error = by_way[way]["error"]
        assert (error["stage"], error["kind"]) == ("evaluate", kind)
        assert message in error["message"]
        assert remedy in error["remedy"]
        assert Path(error["log"]).is_file()
        assert message in said
        assert by_way[way]["stages"] == {
            "adopt": "done",
            "evaluate": "failed",
            "time": "skipped",
        }
    assert by_way["fast"]["stages"] == {"adopt": "done", "evaluate": "done", "time": "done"}
    assert "skipped because its input failed: time" in said
    assert "this can't be" in Path(by_way["abort"]["error"]["log"]).read_text()


def test_a_baseline_that_fails_has_the_others_skipped_and_not_failed(
    tiny: Tiny, plugin: Path
) -> None:
    spec = spec_of(tiny, plugin, "{}", ("abort",))
    spec.write_text(spec.read_text().replace("delegate: plain}", "delegate: abort}"))
    code, said, result = bench(tiny, spec)
    assert code == 3
    assert [one["status"] for one in result["variants"]] == ["skipped", "skipped", "failed"]
    assert result["variants"][0]["stages"] == {
        "adopt": "done",
        "evaluate": "done",
        "time": "skipped",
    }
    assert "the baseline failed" in said


def test_a_stage_that_is_killed_from_outside_is_tried_again_and_an_abort_is_not(
    tiny: Tiny, plugin: Path, injure: Callable[..., Faults]
) -> None:
    spec = spec_of(tiny, plugin, "{}", ("abort",))
    # The first evaluation is killed as it writes what it found.
    faults = injure("write", do="kill", at=1, below="desk/cache/tmp/evaluate")
    code, said, result = bench(tiny, spec, faults.environment())
    assert code == 3, said
    assert [one["status"] for one in result["variants"]] == ["done", "done", "failed"]
    again = [event for event in tiny.desk.events("ways") if event["event"] == "stage_retried"]
    assert [event["error"]["kind"] for event in again] == ["killed"]
    assert faults.sites() == ["write -#.#/facts.json"]


def test_retries_are_as_many_as_the_spec_allows(
    tiny: Tiny, plugin: Path, injure: Callable[..., Faults]
) -> None:
    spec = spec_of(tiny, plugin, "{retries: 0}", ("abort",))
    faults = injure("write", do="kill", at=1, below="desk/cache/tmp/evaluate")
    code, _, result = bench(tiny, spec, faults.environment())
    assert code == 3
    assert "failed" in [one["status"] for one in result["variants"]][:2]
    assert "killed" in json.dumps(result["variants"])
    assert not [e for e in tiny.desk.events("ways") if e["event"] == "stage_retried"]


def some_job(model: Path, folder: Path) -> Job:
    return Job(
        library="tflite",
        path=find_tflite(None).path,
        model=str(model),
        input="",
        samples=str(folder / "samples"),
        delegate="none",
        threads=1,
        buffer_offset=0,
        warmup_runs=1,
        warmup_ns=0,
        runs=1,
    )


def test_a_timed_model_that_may_not_have_the_memory_it_needs_is_told_of_the_limit(
    tiny: Tiny, tmp_path: Path
) -> None:
    """RLIMIT_DATA: the process starts, and the library is refused what it asks for."""
    model = tmp_path / "large.tflite"
    model.write_bytes(negation(64 << 20))
    job = some_job(model, tmp_path)
    log = tmp_path / "log"
    assert LocalTarget(log).run(job, arm="large", timeout_s=60).runs == 1
    with pytest.raises(StageError) as caught:
        LocalTarget(log, 200 << 20).run(job, arm="large", timeout_s=60)
    assert "raise limits.memory" in caught.value.remedy
    assert "200 MiB" in caught.value.remedy


def test_timed_processes_that_are_killed_from_outside_are_tried_again_then_and_by_the_same_command(
    tiny: Tiny,
) -> None:
    """As the kernel does when memory runs out. First none is tried again: the baseline is lost."""
    at_once = Tiny(tiny.desk, tiny.models, (*tiny.settings, "limits.retries=0"))
    tree = Forest().start(at_once.command)
    while tree.root.poll() is None:
        with contextlib.suppress(AssertionError, ProcessLookupError):
            os.kill(tree.waited_for("runner.timing.worker"), signal.SIGKILL)
    said = " ".join(tree.wait().split())
    assert tree.root.returncode == 3, said
    assert "killed by SIGKILL (likely out of memory)" in said
    assert "the baseline failed" in said

    tree = Forest().start(tiny.command)
    os.kill(tree.waited_for("runner.timing.worker"), signal.SIGKILL)
    said = tree.wait(120)
    assert tree.root.returncode in ANSWERED, said
    assert len(tiny.desk.run_folders(tiny.name)) == 1
    events = tiny.desk.events(tiny.name)
    assert [one["error"]["kind"] for one in events if one["event"] == "failed"][-1] == "killed"
    assert "readmitted" in [one["event"] for one in events]


def test_a_process_that_the_system_refuses_may_be_had_a_little_later(
    tiny: Tiny, tmp_path: Path
) -> None:
    """No open file is left for its pipes."""
    evaluation = Evaluation(str(tiny.models[0]), "", "raw", "lib", "none", 1, "out")
    log = tmp_path / "log"
    for start in (
        lambda: LocalTarget(log).run(some_job(tiny.models[0], tmp_path), arm="x", timeout_s=60),
        lambda: evaluate(
            evaluation,
            variant="x",
            log=log,
            timeout_s=60,
            memory_bytes=None,
            unwanted=threading.Event(),
        ),
    ):
        with one_more_open_file(), pytest.raises(StageError) as caught:
            start()
        assert caught.value.kind == "unavailable"
        assert "Too many open files" in caught.value.why


@contextlib.contextmanager
def one_more_open_file() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open("/dev/null", os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_the_kernel_is_told_to_end_workers_before_the_parent(tiny: Tiny, plugin: Path) -> None:
    spec = spec_of(tiny, plugin, "{}", ("hang",))
    tree = Forest().start(tiny.desk.command("bench", spec))
    try:
        evaluation = tree.waited_for("evaluation_worker", str(plugin))
        scores = [
            int(Path(f"/proc/{process}/oom_score_adj").read_text())
            for process in (tree.root.pid, evaluation)
        ]
    finally:
        tree.kill()
    assert scores[1] >= 500 > scores[0]
