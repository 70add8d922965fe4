"""What a disk damages is noticed, and made again or done without; nothing else is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.store.artifacts import ArtifactStore
from runner.store.runs import RunStore
from tests.bench import Benched
from tests.crashes.inspection import repeated_processes
from tests.crashes.tiny import ANSWERED, Tiny
from tests.crashes.trees import Forest


def flip(path: Path, place: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)


def flipped(path: Path, step: int = 1) -> Iterator[int]:
    """The file with one bit of one byte flipped, and so on for every so many bytes."""
    whole = path.read_bytes()
    for place in range(0, len(whole), step):
        flip(path, place, place % 8)
        yield place
        path.write_bytes(whole)


@pytest.mark.acceptance
def test_a_bit_flipped_in_any_file_of_any_artifact_is_noticed(
    benched: Benched, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(benched.desk.cache, cache)
    store, kinds = ArtifactStore(cache), set()
    for manifest in sorted(cache.glob("*/*/manifest.json")):
        stage, key = manifest.parts[-3:-1]
        for file in sorted(path for path in manifest.parent.rglob("*") if path.is_file()):
            if (stage, file.name) in kinds:
                continue
            kinds.add((stage, file.name))
            assert store.check(stage, key).artifact is not None
            spare = tmp_path / "spare"
            shutil.copytree(manifest.parent, spare)
            flip(file, file.stat().st_size // 2)
            assert store.check(stage, key).artifact is None, file
            shutil.rmtree(manifest.parent, ignore_errors=True)
            spare.rename(manifest.parent)
    assert {stage for stage, _ in kinds} >= {"data", "features", "train", "convert", "evaluate"}
    assert len(kinds) > 15


@pytest.mark.fast
def test_no_bit_of_a_manifest_can_be_flipped_unnoticed(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    draft = store.draft("train", "k" * 64)
    (draft / "model").write_bytes(b"model")
    made = store.commit(
        draft, "train", "k" * 64, identity={"a": 1.5}, summary={"loss": 0.25}, seconds=1.0
    )
    for place in flipped(made.file("manifest.json")):
        found = store.find("train", "k" * 64)
        # White space carries nothing.
        assert found is None or found == made, place


@pytest.mark.fast
def test_a_run_whose_plan_is_damaged_at_any_bit_is_found_with_all_that_it_needs(
    tmp_path: Path,
) -> None:
    key = "ab" * 32
    run = RunStore(tmp_path, "demo").create(key, {"schedule_seed": 5, "arms": ["a", "b"]})
    for place in flipped(run.folder / "plan.json"):
        found = RunStore(tmp_path, "demo").latest(key)
        assert found == run, place
        assert found.schedule_seed == 5


@pytest.mark.fast
def test_no_bit_of_a_line_can_be_flipped_so_that_it_tells_something_else(tmp_path: Path) -> None:
    run = RunStore(tmp_path, "demo").create("ab" * 32, {"schedule_seed": 5, "arms": ["a"]})
    run.journal.append("process", arm="a", first=100, elapsed_s=1.5)
    events = list(run.journal.events())
    path = run.folder / "journal.jsonl"
    for place in flipped(path):
        told = list(run.journal.events())
        for event in told:
            # A flip in the name of the checksum leaves a field that nobody asks for.
            assert any(known.items() <= event.items() for known in events), place
        assert len(told) + run.journal.damaged_lines() >= 1


@pytest.mark.acceptance
def test_samples_with_a_flipped_bit_do_not_count_and_the_result_says_so(tiny: Tiny) -> None:
    for extra, most in (("measure.max_blocks=10", 10), ("measure.max_blocks=11", 11)):
        # So small that hardly any machine is quiet enough to tell before the blocks are spent. A
        # coarse clock may show equal medians, and no eleventh block is needed then.
        settings = (*tiny.settings, extra, "measure.effect=0.3%")
        tree = Forest().start(Tiny(tiny.desk, tiny.models, settings).command)
        said = tree.wait(120)
        assert tree.root.returncode in ANSWERED, said
        (folder,) = tiny.desk.run_folders(tiny.name)
        result = json.loads((folder / "result.json").read_text())
        assert result["blocks"]["done"] in (10, most)
        if most == 10:
            assert result["blocks"]["lost_processes"] == 0
            first = next(e for e in tiny.desk.events(tiny.name) if e["event"] == "process")
            flip(folder / first["file"], 8 * first["first"] + 1)
    assert result["blocks"]["lost_processes"] == 1
    (warning,) = [one for one in result["warnings"] if one["kind"] == "files-damaged"]
    assert "1 processes' samples" in warning["message"]


@pytest.mark.acceptance
@pytest.mark.parametrize("damage", ["flipped", "missing", "no report"])
def test_a_damaged_result_is_put_together_again_and_nothing_is_measured_for_it(
    tiny: Tiny, damage: str
) -> None:
    assert Forest().start(tiny.command).ended(120) in ANSWERED
    (folder,) = tiny.desk.run_folders(tiny.name)
    result = folder / "result.json"
    before = json.loads(result.read_text())
    if damage == "flipped":
        # A digit that becomes another one.
        flip(result, result.read_bytes().index(b'"ratio": ') + 9, 0)
    elif damage == "missing":
        result.unlink()
    else:
        # As if the bench had been killed between the two.
        (folder / "report.html").unlink()
        journal = folder / "journal.jsonl"
        journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))
    tree = Forest().start(tiny.command)
    said = tree.wait(120)
    assert tree.root.returncode in ANSWERED, said
    after = json.loads(result.read_text())
    for name in ("comparisons", "controls", "blocks", "samples", "variants"):
        mended = json.loads(json.dumps(after[name]).replace("cached", "done"))
        assert mended == json.loads(json.dumps(before[name]).replace("cached", "done"))
    assert (folder / "report.html").exists()
    events = tiny.desk.events(tiny.name)
    assert list(repeated_processes(events)) == []
    assert len(tiny.desk.run_folders(tiny.name)) == 1


@pytest.mark.acceptance
def test_a_damaged_artifact_is_made_again_and_the_run_goes_on(tiny: Tiny) -> None:
    bench = Tiny(tiny.desk, tiny.models, (*tiny.settings, "measure.effect=1%"))
    more = Tiny(tiny.desk, tiny.models, (*bench.settings, "measure.max_blocks=11"))
    assert Forest().start(bench.command).ended(120) in ANSWERED
    done = [event for event in tiny.desk.events(tiny.name) if event["event"] == "process"]
    model = next(tiny.desk.cache.glob("adopt/*/model.tflite"))
    flip(model, 40)
    assert Forest().start(more.command).ended(120) in ANSWERED
    events = tiny.desk.events(tiny.name)
    assert [event for event in events if event["event"] == "process"][: len(done)] == done
    made = [e["key"] for e in events if e["event"] == "stage" and e["status"] == "done"]
    assert made.count(model.parent.name) == 2
    assert len(made) == 5
