"""Libraries, tools and room: real ones, broken ones, and ones that end whoever opens them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from runner.timing.fitness import inference, tools
from runner.timing.fitness.examination import examine
from runner.timing.fitness.rights import try_rights

pytestmark = pytest.mark.fast

_DEADLY = "#include <stdlib.h>\n__attribute__((constructor)) static void end(void) { abort(); }\n"


@pytest.fixture
def deadly(tmp_path: Path) -> Path:
    """A shared library that aborts the process which opens it."""
    source, library = tmp_path / "deadly.c", tmp_path / "deadly.so"
    source.write_text(_DEADLY)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def test_the_harness_tells_its_clock() -> None:
    finding = inference.harness()
    assert finding.status == "good"
    assert "CLOCK_MONOTONIC" in finding.found


def test_both_libraries_of_the_wheels_open_and_are_identified(tmp_path: Path) -> None:
    for find, name in (
        (inference.tflite, "libtensorflowlite_c.so"),
        (inference.litert, "libLiteRt.so"),
    ):
        finding = find(tmp_path, {})
        assert finding.status == "good", finding
        assert "from the wheel" in finding.found
        assert Path(finding.facts["path"]).name == name
        assert len(finding.facts["sha256"]) == 64


def test_a_library_that_is_none_is_a_problem_for_tflite(tmp_path: Path) -> None:
    text = tmp_path / "libtensorflowlite_c.so"
    text.write_text("no library")
    finding = inference.tflite(tmp_path, {"RETIME_TFLITE_LIBRARY": str(text)})
    assert finding.status == "problem"
    assert str(text) in finding.found
    assert finding.remedy


def test_a_tflite_library_that_does_not_exist_is_named_with_who_named_it(tmp_path: Path) -> None:
    finding = inference.tflite(tmp_path, {"RETIME_TFLITE_LIBRARY": "/nowhere/lib.so"})
    assert finding.status == "problem"
    assert "/nowhere/lib.so" in finding.found
    assert "RETIME_TFLITE_LIBRARY" in finding.found


def test_libraries_that_abort_do_not_take_the_examination_with_them(
    tmp_path: Path, deadly: Path
) -> None:
    tflite = inference.tflite(tmp_path, {"RETIME_TFLITE_LIBRARY": str(deadly)})
    litert = inference.litert(tmp_path, {"RETIME_LITERT_LIBRARY": str(deadly)})
    assert (tflite.status, litert.status) == ("problem", "advice")
    for finding in (tflite, litert):
        assert "SIGABRT" in finding.found


def test_another_library_is_not_taken_for_litert(tmp_path: Path) -> None:
    other = inference.tflite(tmp_path, {}).facts["path"]
    finding = inference.litert(tmp_path, {"RETIME_LITERT_LIBRARY": other})
    assert finding.status == "advice"
    assert "it is a library of kind tflite" in finding.found


def test_a_litert_library_that_does_not_exist_is_said_to_be_missing(tmp_path: Path) -> None:
    finding = inference.litert(tmp_path, {"RETIME_LITERT_LIBRARY": "/nowhere/lib.so"})
    assert finding.status == "advice"
    assert "/nowhere/lib.so: the LiteRT library does not exist" in finding.found


def test_without_the_wheels_each_library_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.timing.libraries._in_wheel", lambda source: None)
    found = inference.tflite(tmp_path, {}), inference.litert(tmp_path, {})
    assert [finding.status for finding in found] == ["problem", "advice"]
    assert all(finding.command == "pip install 'retime[runtime]'" for finding in found)


def test_what_the_kernel_permits_is_tried_in_another_process(tmp_path: Path) -> None:
    tried = try_rights(tmp_path)
    assert tried["affinity"] == "ok"
    assert set(tried) == {
        "affinity",
        "hardware_counters",
        "software_counters",
        "memory_lock",
        "realtime",
    }


def test_a_missing_compiler_matters_until_the_harness_is_built() -> None:
    nowhere = {"CC": "no-such-cc -O2", "PATH": ""}
    assert tools.compiler(needed=True, environment=nowhere).status == "problem"
    assert tools.compiler(needed=False, environment=nowhere).status == "good"


def test_the_compiler_that_is_named_is_found() -> None:
    path = shutil.which("cc")
    assert path
    finding = tools.compiler(needed=True, environment={"CC": path, "PATH": ""})
    assert finding.status == "good"
    assert finding.found.startswith(path)


def test_tensorflow_and_what_compresses_are_told_apart() -> None:
    versions = {"tensorflow": "2.21.0", "tf-keras": "2.21.0"}
    assert tools.tensorflow(versions.get).found == "2.21.0"
    assert tools.tensorflow({}.get).status == "advice"
    missing = tools.compression(versions.get)
    assert missing.found == "tensorflow-model-optimization not installed"
    complete = tools.compression((versions | {"tensorflow-model-optimization": "0.8.0"}).get)
    assert complete.status == "good"
    assert "pip install 'retime[quantizer]'" in tools.few_bits({}.get).found
    assert tools.few_bits({"ai-edge-quantizer": "0.10.0"}.get).found == "ai-edge-quantizer 0.10.0"


@pytest.mark.parametrize(
    ("free_bytes", "status"), [(10 * 2**20, "problem"), (2**30, "advice"), (2**36, "good")]
)
def test_room_is_judged_by_what_a_run_writes(free_bytes: int, status: str) -> None:
    assert tools.judge_room("results", Path("runs"), free_bytes).status == status


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    assert "free for" in tools.room("results", tmp_path / "a" / "b").found
    (tmp_path / "file").touch()
    finding = tools.room("results", tmp_path / "file" / "b")
    assert (finding.status, "can't be written to" in finding.found) == ("problem", True)


def test_an_examination_leaves_nothing_behind(tmp_path: Path) -> None:
    examination = examine(tmp_path / "runs", tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []
    names = [finding.name for finding in examination.findings]
    assert len(names) == len(set(names))
    assert {"harness", "TFLite", "governor", "load from others", "temperature"} <= set(names)
