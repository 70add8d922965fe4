"""Files and folders that a spec names are told apart by what is in them, not by dates or names."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from runner.plan.records import Content, Surroundings
from runner.plan.stages import make_plan
from runner.spec.expand import read_spec
from runner.steps.contents import changed_contents, hash_contents, note_downloads
from runner.steps.hashing import hash_path
from runner.steps.surroundings import look_around

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


SETS = """
spec: 1
name: sets
data: {source: {tfds: {dataset: DATASET, folder: sets}}}
model: {base: {architecture: MobileNet, alpha: 0.25, weights: none}}
"""


@pytest.mark.parametrize(
    ("dataset", "place"),
    [("tones", "tones"), ("tones/gray:1.0.0", "tones/gray/1.0.0"), ("tones:2.0.0", "tones/2.0.0")],
)
def test_a_prepared_set_counts_and_one_that_a_stage_downloaded_does_not_until_it_changes(
    tmp_path: Path, dataset: str, place: str
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SETS.replace("DATASET", dataset))
    file = tmp_path / "sets" / place / "data.tfrecord"

    def key() -> str:
        read = read_spec(spec)
        surroundings = Surroundings(
            {}, hash_contents(read), {one.name: "library" for one in read.variants}, "host"
        )
        plan = make_plan(read, surroundings)
        return plan.of_variant[read.variants[0].name]["data"]

    (variant,) = read_spec(spec).variants
    params, absent, known = asdict(variant.data), key(), hash_contents(read_spec(spec))
    file.parent.mkdir(parents=True)
    file.write_bytes(b"downloaded")
    # As a stage does that is done, and found no set when it began.
    assert changed_contents(params, known) == []
    provided = key()
    note_downloads(params, known)
    assert key() == absent != provided
    file.write_bytes(b"another set")
    replaced, known = key(), hash_contents(read_spec(spec))
    assert len({absent, provided, replaced}) == 3
    # A set that was there is not taken for a download.
    note_downloads(params, known)
    assert key() == replaced
    assert changed_contents(params, known) == []
    file.write_bytes(b"changed meanwhile")
    assert changed_contents(params, known) == [str(tmp_path / "sets")]
    (tmp_path / "sets" / "another_set").mkdir()
    (tmp_path / "sets" / "another_set" / "data").write_bytes(b"none of our business")
    file.write_bytes(b"another set")
    assert key() == replaced


def test_the_package_that_reads_a_set_counts_with_it(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SETS.replace("DATASET", "tones"))
    read = read_spec(tmp_path / "spec.yaml")
    keys = {
        make_plan(
            read,
            Surroundings(
                {"tensorflow-datasets": version}, {}, {read.variants[0].name: "library"}, "host"
            ),
        ).of_variant[read.variants[0].name]["data"]
        for version in ("4.9.9", "4.9.10")
    }
    assert len(keys) == 2
    assert "tensorflow-datasets" in look_around(read, {}).versions
