"""Files and folders that a spec names are told apart by what is in them, not by dates or names."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from runner.plan.records import Content
from runner.spec.expand import read_spec
from runner.steps.contents import changed_contents, hash_contents, hash_path

pytestmark = pytest.mark.fast


def add(folder: Path) -> None:
    (folder / "rose" / "3.png").write_bytes(b"third")


def remove(folder: Path) -> None:
    (folder / "rose" / "1.png").unlink()


def rename(folder: Path) -> None:
    (folder / "rose" / "1.png").rename(folder / "daisy" / "1.png")


def flip(folder: Path) -> None:
    """One bit, with size and date as they were."""
    file = folder / "rose" / "1.png"
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[0] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def touch(folder: Path) -> None:
    os.utime(folder / "rose" / "1.png", (0, 0))


@pytest.mark.parametrize(
    ("change", "counts"),
    [(add, True), (remove, True), (rename, True), (flip, True), (touch, False)],
)
def test_a_folder_is_changed_by_content_alone(
    tmp_path: Path, change: Callable[[Path], None], counts: object
) -> None:
    for name in ("rose/1.png", "rose/2.png", "daisy/9.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    source = {"kind": "folder", "options": {"path": str(tmp_path)}}
    params = {"source": source, "image_size": [8, 8]}
    known = {str(tmp_path): Content(hash_path(tmp_path))}
    assert changed_contents(params, known) == []
    change(tmp_path)
    assert changed_contents(params, known) == ([str(tmp_path)] if counts else [])


SPEC = """
spec: 1
name: table
data: {source: {csv: {path: labels.csv, image: file}}}
model: {base: {architecture: MobileNet, alpha: 0.25, weights: none}}
train: {epochs: 1}
matrix:
  DATA_AXIS
baseline: {BASELINE}
"""
OTHER_SOURCES = {
    "two sizes": "data.image_size: {one: [64, 64], other: [96, 96]}",
    "another root": "data.source.csv.root: {one: ., other: turned}",
    "another column": "data.source.csv.image: {one: file, other: mask}",
}


@pytest.mark.parametrize("axis", OTHER_SOURCES.values(), ids=OTHER_SOURCES)
@pytest.mark.parametrize("changed", ["a.png", "labels.csv"])
def test_the_images_that_a_table_names_count_with_it_for_every_variant_that_reads_it(
    tmp_path: Path, axis: str, changed: str
) -> None:
    table, spec = tmp_path / "labels.csv", tmp_path / "spec.yaml"
    table.write_text("file,mask,label\nb.png,m.png,daisy\na.png,m.png,rose\na.png,m.png,rose\n")
    for name in ("a.png", "b.png", "m.png", "turned/a.png", "turned/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    spec.write_text(
        SPEC.replace("DATA_AXIS", axis).replace("BASELINE", f"{axis.partition(':')[0]}: one")
    )
    variants = read_spec(spec).variants
    assert len(variants) == 2
    known = hash_contents(read_spec(spec))
    for variant in variants:
        assert changed_contents(asdict(variant.data), known) == []
    with (tmp_path / changed).open("ab") as file:
        file.write(b"a.png,a.png,rose\n")
    for variant in variants:
        assert changed_contents(asdict(variant.data), known) == [str(table)]
    assert hash_contents(read_spec(spec)) != known
