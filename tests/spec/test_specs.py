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
SHIPPED = sorted((REPOSITORY / "specs").rglob("*.yaml"))


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
    spec = read_spec(REPOSITORY / "specs" / "quickstart.yaml")
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
