"""`--set PATH=VALUE`: what it reaches, and how its mistakes are shown inside the argument."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import Problem, SpecError
from runner.spec.expand import expand
from runner.spec.load import parse
from runner.spec.model import Spec
from runner.spec.problems import format_problem
from runner.spec.settings import apply_settings
from tests.spec.conftest import SMALLEST

pytestmark = pytest.mark.fast

Set = Callable[..., Spec]
HEADS = (
    f"{SMALLEST}  head: [global_average_pooling, {{dense: {{units: 8}}}}, classifier]\n"
    "train: {phases: [{epochs: 1}, {epochs: 2}], class_weights: {'3': 2.0}}\n"
)
MATRIX = (
    f"{SMALLEST}matrix:\n"
    "  model.head:\n"
    "    stock: [global_average_pooling, classifier]\n"
    "    wide: [global_average_pooling, {dense: {units: 64}}, classifier]\n"
    "  quantize: [float32, int8]\n"
    "  runtime.threads: {2: 2, one: 1}\n"
    "baseline: {model.head: stock, quantize: float32, runtime.threads: one}\n"
).replace("{2: 2", "{'2': 2")


@pytest.fixture(name="with_set")
def _with_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Set:
    (tmp_path / "spec").mkdir()
    monkeypatch.chdir(tmp_path)

    def with_set(text: str, *settings: str) -> Spec:
        document = parse(text.encode(), file="spec.yaml", folder=tmp_path / "spec")
        return expand(apply_settings(document, settings))

    return with_set


@pytest.fixture(name="refused")
def _refused(with_set: Set) -> Callable[..., Problem]:
    """The only problem that a text and settings have."""

    def refused(text: str, *settings: str) -> Problem:
        with pytest.raises(SpecError) as caught:
            with_set(text, *settings)
        (problem,) = caught.value.problems
        return problem

    return refused


def test_a_value_wins_over_the_file_and_the_later_over_the_earlier(with_set: Set) -> None:
    text = f"{SMALLEST}train: {{epochs: 3, seed: 1}}\n"
    train = with_set(text, "train.epochs=5", "train.epochs=7").variants[0].train
    assert (train.epochs, train.seed) == (7, 1)


def test_mappings_are_made_on_the_way_and_values_are_yaml(with_set: Set) -> None:
    settings = ["train.optimizer.sgd.momentum=0.5", "runtime.affinity=[1, 2]", "question='a: b'"]
    spec = with_set(SMALLEST, *settings)
    (variant,) = spec.variants
    assert variant.train.optimizer.options["momentum"] == 0.5
    assert variant.runtime.affinity == (1, 2)
    assert spec.question == "a: b"


def test_a_value_may_hold_equals_signs(with_set: Set) -> None:
    assert with_set(SMALLEST, "question=is a=b?").question == "is a=b?"


def test_items_of_lists_are_reached_by_their_number(with_set: Set) -> None:
    (variant,) = with_set(
        HEADS, "model.head[1].dense.units=32", "train.phases[1]={epochs: 9}"
    ).variants
    assert variant.model.head[1].options["units"] == 32
    assert [phase.epochs for phase in variant.train.phases] == [1, 9]


def test_a_number_is_a_key_where_there_is_a_mapping(with_set: Set) -> None:
    (variant,) = with_set(HEADS, "train.class_weights[3]=5").variants
    assert variant.train.class_weights == {"3": 5.0}
    spec = with_set(MATRIX, "matrix[runtime.threads][2]=8")
    assert {one.runtime.threads for one in spec.variants} == {1, 8}


def test_axes_and_their_alternatives_are_reached(with_set: Set) -> None:
    spec = with_set(
        MATRIX,
        "matrix[quantize]=[float32, float16]",
        "matrix[model.head].wide[1].dense.units=128",
        "matrix[model.head].deep=[flatten, classifier]",
        "matrix.limit=20",
    )
    assert len(spec.variants) == 3 * 2 * 2
    units = {
        layer.options["units"]
        for one in spec.variants
        for layer in one.model.head
        if layer.kind == "dense"
    }
    assert units == {128}
    assert {one.quantize.mode for one in spec.variants} == {"float32", "float16"}


def test_the_rest_of_a_section_is_reached_beside_an_axis_in_it(with_set: Set) -> None:
    spec = with_set(MATRIX, "model={base: {architecture: EfficientNetB0}}")
    bases = {one.model.base.architecture for one in spec.variants if one.model.base}
    assert bases == {"EfficientNetB0"}


def test_paths_are_read_from_the_working_folder(with_set: Set, tmp_path: Path) -> None:
    (tmp_path / "lib.so").touch()
    (variant,) = with_set(SMALLEST, "runtime.path=lib.so").variants
    assert variant.runtime.path == str(tmp_path / "lib.so")


def test_the_document_is_left_as_it_was(tmp_path: Path) -> None:
    document = parse(SMALLEST.encode(), file="spec.yaml", folder=tmp_path)
    apply_settings(document, ["model.base.alpha=0.35", "train.epochs=9"])
    base = expand(document).variants[0].model.base
    assert base is not None
    assert base.alpha == 1.0


@pytest.mark.parametrize(
    ("setting", "column", "path", "sign"),
    [
        ("train.epochs=many", 14, "train.epochs", "expected a whole number"),
        ("train.epoch=3", 7, "train.epoch", "did you mean epochs?"),
        ("train={epochs: 3, sed: 1}", 19, "train.sed", "did you mean seed?"),
        ("train.epochs=0777", 14, "train.epochs", "in base 8"),
        ("train.optimizer.adam.learning_rate=1e-3", 36, "train.optimizer.adam.learning_rate",
         "as text, not as a number"),
        ("quantize=", 1, "quantize", "has no value"),
        ("train.epochs", 1, "", "is no setting"),
        ("=3", 1, "", "is no setting"),
        ("", 1, "", "is no setting"),
        ("train..epochs=3", 1, "", "is no setting"),
        ("train.=3", 1, "", "is no setting"),
        ("matrix[=3", 1, "", "is no setting"),
        ("extends=other.yaml", 1, "extends", "can't be set here"),
        ("name.first=3", 6, "name.first", "can't be set inside name"),
        ("train.epochs=[1, 2", 14, "train.epochs", "not closed"),
        ("train.epochs=!!python/name:os.system x", 14, "train.epochs", "can't be used"),
        ("train.epochs=*x", 14, "train.epochs", "has no anchor"),
        ("train.epochs=\t3", 14, "train.epochs", "a tab"),
        ("question=\x07", 10, "question", "control character"),
    ],
)  # fmt: skip
def test_a_mistake_is_shown_inside_the_argument(
    refused: Callable[..., Problem], setting: str, column: int, path: str, sign: str
) -> None:
    problem = refused(SMALLEST, setting)
    assert (problem.file, problem.line, problem.path) == ("--set", 1, path)
    assert sign in problem.message
    assert problem.remedy
    assert problem.column == column
    assert format_problem(problem).startswith(f"--set:1:{column}: ")


def test_a_list_has_no_such_item(refused: Callable[..., Problem]) -> None:
    problem = refused(HEADS, "model.head[7]=flatten")
    assert "model.head" in problem.message
    assert (problem.file, problem.path) == ("--set", "model.head[7]")


@pytest.mark.parametrize("setting", ["quantize=int8", "quantize.mode=int8", "model.head=[flatten]"])
def test_a_setting_that_the_matrix_hides_is_refused(
    refused: Callable[..., Problem], setting: str
) -> None:
    problem = refused(MATRIX, setting)
    assert "would change nothing" in problem.message
    assert "--set 'matrix[" in problem.remedy


def test_the_remedy_for_a_hidden_setting_works(
    with_set: Set, refused: Callable[..., Problem]
) -> None:
    remedy = refused(MATRIX, "quantize=int8").remedy
    setting = remedy.partition("--set '")[2].rstrip("'").replace("...", "float32, dynamic")
    assert {one.quantize.mode for one in with_set(MATRIX, setting).variants} == {
        "float32",
        "dynamic",
    }


def test_problems_of_file_and_settings_come_together(with_set: Set) -> None:
    with pytest.raises(SpecError) as caught:
        with_set(f"{SMALLEST}quantize: int9\n", "train.epoch=1", "nonsense")
    files = sorted(problem.file for problem in caught.value.problems)
    assert files == ["--set", "--set", "spec.yaml"]
