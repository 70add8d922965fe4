"""Whole specs: the valid ones are read, each invalid one gives exactly the text beside it.

After a deliberate change of wording, `UPDATE_EXPECTED=1 pytest tests/spec/test_specs.py` writes the
texts anew; read the difference before keeping it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.errors import ExitCode, SpecError
from runner.spec.expand import read_spec
from runner.spec.problems import format_problem

pytestmark = pytest.mark.fast

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
VALID = sorted((HERE / "valid").glob("*.yaml"))
INVALID = sorted((HERE / "invalid").glob("*.yaml"))
SPECS = REPOSITORY / "specs"
# What lies in shared/ is no spec by itself; the specs that extend it are.
SHIPPED = sorted(path for path in SPECS.rglob("*.yaml") if path.parent.name != "shared")
CLAIMS = sorted((SPECS / "claims").glob("*.yaml"))


def explained(error: SpecError) -> str:
    return "\n".join(format_problem(problem) for problem in error.problems) + "\n"


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_valid_spec_is_read(path: Path) -> None:
    try:
        spec = read_spec(path)
    except SpecError as error:
        pytest.fail(explained(error))
    assert spec.baseline in {variant.name for variant in spec.variants}


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_invalid_spec_is_explained(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(SpecError) as caught:
        read_spec(Path(path.name))
    assert caught.value.exit_code is ExitCode.BAD_INPUT
    found = explained(caught.value).replace(str(path.parent), "FOLDER")
    expected = path.with_suffix(".expected")
    if os.environ.get("UPDATE_EXPECTED"):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")


def test_every_expected_text_has_its_spec() -> None:
    texts = {path.stem for path in (HERE / "invalid").glob("*.expected")}
    assert texts == {path.stem for path in INVALID}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_spec_is_valid_and_names_its_schema(path: Path) -> None:
    try:
        read_spec(path)
    except SpecError as error:
        pytest.fail(explained(error))
    first = path.read_text(encoding="utf-8").splitlines()[0]
    marker, _, schema = first.partition("$schema=")
    assert marker == "# yaml-language-server: "
    assert (path.parent / schema).resolve() == REPOSITORY / "schemas" / "spec.schema.json"


def test_quickstart_says_what_it_says_it_says() -> None:
    spec = read_spec(SPECS / "quickstart.yaml")
    assert [variant.name for variant in spec.variants] == [
        "model.head=stock,quantize=float32",
        "model.head=stock,quantize=int8",
        "model.head=wide,quantize=float32",
        "model.head=wide,quantize=int8",
    ]
    assert spec.baseline == "model.head=stock,quantize=float32"
    assert spec.measure.effect == pytest.approx(0.05)
    assert spec.measure.max_time_s == 80
    wide = spec.variants[2].model
    assert [layer.kind for layer in wide.head] == ["global_average_pooling", "dense", "classifier"]
    assert wide.head[1].options == {"units": 1024, "activation": "relu", "use_bias": True}
    assert wide.base.batch_norm_momentum == pytest.approx(0.9)


@pytest.mark.parametrize("path", CLAIMS, ids=lambda path: path.stem)
def test_a_claim_states_its_question_and_is_there_in_full_size(path: Path) -> None:
    claim, full = read_spec(path), read_spec(path.parent / "full" / path.name)
    assert claim.name == path.stem
    assert full.name == f"full-{claim.name}"
    assert claim.question.endswith("?")
    assert full.question == claim.question
    # It is the same experiment: the same variants against the same baseline.
    assert len(full.variants) == len(claim.variants)
    assert {axis for one in full.variants for axis in one.axes} == {
        axis for one in claim.variants for axis in one.axes
    }
    assert (full.measure.effect, full.measure.max_time_s) == (pytest.approx(0.01), 1800)
    for small, large in zip(claim.variants, full.variants, strict=True):
        assert large.data.image_size == (224, 224)
        assert large.data.limit is None
        assert max(small.data.image_size) < 224
        assert large.model.base.alpha > small.model.base.alpha
        weights = "none" if claim.name == "weight-decay" else "imagenet"
        assert large.model.base.weights == weights
        assert small.model.base.weights == "none"
        teachers = [step.options["teacher"] for step in large.compress if step.name == "distill"]
        for teacher in teachers:
            assert teacher["base"]["alpha"] > large.model.base.alpha
            assert teacher["base"]["weights"] == "imagenet"


def test_every_claim_in_full_size_belongs_to_a_claim() -> None:
    full = {path.name for path in (SPECS / "claims" / "full").glob("*.yaml")}
    assert full == {path.name for path in CLAIMS}
