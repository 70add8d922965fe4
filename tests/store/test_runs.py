"""A run's folder keeps every sample and can be found again."""

import struct
import zlib
from pathlib import Path

import pytest

from runner.store.runs import Run, RunStore, SampleRange, damage_of_result, newest_result

pytestmark = pytest.mark.fast

KEY = "cd" * 32


def create(tmp_path: Path, key: str = KEY) -> Run:
    return RunStore(tmp_path, "demo").create(key, {"schedule_seed": 5, "arms": ["a", "b"]})


def samples_file(tmp_path: Path, *values: int) -> Path:
    path = tmp_path / "incoming"
    path.write_bytes(struct.pack(f"<{len(values)}q", *values))
    return path


def test_a_run_is_found_by_its_experiment_and_no_other(tmp_path: Path) -> None:
    run = create(tmp_path)
    store = RunStore(tmp_path, "demo")
    assert store.latest(KEY) == run
    assert store.latest("00" * 32) is None
    assert run.schedule_seed == 5
    run.begin_stay(b"spec: 1\n", host={"cpu": "x"})
    run.begin_stay(b"spec: 1 # changed\n", host={})
    assert (run.folder / "spec.yaml").read_bytes() == b"spec: 1 # changed\n"
    assert run.beginnings()[1] == {"cpu": "x"}
    assert run.hosts() == [{"cpu": "x"}, {}]


def test_an_arm_keeps_its_file_whatever_order_a_later_spec_names_arms_in(tmp_path: Path) -> None:
    run = create(tmp_path)
    run.append_samples("b", samples_file(tmp_path, 7))
    found = RunStore(tmp_path, "demo").latest(KEY)
    assert found.arms == ("a", "b")
    assert found.samples_path("b").read_bytes() == struct.pack("<q", 7)
    assert not found.samples_path("a").exists()


def test_a_run_whose_plan_was_never_written_is_no_run(tmp_path: Path) -> None:
    run = create(tmp_path)
    (run.folder / "plan.json").unlink()
    assert RunStore(tmp_path, "demo").latest(KEY) is None


def test_samples_come_back_by_range_and_a_torn_tail_is_cut_off(tmp_path: Path) -> None:
    run = create(tmp_path)
    first = run.append_samples("b", samples_file(tmp_path, 1, 2, 3))
    with run.samples_path("b").open("ab") as file:
        file.write(b"\x07\x07\x07")
    second = run.append_samples("b", samples_file(tmp_path, 4))
    assert (first, second) == (
        SampleRange("samples/01.i64", 0, 3, zlib.crc32(struct.pack("<3q", 1, 2, 3))),
        SampleRange("samples/01.i64", 3, 1, zlib.crc32(struct.pack("<q", 4))),
    )
    assert run.read_samples(second) == struct.pack("<q", 4)
    assert run.read_samples(SampleRange("samples/00.i64", 0, 9)) == b""


def test_scratch_is_empty_before_and_gone_after(tmp_path: Path) -> None:
    run = create(tmp_path)
    (run.folder / "scratch").mkdir()
    (run.folder / "scratch" / "left").write_text("x")
    with run.scratch() as scratch:
        assert not list(scratch.iterdir())
    assert not scratch.exists()


def test_the_newest_result_of_a_spec_is_found_from_its_folder(tmp_path: Path) -> None:
    run = create(tmp_path)
    assert newest_result(tmp_path / "demo") is None
    run.write_result({"format": 1, "x": 1})
    assert newest_result(tmp_path / "demo") == ({"format": 1, "x": 1}, run.folder)
    assert newest_result(run.folder) == ({"format": 1, "x": 1}, run.folder)


def test_a_result_with_a_flipped_bit_is_none_and_is_said_to_be_damaged(tmp_path: Path) -> None:
    older, newer = create(tmp_path), create(tmp_path)
    for run, ratio in ((older, 1.5), (newer, 2.5)):
        run.write_result({"format": 1, "ratio": ratio})
        run.finish(proven=True)
    home = tmp_path / "demo"
    assert newest_result(home) == ({"format": 1, "ratio": 2.5}, newer.folder)
    assert damage_of_result(home) is None
    path = newer.folder / "result.json"
    # It stays whole JSON and tells another ratio.
    path.write_text(path.read_text().replace("2.5", "3.5"))
    assert newer.result() is None
    assert newest_result(newer.folder) is None
    damage = damage_of_result(home)
    assert damage is not None
    assert damage.where == str(path)
    assert newest_result(home) == ({"format": 1, "ratio": 1.5}, older.folder)


def test_a_result_that_no_journal_tells_of_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "copied").mkdir()
    (tmp_path / "copied" / "result.json").write_text('{"format": 1}')
    assert newest_result(tmp_path / "copied") == ({"format": 1}, tmp_path / "copied")
    assert damage_of_result(tmp_path / "copied") is None
