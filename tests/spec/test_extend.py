"""Files that share parts: what wins, where paths are read from, and where problems are shown."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from runner.errors import Problem, SpecError
from runner.spec.expand import read_spec
from runner.spec.extend import DEEPEST_EXTENSION, MOST_FILES
from runner.spec.model import Spec
from tests.spec.conftest import SMALLEST

pytestmark = pytest.mark.fast


class Desk:
    """A folder with specs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, **texts: str) -> None:
        """Writes `board=...` as board.yaml; two underscores stand for a folder."""
        for name, text in texts.items():
            path = self.folder / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def read(self, name: str = "own.yaml", *settings: str) -> Spec:
        return read_spec(Path(name), settings)

    def problems(self, name: str = "own.yaml", *settings: str) -> list[Problem]:
        with pytest.raises(SpecError) as caught:
            self.read(name, *settings)
        return list(caught.value.problems)


@pytest.fixture(name="desk")
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)


def test_the_nearer_file_wins_and_mappings_are_joined(desk: Desk) -> None:
    desk.write(
        far=f"{SMALLEST}train: {{epochs: 5, batch_size: 8, seed: 3}}\n",
        near="extends: far.yaml\ntrain: {batch_size: 16}\n",
        own="extends: near.yaml\nname: own\ntrain: {seed: 1}\n",
    )
    spec = desk.read()
    train = spec.variants[0].train
    assert (spec.name, train.epochs, train.batch_size, train.seed) == ("own", 5, 16, 1)


def test_of_several_files_the_later_one_wins_and_this_one_over_all(desk: Desk) -> None:
    desk.write(
        claim=f"{SMALLEST}train: {{epochs: 5, batch_size: 8, seed: 3}}\nmeasure: {{effect: 9%}}\n",
        overlay="train: {epochs: 6, batch_size: 16}\nmeasure: {max_time: 1h}\n",
        own="extends: [claim.yaml, overlay.yaml]\nname: own\ntrain: {epochs: 7}\n",
    )
    spec = desk.read()
    train = spec.variants[0].train
    assert (spec.name, train.epochs, train.batch_size, train.seed) == ("own", 7, 16, 3)
    assert (spec.measure.effect, spec.measure.max_time_s) == (pytest.approx(0.09), 3600)
    assert [Path(name).name for name, _ in spec.others] == ["claim.yaml", "overlay.yaml"]
    desk.write(other="extends: [overlay.yaml, claim.yaml]\nname: other\n")
    assert desk.read("other.yaml").variants[0].train.epochs == 5


def test_what_a_later_file_takes_out_no_earlier_one_brings_back(desk: Desk) -> None:
    stopping = "train: {validation_fraction: 10%, early_stopping: {patience: 2}}\n"
    desk.write(
        claim=SMALLEST + stopping,
        overlay="train: {early_stopping: null}\n",
        own="extends: [claim.yaml, overlay.yaml]\n",
    )
    assert desk.read().variants[0].train.early_stopping is None


def test_where_there_is_nothing_to_take_out_nothing_is_wrong(desk: Desk) -> None:
    desk.write(
        claim=SMALLEST,
        overlay="data: {limit: null}\n",
        own="extends: [claim.yaml, overlay.yaml]\n",
    )
    assert desk.read().variants[0].data.limit is None


def test_a_problem_in_one_of_several_files_is_shown_there(desk: Desk) -> None:
    desk.write(
        claim=SMALLEST,
        overlay="train: {epoch: 6}\n",
        own="extends: [claim.yaml, overlay.yaml]\n",
    )
    (problem,) = desk.problems()
    assert (problem.file, problem.line, problem.path) == ("overlay.yaml", 1, "train.epoch")


