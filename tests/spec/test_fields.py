"""No field is accepted and then forgotten: what a field says can be seen in the records."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.errors import SpecError
from runner.spec.architectures import ARCHITECTURES
from runner.spec.expand import read_spec
from runner.spec.model import Spec
from tests.spec.fields import (
    ITEM,
    VARIABLES,
    Data,
    Field,
    leaves,
    make_files,
    spec_with,
    spec_without,
    values,
)

pytestmark = pytest.mark.fast

FIELDS = list(leaves())
IDS = [".".join(field.path) for field in FIELDS]
# What a spec is made of beside its records.
_ORIGIN = ("path", "source", "others", "sha256")
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
PLAIN = {str, int, float, bool, type(None)}


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all that the schema's examples name, which is also the working folder."""
    make_files(tmp_path)
    for name, value in {**VARIABLES, "DATA": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(name="outcome")
def _outcome(read: Callable[[str], Spec], folder: Path) -> Callable[[Data], Data | None]:
    """The records of a spec; None for one that is refused, in which case it is said where."""

    def outcome(data: Data) -> Data | None:
        try:
            return records(read(dumped(data)))
        except SpecError as error:
            problems = error.problems
        assert all(problem.line and problem.remedy for problem in problems)
        return None

    return outcome


def dumped(data: Any) -> str:
    text: str = yaml.dump(data, Dumper=_DUMPER, default_flow_style=True, width=10**6)
    return text


def records(spec: Spec) -> Data:
    return {name: value for name, value in vars(spec).items() if name not in _ORIGIN}


def usual(field: Field) -> Any:
    """What holds where the field is left out: the schema's default, or the network's own."""
    if field.path[-2:] == ("teacher", "trainable"):
        # What the phases of the training say, if any does.
        return None
    own = {option.name: option.default for one in ARCHITECTURES.values() for option in one.options}
    return field.schema.get("default", own.get(str(field.path[-1])))


def same(first: Any, second: Any) -> bool:
    """Whether two plain values mean the same: `20%` and 0.2 do."""
    return _number(first) == _number(second) and isinstance(first, bool) == isinstance(second, bool)


def _number(value: Any) -> Any:
    if isinstance(value, str) and value.endswith("%"):
        return float(value.removesuffix("%")) / 100
    return value


def test_the_fields_are_many_enough() -> None:
    assert len(FIELDS) > 200
    assert ("train", "phases", "...", "optimizer", "sgd", "momentum") in {f.path for f in FIELDS}


@pytest.mark.parametrize("field", FIELDS, ids=IDS)
def test_another_value_makes_another_record_or_is_refused(
    field: Field, outcome: Callable[[Data], Data | None]
) -> None:
    known = [(value, outcome(spec_with(field.path, value))) for value in values(field)]
    accepted = [(value, record) for value, record in known if record is not None]
    assert accepted, f"no value is accepted: {[value for value, _ in known]}"
    for (first, one), (second, other) in itertools.combinations(accepted, 2):
        assert (one == other) == same(first, second), (first, second)
    absent = outcome(spec_without(field.path))
    for value, record in accepted if absent is not None else ():
        assert (record == absent) == same(value, usual(field)), value


@pytest.mark.parametrize("field", FIELDS, ids=IDS)
def test_a_field_means_the_same_in_an_extended_file_and_as_a_setting(
    field: Field, folder: Path, outcome: Callable[[Data], Data | None]
) -> None:
    value, direct = next(
        (value, record)
        for value in values(field)
        if (record := outcome(spec_with(field.path, value))) is not None
    )
    (folder / "shared.yaml").write_text(dumped(spec_with(field.path, value)))
    (folder / "own.yaml").write_text("extends: shared.yaml\n")
    extended = records(read_spec(folder / "own.yaml"))
    (folder / "own.yaml").write_text(dumped(spec_without(field.path)))
    written = dumped([value]).strip()[1:-1]
    setting = f"{as_setting(field.path)}={written}"
    set_ = records(read_spec(folder / "own.yaml", [setting]))
    assert extended == direct
    assert set_ == direct
    for record in (extended, set_):
        assert {type(one) for one in plain(record)} <= PLAIN


def as_setting(path: tuple[str, ...]) -> str:
    """The path as `--set` has it."""
    written = ""
    data: Any = spec_with(path, None)
    for key, after in itertools.pairwise((*path, "")):
        if key == ITEM:
            index = next(i for i, item in enumerate(data) if after in item)
            data, written = data[index], f"{written}[{index}]"
        else:
            data, written = data[key], f"{written}.{key}"
    return written.removeprefix(".")


def plain(value: Any) -> list[Any]:
    """Every plain value inside records."""
    if isinstance(value, dict):
        return [one for pair in value.items() for part in pair for one in plain(part)]
    if isinstance(value, list | tuple):
        return [one for part in value for one in plain(part)]
    return plain(vars(value)) if dataclasses.is_dataclass(value) else [value]
