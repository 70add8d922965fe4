"""The reference of a schema: every field once, in plain words, with examples that are YAML."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from runner.report.fields import Definitions, kind
from runner.report.reference import find_sections, reference_page
from runner.spec.plain import as_yaml
from runner.spec.schema import schema_path

pytestmark = pytest.mark.fast

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "spec-reference.md"
SPEC: dict[str, Any] = json.loads(schema_path().read_text())

MADE: dict[str, Any] = {
    "title": "Meal",
    "description": "What is eaten.",
    "type": "object",
    "required": ["course"],
    "properties": {
        "course": {"$ref": "#/$defs/course", "description": "The main course.", "default": "soup"},
        "guests": {"type": ["integer", "null"], "minimum": 1, "maximum": 12, "examples": [4]},
        "spice": {"$ref": "#/$defs/share", "exclusiveMinimum": 0, "examples": ["2%", 0.5]},
        "wine": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 9, "examples": ["off"]},
        "drinks": {
            "type": "array",
            "minItems": 1,
            "items": {"$ref": "#/$defs/drink"},
            "examples": [["water"]],
        },
        "seats": {
            "title": "Seats",
            "description": "Who sits where.",
            "type": "object",
            "propertyNames": {"patternErrorMessage": "a seat is a letter"},
            "additionalProperties": {"type": "boolean"},
            "examples": [{"a": True}],
        },
        "again": {"$ref": "#/$defs/course", "description": "Second helping."},
        "version": {"const": 1, "examples": [1]},
    },
    "$defs": {
        "share": {"type": ["number", "string"], "patternErrorMessage": "expected a percentage"},
        "course": {
            "title": "Course",
            "anyOf": [
                {"enum": ["soup", "salad"]},
                {
                    "type": "object",
                    "maxProperties": 1,
                    "properties": {
                        "pasta": {
                            "description": "Noodles.",
                            "type": "string",
                            "examples": ["penne"],
                        },
                        "rice": {"description": "Grains.", "type": "integer", "examples": [200]},
                    },
                },
            ],
        },
        "drink": {
            "oneOf": [
                {"enum": ["water"]},
                {"$ref": "#/$defs/hot"},
                {
                    "title": "Mixed",
                    "type": "object",
                    "properties": {
                        "of": {
                            "description": "What is mixed.",
                            "type": "array",
                            "items": {"$ref": "#/$defs/drink"},
                            "examples": [["water", {"cup": "tea"}]],
                        }
                    },
                },
            ]
        },
        "hot": {
            "title": "Hot",
            "type": "object",
            "required": ["cup"],
            "properties": {
                "cup": {"type": "string", "examples": ["tea"]},
                "sugar": {"type": "number", "maximum": 3, "default": 1e-3},
            },
        },
    },
}


def blocks(page: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def line(page: str, key: str) -> str:
    (found,) = [text for text in page.splitlines() if text.startswith(f"- **`{key}`**")]
    return found


def test_the_page_in_docs_is_the_one_that_the_schema_makes() -> None:
    assert PAGE.read_text() == reference_page(SPEC), (
        "docs/spec-reference.md is stale: run `make docs` and commit what it changed"
    )


@pytest.mark.parametrize("schema", [SPEC, MADE], ids=["spec", "made"])
def test_every_example_is_yaml_and_none_is_lost(schema: dict[str, Any]) -> None:
    examples = blocks(reference_page(schema))
    definitions = Definitions(schema["$defs"])
    assert len(examples) >= len(find_sections(schema, definitions))
    for example in examples:
        assert yaml.safe_load(example)


def test_every_field_and_its_description_are_on_the_page() -> None:
    page = reference_page(SPEC)

    def look(schema: Any) -> None:
        if isinstance(schema, dict):
            for name, field in schema.get("properties", {}).items():
                assert f"- **`{name}`** (" in page, name
                own = Definitions(SPEC["$defs"]).follow(field)
                assert own["description"] in page, name
            for inner in schema.values():
                look(inner)
        elif isinstance(schema, list):
            for inner in schema:
                look(inner)

    look({key: value for key, value in SPEC.items() if key != "examples"})


def test_every_value_in_an_example_of_the_spec_is_one_that_its_field_takes() -> None:
    definitions = Definitions(SPEC["$defs"])
    for section in find_sections(SPEC, definitions):
        for mapping in section.mappings:
            for name, field in mapping["properties"].items():
                validator = jsonschema.Draft202012Validator({**field, "$defs": SPEC["$defs"]})
                for value in definitions.follow(field).get("examples", ()):
                    assert not list(validator.iter_errors(value)), (section.name, name, value)
                    assert yaml.safe_load(as_yaml(value)) == value


@pytest.mark.parametrize("schema", [SPEC, MADE], ids=["spec", "made"])
def test_links_lead_to_headings_of_the_page(schema: dict[str, Any]) -> None:
    page = reference_page(schema)
    made: dict[str, int] = {}
    anchors = set()
    for heading in re.findall(r"^#+ (.*)$", page, re.MULTILINE):
        base = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        made[base] = made.get(base, -1) + 1
        anchors.add(f"{base}-{made[base]}" if made[base] else base)
    links = re.findall(r"\]\(#([^)]*)\)", page)
    assert links
    assert set(links) <= anchors


def test_sections_have_the_paths_that_a_spec_has() -> None:
    names = [section.name for section in find_sections(SPEC, Definitions(SPEC["$defs"]))]
    assert names[0] == ""
    for name in ("model.base", "model.head[]", "model.head[].dense", "matrix.*", "expect[]"):
        assert name in names
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("course", "required; `soup`, `salad` or [a mapping](#course); default `soup`"),
        ("guests", "a whole number from 1 to 12 or `null`"),
        ("spice", "a percentage, above 0"),
        ("wine", "text that matches `^[a-z]+$` of at most 9 characters"),
        ("drinks", "a list of values, each `water` or [a mapping](#drinks)"),
        ("seats", "a mapping of names, each to true or false"),
        ("version", "always `1`"),
        ("sugar", "a number, at most 3; default `0.001`"),
        ("cup", "required; text"),
        ("pasta", "text). Noodles."),
    ],
)
def test_a_field_is_described_in_plain_words(key: str, words: str) -> None:
    assert words in line(reference_page(MADE), key)


def test_a_mapping_of_one_key_says_so_and_shows_its_other_keys_as_comments() -> None:
    page = reference_page(MADE)
    section = page.partition("## `course`")[2].partition("## ")[0]
    assert "A mapping with the keys below, or `soup` or `salad`." in section
    assert "Exactly one of these keys:" in section
    (example,) = blocks(section)
    assert yaml.safe_load(example) == {"course": {"pasta": "penne"}}
    assert "# or rice: 200" in example


def test_forms_with_different_keys_are_shown_one_by_one() -> None:
    section = reference_page(MADE).partition("## `drinks[]`")[2].partition("## ")[0]
    assert section.index("**Hot.**") < section.index("**Mixed.**")
    first, second = blocks(section)
    assert yaml.safe_load(first) == {"drinks": [{"cup": "tea", "sugar": 0.001}]}
    assert yaml.safe_load(second) == {"drinks": [{"of": ["water", {"cup": "tea"}]}]}


def test_names_of_ones_own_are_explained_and_shown() -> None:
    section = reference_page(MADE).partition("## `seats`")[2]
    assert "A mapping of names, each to true or false; a seat is a letter." in section
    assert yaml.safe_load(blocks(section)[0]) == {"seats": {"a": True}}


def test_a_definition_is_described_once_and_linked_from_elsewhere() -> None:
    page = reference_page(MADE)
    assert page.count("## `course`") == 1
    assert "## `again`" not in page
    assert "[a mapping](#course)" in line(page, "again")


def test_a_word_that_yaml_would_misread_is_quoted() -> None:
    assert yaml.safe_load(blocks(reference_page(MADE))[0])["wine"] == "off"


def test_what_takes_anything_says_so() -> None:
    assert kind({"title": "Anything"}, Definitions({}), {}) == "any value"
    values = {"type": "array", "items": {}, "maxItems": 3}
    assert kind(values, Definitions({}), {}) == "a list of up to 3 values"


def test_a_list_that_holds_its_own_kind_ends() -> None:
    tree = {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#/$defs/tree"}}]}
    schema = {"properties": {"tree": {"$ref": "#/$defs/tree"}}, "$defs": {"tree": tree}}
    assert "a whole number or a list of values, each the same" in reference_page(schema)


def test_the_results_schema_makes_a_page_too() -> None:
    schema = json.loads(schema_path().with_name("result.schema.json").read_text())
    page = reference_page(schema)
    assert "## `variants[]`" in page
    assert "`null`" in line(page, "peak_memory_bytes")
