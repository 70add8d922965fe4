"""Reading files: where everything stands, and what can't be read at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from runner.errors import SpecError
from runner.spec import load as load_module
from runner.spec.document import Document, Keys, Place
from runner.spec.load import LARGEST_BYTES, load, parse

pytestmark = pytest.mark.fast


def read(text: str | bytes) -> Document:
    content = text if isinstance(text, bytes) else text.encode()
    return parse(content, file="spec.yaml", folder=Path())


def refused(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (0, 0)
    assert problem.remedy
    return problem.message


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("name",), (1, 1), (1, 7)),
        (("model",), (2, 1), (3, 3)),
        (("model", "head"), (3, 3), (4, 5)),
        (("model", "head", 1), (5, 7), (5, 7)),
        (("model", "head", 1, "dense", "units"), (5, 16), (5, 23)),
    ],
)
def test_every_key_and_value_has_its_place(
    path: Keys, key: tuple[int, int], value: tuple[int, int]
) -> None:
    text = "name: sample\nmodel:\n  head:\n    - flatten\n    - {dense: {units: 3}}\n"
    document = read(text)
    assert document.place(path, at_key=True) == Place(*key)
    assert document.place(path) == Place(*value)


def test_a_path_that_is_not_there_is_shown_at_its_nearest_ancestor() -> None:
    document = read("name: sample\nmodel:\n  base: {alpha: 1.0}\n")
    assert document.place(("model", "base", "weights")) == Place(3, 3)
    assert document.place(("train", "epochs")) == Place(1, 1)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_are_counted_alike_whatever_ends_them(line_break: str) -> None:
    document = read(line_break.join(["spec: 1", "", "# note", "name: x"]))
    assert document.place(("name",)) == Place(4, 7)
    assert document.lines[3] == "name: x"


def test_byte_order_mark_is_passed_over() -> None:
    document = read(b"\xef\xbb\xbfspec: 1\n")
    assert document.root.value == {"spec": 1}
    assert document.place(("spec",)) == Place(1, 7)
    assert document.lines[0] == "spec: 1"


def test_merged_keys_stand_where_they_are_written() -> None:
    document = read("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [{x: 5}, *a]}\n")
    assert document.root.value["b"] == {"x": 1, "y": 3}
    assert document.root.value["c"] == {"x": 5, "y": 2}
    assert document.place(("b", "x")) == Place(1, 11)
    assert document.place(("b", "y")) == Place(2, 16)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [x, 2.5, true, ~, 'no', 0x1f, 1_000, -3, .5, 2024-01-02]\nc: |\n  text\n",
        "base: &b {x: [1, {y: z}]}\nother: {<<: *b, w: *b}\n",
        "? key\n: value\nfolded: >\n  one\n  two\nempty:\n",
    ],
)
def test_plain_data_is_what_yaml_says(text: str) -> None:
    expected = yaml.safe_load(text)
    if "b" in expected and isinstance(expected["b"], list):
        expected["b"][-1] = "2024-01-02"  # a date is text here
    assert read(text).root.value == expected


def test_the_slow_parser_gives_the_same(monkeypatch: pytest.MonkeyPatch, smallest: str) -> None:
    text = f"{smallest}measure: {{max_time: 90s}} # note\nmatrix:\n  quantize: [float32, 'int8']\n"
    fast = read(text)
    monkeypatch.setattr(load_module, "_LOADER", yaml.SafeLoader)
    slow = read(text)
    assert slow.root == fast.root


def test_missing_file_names_the_one_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "quickstart.yaml").touch()
    assert "did you mean quickstart.yaml?" in refused(tmp_path / "quikstart.yaml")
    assert "no such file" in refused(tmp_path / "nowhere" / "spec.yaml")


def test_folder_is_refused(tmp_path: Path) -> None:
    assert "folder" in refused(tmp_path)


@pytest.mark.timeout(10)
def test_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    pipe = tmp_path / "spec.yaml"
    os.mkfifo(pipe)
    assert "not a regular file" in refused(pipe)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_without_rights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("spec: 1\n", encoding="utf-8")
    path.chmod(0)
    assert "can't be read" in refused(path)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_impossible_names_are_refused(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path / name)


def test_too_large_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"#" * (LARGEST_BYTES + 1))
    assert "larger than 1 MiB" in refused(path)
    path.write_bytes(b"spec: 1\n".ljust(LARGEST_BYTES, b"\n"))
    assert load(path).root.value == {"spec": 1}


def test_document_knows_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spec.yaml").write_bytes(b"spec: 1\n")
    monkeypatch.chdir(tmp_path)
    document = load(Path("spec.yaml"))
    assert document.file == "spec.yaml"
    assert document.folder == tmp_path
    assert document.content == b"spec: 1\n"
