"""`validate`, `init`, `plan` and `compare-models` as scripts, editors and CI meet them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.spec.architectures import ARCHITECTURES

pytestmark = pytest.mark.fast

VALID = "spec: 1\nname: good\ndata: {source: digits}\nmodel:\n  base: {architecture: MobileNetV2, alpha: 1.0}\n"  # fmt: skip # noqa: E501
WRONG = VALID.replace("alpha", "alhpa")
ALIASES = (
    f"{VALID}matrix: {{quantize: {{a: int8, b: {{mode: int8}}}}}}\nbaseline: {{quantize: a}}\n"
)


class Desk:
    """A working folder and the command line in it, without a terminal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str | bytes = "") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def retime(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "runner", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_valid_files_are_said_to_be_valid_and_aliases_are_named(desk: Desk) -> None:
    desk.write("a.yaml", VALID)
    desk.write("b.yaml", ALIASES)
    done = desk.retime("validate", "a.yaml", "b.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "a.yaml: valid, 1 variant",
        "b.yaml: valid, 1 variant",
        "  quantize=b has the same content as quantize=a: one variant with two names",
    ]


def test_problems_of_several_files_go_to_standard_error_together(desk: Desk) -> None:
    desk.write("a.yaml", WRONG)
    desk.write("b.yaml", VALID)
    desk.write("c.yaml", f"{VALID}quantize: int9\n")
    done = desk.retime("validate", "*.yaml", "nowhere.yaml")
    assert done.returncode == 2
    assert done.stdout == "b.yaml: valid, 1 variant\n"
    lines = done.stderr.splitlines()
    heads = [line for line in lines if line.startswith(("a.", "b.", "c.", "nowhere"))]
    assert heads == [
        "a.yaml:5:37: model.base.alhpa: unknown key; did you mean alpha?",
        "c.yaml:6:11: quantize: int9 is not known here; did you mean int8?",
        "nowhere.yaml: there is no such file",
    ]
    assert lines[-1] == "3 problems; nothing was run."
    assert lines[1:3] == [
        "    5 |   base: {architecture: MobileNetV2, alhpa: 1.0}",
        "      |                                     ^",
    ]


def test_no_empty_line_stands_where_nothing_is_valid(desk: Desk) -> None:
    desk.write("a.yaml", WRONG)
    assert desk.retime("validate", "a.yaml").stdout == ""
    desk.write("a.yaml", VALID)
    assert desk.retime("validate", "--format", "github", "a.yaml").stdout == ""


def test_the_json_has_the_same_problems_as_the_text(desk: Desk) -> None:
    desk.write("a.yaml", f"{WRONG}quantize: int9\nquestion: 12:30\n")
    desk.write("b.yaml", ALIASES)
    done = desk.retime("validate", "--format", "json", "a.yaml", "b.yaml", "c.yaml")
    assert (done.returncode, done.stderr) == (2, "")
    first, second, third = json.loads(done.stdout)
    text = desk.retime("validate", "a.yaml").stderr
    for problem in first["problems"]:
        head = f"{problem['file']}:{problem['line']}:{problem['column']}: {problem['path']}: "
        assert f"{head}{problem['message']}\n" in text
        assert f"  Remedy: {problem['remedy']}\n" in text
    assert [problem["line"] for problem in first["problems"]] == [5, 6, 7]
    assert (first["valid"], first["variants"], first["baseline"]) == (False, [], None)
    assert (second["valid"], second["variants"]) == (True, ["quantize=a"])
    assert second["same_content"] == {"quantize=b": "quantize=a"}
    assert third["problems"][0]["line"] == 0


def test_github_gets_one_command_a_problem_with_its_signs_escaped(desk: Desk) -> None:
    desk.write("a,b.yaml", f"{VALID}measure: {{effect: 200%}}\n")
    done = desk.retime("validate", "--format", "github", "a,b.yaml")
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout == (
        "::error file=a%2Cb.yaml,line=6,col=19,title=Retime spec::measure.effect: 200%25 is out of"
        " range; expected more than 0%25 and less than 100%25%0ARemedy: for example effect: 2%25\n"
    )


def test_settings_hold_for_every_file(desk: Desk) -> None:
    desk.write("a.yaml", VALID)
    desk.write("b.yaml", VALID)
    done = desk.retime("validate", "a.yaml", "b.yaml", "--set", "train.epochs=many")
    assert done.returncode == 2
    assert done.stderr.count("--set:1:14: train.epochs: expected a whole number") == 2


def test_patterns_find_files_in_folders_and_each_file_once(desk: Desk) -> None:
    desk.write("specs/a.yaml", VALID)
    desk.write("specs/deep/b.yaml", VALID)
    desk.write("[odd].yaml", VALID)
    done = desk.retime("validate", "specs/**/*.yaml", "specs/a.yaml", "[odd].yaml")
    assert done.returncode == 0
    names = [line.partition(":")[0] for line in done.stdout.splitlines()]
    assert names == ["specs/a.yaml", "specs/deep/b.yaml", "[odd].yaml"]


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_is_written_into_pipes(desk: Desk, environment: dict[str, str]) -> None:
    desk.write("a.yaml", WRONG)
    done = desk.retime("validate", "a.yaml", **environment)
    assert "\x1b" not in done.stdout + done.stderr


def test_narrow_windows_break_no_line_of_a_problem(desk: Desk) -> None:
    desk.write("a.yaml", WRONG)
    wide, narrow = (desk.retime("validate", "a.yaml", COLUMNS=width) for width in ("300", "20"))
    assert narrow.stderr == wide.stderr


def test_an_output_that_knows_no_other_letters_is_no_reason_to_fail(desk: Desk) -> None:
    desk.write("ü.yaml", VALID.replace("good", "gööd"))
    for form in ("text", "json", "github"):
        done = desk.retime(
            "validate", "--format", form, "ü.yaml", PYTHONIOENCODING="ascii", LC_ALL="C"
        )
        assert done.returncode == 2, form
        assert "Traceback" not in done.stderr
        assert "bug" not in done.stderr
    desk.write("ü.yaml", VALID.replace("spec: 1", "spec: 1\nquestion: Ist es übel?"))
    for command in ("plan", "validate"):
        done = desk.retime(command, "ü.yaml", PYTHONIOENCODING="ascii", LC_ALL="C")
        assert (done.returncode, done.stderr) == (0, ""), command


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_starter_of_every_architecture_is_valid(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runner.spec.expand import read_spec
    from runner.spec.starting import write_starter

    monkeypatch.chdir(tmp_path)
    write_starter(Path("new.yaml"), name, None, force=False)
    spec = read_spec(Path("new.yaml"))
    assert len(spec.variants) == 4
    assert {one.model.base.architecture for one in spec.variants if one.model.base} == {name}


@pytest.mark.parametrize(
    ("models", "variants"),
    [
        (["a.tflite"], 2),
        (["a.keras"], 3),
        (["saved"], 3),
        (["a.tflite", "b.tflite"], 2),
        (["on.tflite", "1.tflite", "no.h5", "x/on.tflite"], 4),
        (["o: [dd.tflite", "#.tflite", "a b.keras"], 3),
    ],
    ids=str,
)
def test_the_starter_of_finished_networks_is_valid(
    desk: Desk, models: list[str], variants: int
) -> None:
    for model in models:
        desk.write(f"{model}/saved_model.pb" if model == "saved" else model)
    done = desk.retime("init", "specs/12.yaml", "--from", *models)
    assert (done.returncode, done.stderr) == (0, "")
    (record,) = json.loads(desk.retime("validate", "--format", "json", "specs/12.yaml").stdout)
    assert record["problems"] == []
    assert len(record["variants"]) == variants


def test_nothing_is_written_over(desk: Desk) -> None:
    path = desk.write("spec.yaml", "mine")
    done = desk.retime("init")
    assert done.returncode == 2
    assert "the file is there already" in done.stderr
    assert path.read_text() == "mine"
    assert desk.retime("init", "--force").returncode == 0
    assert desk.retime("validate", "spec.yaml").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "sign"),
    [
        (["init", "--architecture", "MobileNetV4"], "did you mean MobileNetV2?"),
        (["init", "--from", "nowhere.tflite"], "there is no such file"),
        (["init", "--from", "a.yaml"], "a spec is no model"),
        (["compare-models", "a.tflite"], "there is nothing to compare it with"),
        (["compare-models", "a.tflite", "b.tflit"], "did you mean b.tflite?"),
        (["compare-models", "a.tflite", "./a.tflite"], "it is named twice"),
        (["compare-models", "a.tflite", "a.yaml"], "is no model file by its name"),
        (["compare-models", "a.tflite", "b.tflite", "--effect", "200%"], "out of range"),
        (["compare-models", "a.tflite", "b.tflite", "--quantize", "int8"], "can't be changed"),
        (["compare-models", "a.tflite", "b.tflite", "--set", "x"], "is no setting"),
        (["validate"], "the following arguments are required"),
        (["validate", "a.yaml", "--format", "xml"], "invalid choice"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_arguments_are_explained_and_leave_nothing(
    desk: Desk, arguments: list[str], sign: str
) -> None:
    for name in ("a.tflite", "b.tflite"):
        desk.write(name, "a network")
    desk.write("a.yaml", VALID)
    before = sorted(desk.folder.rglob("*"))
    done = desk.retime(*arguments)
    assert done.returncode == 2, done.stderr
    assert sign in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(desk.folder.rglob("*")) == before


def test_the_plan_as_json_is_whole(desk: Desk) -> None:
    desk.write("a.yaml", f"{VALID}matrix: {{quantize: [float32, int8]}}\nbaseline: {{quantize: int8}}\n")  # fmt: skip # noqa: E501
    done = desk.retime("plan", "a.yaml", "--format", "json", "--set", "train.epochs=1")
    assert (done.returncode, done.stderr) == (0, "")
    plan: dict[str, Any] = json.loads(done.stdout)
    assert (plan["name"], plan["variants"], plan["refused"]) == ("good", 2, [])
    kinds = [stage["kind"] for stage in plan["stages"]]
    assert kinds == [
        *("data", "features", "train", "convert", "convert", "evaluate", "evaluate"),
    ]
    keys = {stage["key"] for stage in plan["stages"]}
    assert all(set(stage["inputs"]) <= keys for stage in plan["stages"])
    assert plan["to_run"] == len(kinds)
    assert plan["timing"]["forecast"]["arms"] == 4
    assert sorted(one.name for one in desk.folder.iterdir()) == ["a.yaml"]


def test_the_plan_of_a_wrong_spec_is_no_json(desk: Desk) -> None:
    desk.write("a.yaml", WRONG)
    done = desk.retime("plan", "a.yaml", "--format", "json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean alpha?" in done.stderr