def test_files_that_name_each_other_many_times_are_not_read_for_ever(desk: Desk) -> None:
    names = [f"level{index}.yaml" for index in range(DEEPEST_EXTENSION)]
    for name, below in itertools.pairwise(names):
        desk.write(**{name.removesuffix(".yaml"): f"extends: [{', '.join([below] * 8)}]\n"})
    desk.write(**{names[-1].removesuffix(".yaml"): SMALLEST})
    (problem,) = desk.problems(names[0])
    assert problem.message == f"more than {MOST_FILES} files are extended"


def test_lists_are_replaced(desk: Desk) -> None:
    desk.write(
        far=f"{SMALLEST}  head: [flatten, classifier]\nruntime: {{affinity: [1, 2, 3]}}\n",
        own="extends: far.yaml\nruntime: {affinity: [0]}\n",
    )
    (variant,) = desk.read().variants
    assert variant.runtime.affinity == (0,)
    assert [layer.kind for layer in variant.model.head] == ["flatten", "classifier"]


@pytest.mark.parametrize(
    ("below", "above", "meant"),
    [
        ("{last: 20}", "{from: block_13_expand}", ("from", "block_13_expand")),
        ("{last: 20}", "{last: 5}", ("last", 5)),
        ("{last: 20}", "all", ("all", None)),
        ("none", "{last: 5}", ("last", 5)),
    ],
)
def test_another_choice_replaces_a_choice(
    desk: Desk, below: str, above: str, meant: tuple[str, object]
) -> None:
    desk.write(
        far=f"{SMALLEST}  trainable: {below}\n",
        own=f"extends: far.yaml\nmodel: {{trainable: {above}}}\n",
    )
    trainable = desk.read().variants[0].model.trainable
    assert (trainable.policy, trainable.argument) == meant


def test_the_same_choice_is_joined(desk: Desk) -> None:
    desk.write(
        far=f"{SMALLEST}train: {{optimizer: {{sgd: {{momentum: 0.9, learning_rate: 0.5}}}}}}\n",
        own="extends: far.yaml\ntrain: {optimizer: {sgd: {learning_rate: 0.1}}}\n",
    )
    options = desk.read().variants[0].train.optimizer.options
    assert (options["momentum"], options["learning_rate"]) == (0.9, 0.1)


def test_axes_are_joined_and_alternatives_are_too(desk: Desk) -> None:
    desk.write(
        far=f"{SMALLEST}matrix:\n"
        "  quantize: [float32, int8]\n"
        "  train.optimizer: {plain: {sgd: {momentum: 0.5}}, other: adam}\n"
        "baseline: {quantize: float32, train.optimizer: plain}\n",
        own="extends: far.yaml\nmatrix:\n"
        "  train.optimizer: {plain: {sgd: {nesterov: true}}, other: {rmsprop: {}}}\n"
        "  quantize: [float32, int8, int16x8]\n",
    )
    spec = desk.read()
    assert len(spec.variants) == 6
    by_name = {one.axes["train.optimizer"]: one.train.optimizer for one in spec.variants}
    assert by_name["plain"].options["momentum"] == 0.5
    assert by_name["plain"].options["nesterov"] is True
    assert by_name["other"].name == "rmsprop"


def test_an_empty_value_hides_the_one_below(desk: Desk) -> None:
    desk.write(
        far=f"{SMALLEST}measure: {{effect: 5%}}\n", own="extends: far.yaml\nmeasure: {effect: }\n"
    )
    (problem,) = desk.problems()
    assert (problem.file, problem.line, problem.path) == ("own.yaml", 2, "measure.effect")


def test_a_written_null_takes_out_what_the_extended_file_says(desk: Desk) -> None:
    stopping = "train: {validation_fraction: 10%, early_stopping: {patience: 9}}\n"
    desk.write(
        far=f"{SMALLEST}{stopping}measure: {{effect: 5%}}\n",
        own="extends: far.yaml\ntrain: {early_stopping: null}\nmeasure: ~\n",
    )
    spec = desk.read()
    assert spec.variants[0].train.early_stopping is None
    assert spec.variants[0].train.validation_fraction == pytest.approx(0.1)
    assert spec.measure.effect == pytest.approx(0.02)


