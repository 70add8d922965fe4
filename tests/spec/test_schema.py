"""The schema is the one definition: closed, explained, and with defaults and examples that fit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from runner.errors import EnvironmentUnusableError
from runner.spec import schema as schema_module
from runner.spec.architectures import ARCHITECTURES
from runner.spec.matrix import FIXED_SECTIONS
from runner.spec.parts import PARTS
from runner.spec.schema import fields, follow, schema_path, spec_schema, sub_schema
from runner.spec.sources import SOURCES
from runner.spec.structure import fits

pytestmark = pytest.mark.fast

# Fields without a default that need no word on what leaving them out means.
MEANINGFUL_WHEN_ABSENT = {
    *("matrix", "exclude", "baseline", "latency_ratio", "accuracy", "min", "max"),
    *("base", "file", "input_scaling", "alpha", "depth_multiplier", "minimalistic"),
    *("extends", "l1", "l2", "path", "images", "labels"),
}
ONE_KEY = {"maxProperties": 1, "minProperties": 1}


def schemas(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema in a schema, with its path."""
    yield path, schema
    for word in ("properties", "$defs"):
        for name, inner in schema.get(word, {}).items():
            yield from schemas(inner, f"{path}/{word}/{name}")
    for word in ("items", "additionalProperties", "propertyNames"):
        if isinstance(schema.get(word), dict):
            yield from schemas(schema[word], f"{path}/{word}")
    for index, inner in enumerate(schema.get("anyOf", ())):
        yield from schemas(inner, f"{path}/anyOf/{index}")


def all_fields() -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
    """Every field: its path, its name, its own schema and that of the mapping it stands in."""
    for path, schema in schemas(spec_schema()):
        for name, inner in schema.get("properties", {}).items():
            yield f"{path}/{name}", name, inner, schema


FIELDS = list(all_fields())


def test_schema_is_a_schema() -> None:
    schema = spec_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


def test_every_mapping_is_closed() -> None:
    open_ones = {
        path
        for path, schema in schemas(spec_schema())
        if (schema.get("type") == "object" or "properties" in schema)
        and schema.get("additionalProperties") is not False
    }
    # In these the user chooses the keys.
    assert open_ones == {
        "/properties/matrix",
        "/properties/targets",
        "/$defs/axis/anyOf/0",
        "/$defs/choice",
        "/$defs/inclusion",
        "/$defs/class_weights/anyOf/1",
        "/$defs/external/properties/options",
    }


@pytest.mark.parametrize(
    ("path", "name", "field", "parent"), FIELDS, ids=[one[0] for one in FIELDS]
)
def test_field_is_explained(
    path: str, name: str, field: Mapping[str, Any], parent: Mapping[str, Any]
) -> None:
    for word in ("title", "description", "examples"):
        assert field.get(word), f"{path} has no {word}"
    is_one_key = ONE_KEY.items() <= parent.items()
    is_required = name in parent.get("required", ())
    if "default" not in field and not is_one_key and not is_required:
        is_said = "left out, " in field["description"].lower()
        assert is_said or name in MEANINGFUL_WHEN_ABSENT, f"{path} has no default"
    assert not (is_required and "default" in field), f"{path} is required and has a default"


@pytest.mark.parametrize(
    ("path", "schema"), [pair for pair in schemas(spec_schema()) if pair[0].count("/") <= 4]
)
def test_defaults_and_examples_fit(
    path: str, schema: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("DATA", "BOARD", "ANDROID_SERIAL"):
        monkeypatch.setenv(variable, "value")
    for example in schema.get("examples", ()):
        assert fits(example, schema), f"{path}: {example}"
    if "default" in schema:
        assert fits(schema["default"], schema), path


def test_words_are_those_that_the_tables_know() -> None:
    base, data = sub_schema(("model", "base", "architecture")), sub_schema(("data", "source"))
    assert base is not None
    assert data is not None
    assert base["enum"] == list(ARCHITECTURES)
    assert set(SOURCES) <= set(fields(data))


@pytest.mark.parametrize(
    "definition",
    ["source", "layer", "optimizer", "loss", "augmentation", "compression_step", "delegate"],
)
def test_short_forms_name_what_needs_no_options(definition: str) -> None:
    word, mapping = spec_schema()["$defs"][definition]["anyOf"]
    without = [
        name
        for name, one in mapping["properties"].items()
        if not follow(one).schema.get("required")
    ]
    assert sorted(set(word["enum"]) - {"none"}) == sorted(set(without) - {"arrays"})


def test_every_section_varies_or_is_fixed() -> None:
    varying = {part.split(".")[0] for part in PARTS}
    assert varying | set(FIXED_SECTIONS) == set(spec_schema()["properties"])
    assert not varying & set(FIXED_SECTIONS)


def test_schema_is_found_in_the_repository() -> None:
    assert schema_path() == Path(__file__).parents[2] / "schemas" / "spec.schema.json"


def test_schema_is_found_in_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "runner"
    (package / "schemas").mkdir(parents=True)
    installed = package / "schemas" / "spec.schema.json"
    installed.write_text(json.dumps(spec_schema()), encoding="utf-8")
    monkeypatch.setattr(schema_module, "__file__", str(package / "spec" / "schema.py"))
    assert schema_path() == installed
    installed.unlink()
    with pytest.raises(EnvironmentUnusableError, match="missing"):
        schema_path()