def test_paths_are_read_from_the_file_that_they_are_written_in(desk: Desk) -> None:
    for name in ("lib.so", "shared/lib.so", "shared/deep/w.h5"):
        (desk.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (desk.folder / name).touch()
    desk.write(
        shared__deep__base=SMALLEST.replace("alpha: 1.0", "alpha: 0.6, weights: w.h5"),
        shared__board="extends: deep/base.yaml\nruntime: {path: lib.so}\n",
        own="extends: shared/board.yaml\n",
        mine="extends: shared/board.yaml\nruntime: {path: lib.so}\n",
    )
    (variant,) = desk.read().variants
    assert variant.model.base is not None
    assert variant.model.base.weights == str(desk.folder / "shared/deep/w.h5")
    assert variant.runtime.path == str(desk.folder / "shared/lib.so")
    assert desk.read("mine.yaml").variants[0].runtime.path == str(desk.folder / "lib.so")


def test_paths_inside_lists_and_alternatives_know_their_folder_too(desk: Desk) -> None:
    for name in ("shared/a.tflite", "shared/b.tflite", "shared/t.keras"):
        (desk.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (desk.folder / name).touch()
    desk.write(
        shared__files="model: {}\nmatrix:\n  model.file: {a: a.tflite, b: b.tflite}\n",
        shared__taught="compress: [{distill: {teacher: {file: t.keras}}}, prune]\n",
        own="spec: 1\nname: own\nextends: shared/files.yaml\nbaseline: {model.file: a}\n",
        taught=f"{SMALLEST}extends: shared/taught.yaml\n",
    )
    files = [variant.model.file for variant in desk.read().variants]
    assert files == [str(desk.folder / f"shared/{name}.tflite") for name in "ab"]
    (variant,) = desk.read("taught.yaml").variants
    assert variant.compress[0].options["teacher"]["file"] == str(desk.folder / "shared/t.keras")


def test_a_problem_is_shown_in_the_file_that_has_it(desk: Desk) -> None:
    desk.write(
        shared__board="# A board.\nruntime:\n  threads: 0\n  path: lib.so\n",
        own=f"{SMALLEST}extends: shared/board.yaml\nquantize: int9\n",
    )
    found = {(one.file, one.line, one.column, one.path) for one in desk.problems()}
    shared = str(Path("shared/board.yaml"))
    assert found == {
        ("own.yaml", 7, 11, "quantize"),
        (shared, 3, 12, "runtime.threads"),
        (shared, 4, 9, "runtime.path"),
    }
    desk.write(shared__board="# A board.\nruntime:\n  threads: 1\n  path: lib.so\n")
    desk.write(own=f"{SMALLEST}extends: shared/board.yaml\n")
    (problem,) = desk.problems()
    assert (problem.file, problem.line, problem.column) == (shared, 4, 9)
    assert str(desk.folder / "shared" / "lib.so") in problem.message
    assert problem.source == "  path: lib.so"


def test_the_file_is_named_as_one_would_from_the_working_folder(desk: Desk) -> None:
    desk.write(
        specs__own=f"{SMALLEST}extends: ../shared/board.yaml\n", shared__board="quantize: int9\n"
    )
    (problem,) = desk.problems("specs/own.yaml")
    assert problem.file == str(Path("shared/board.yaml"))


def test_a_key_that_is_missing_is_asked_of_the_spec_itself(desk: Desk) -> None:
    desk.write(far="train: {epochs: 2}\n", own="spec: 1\nextends: far.yaml\nname: own\n")
    (problem,) = desk.problems()
    assert (problem.file, problem.path, problem.message) == ("own.yaml", "model", "missing")


def test_duplicate_keys_of_an_extended_file_are_shown(desk: Desk) -> None:
    desk.write(far="train:\n  epochs: 1\n  epochs: 2\n", own=f"{SMALLEST}extends: far.yaml\n")
    (problem,) = desk.problems()
    assert (problem.file, problem.line) == ("far.yaml", 3)
    assert "duplicate" in problem.message


@pytest.mark.parametrize("length", [1, 2, 3, 7])
def test_a_circle_is_found_whatever_its_length(desk: Desk, length: int) -> None:
    names = ["own", *(f"s{index}" for index in range(1, length))]
    texts = {
        name: f"extends: {after}.yaml\n"
        for name, after in zip(names, [*names[1:], "own"], strict=True)
    }
    desk.write(**texts)
    (problem,) = desk.problems()
    assert "circle" in problem.message
    assert problem.file == f"{names[-1]}.yaml"


def test_a_circle_through_a_link_is_found(desk: Desk) -> None:
    desk.write(own="extends: link.yaml\n")
    (desk.folder / "link.yaml").symlink_to("own.yaml")
    assert "circle" in desk.problems()[0].message


def test_two_ways_to_the_same_file_are_no_circle(desk: Desk) -> None:
    desk.write(far=SMALLEST, own="extends: far.yaml\n", other="extends: ./x/../far.yaml\n")
    (desk.folder / "x").mkdir()
    assert desk.read().variants == desk.read("other.yaml").variants


@pytest.mark.parametrize(("files", "fits"), [(DEEPEST_EXTENSION, True), (9, False)])
def test_depth_is_bounded(desk: Desk, files: int, *, fits: bool) -> None:
    desk.write(**{f"s{index}": f"extends: s{index + 1}.yaml\n" for index in range(files - 1)})
    desk.write(**{f"s{files - 1}": SMALLEST}, own="extends: s0.yaml\n")
    if fits:
        assert desk.read().name == "sample"
    else:
        assert "more than 8" in desk.problems()[0].message


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("missing.yaml", "there is no such file"),
        ("bord.yaml", "did you mean board.yaml?"),
        ("folder.yaml", "this is a folder"),
        ("note.txt", "only a .yaml or .yml file"),
        ("'${RETIME_UNSET}/a.yaml'", "RETIME_UNSET is not set"),
        ("pipe.yaml", "not a regular file"),
        ("large.yaml", "larger than 1 MiB"),
    ],
)
@pytest.mark.timeout(10)
def test_what_cannot_be_extended_is_shown_where_it_is_named(
    desk: Desk, text: str, sign: str
) -> None:
    desk.write(board="train: {}\n", own=f"{SMALLEST}extends: {text}\n")
    (desk.folder / "folder.yaml").mkdir()
    (desk.folder / "note.txt").write_text("secret: 1\n", encoding="utf-8")
    (desk.folder / "large.yaml").write_bytes(b"#" * (2**20 + 1))
    os.mkfifo(desk.folder / "pipe.yaml")
    (problem,) = desk.problems()
    assert (problem.file, problem.line, problem.column) == ("own.yaml", 6, 10)
    assert sign in problem.message
    assert problem.remedy
    assert "secret" not in problem.message


def test_variables_have_a_meaning_in_extends(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARED", str(desk.folder / "shared"))
    desk.write(shared__far=SMALLEST, own="extends: ${SHARED}/far.yaml\n")
    assert desk.read().name == "sample"


def test_the_hash_covers_every_file_and_setting(desk: Desk) -> None:
    desk.write(far=SMALLEST, own="extends: far.yaml\n")
    first = desk.read()
    assert first.sha256 == desk.read().sha256
    assert first.sha256 != desk.read("own.yaml", "train.seed=1").sha256
    desk.write(far=f"{SMALLEST}# a note\n")
    assert first.sha256 != desk.read().sha256


def test_anchors_do_not_reach_into_other_files(desk: Desk) -> None:
    desk.write(
        far="train: &train {epochs: 1}\n", own=f"{SMALLEST}extends: far.yaml\ntrain: *train\n"
    )
    assert "has no anchor" in desk.problems()[0].message
