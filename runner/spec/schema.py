"""The spec's JSON Schema as the program reads it: the one definition of every field."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from runner.errors import EnvironmentUnusableError
from runner.spec.document import Key

Schema = Mapping[str, Any]

FILE_NAME = "spec.schema.json"
REFERENCE = "#/$defs/"


class Part(NamedTuple):
    """A sub-schema with its reference followed.

    Attributes:
        definition: the name in `$defs`; empty for one that is written in place.
    """

    definition: str
    schema: Schema


def schema_path() -> Path:
    """The schema's file: inside the installed package, or at the top of the repository.

    Raises:
        EnvironmentUnusableError: it is in neither place.
    """
    package = Path(__file__).parents[1]
    places = [package / "schemas" / FILE_NAME, package.parent / "schemas" / FILE_NAME]
    for place in places:
        if place.is_file():
            return place
    raise EnvironmentUnusableError(
        f"{FILE_NAME} is missing",
        why=f"looked for {' and '.join(map(str, places))}",
        remedy="install Retime again",
    )


@functools.cache
def spec_schema() -> Schema:
    """The whole schema."""
    schema: Schema = json.loads(schema_path().read_text(encoding="utf-8"))
    return schema


def follow(schema: Schema) -> Part:
    """The schema that a reference leads to; what stands beside the reference comes on top."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return Part("", schema)
    name = reference.removeprefix(REFERENCE)
    inner = follow(spec_schema()["$defs"][name])
    return Part(inner.definition or name, {**inner.schema, **schema, "$ref": None})


def branches(schema: Schema) -> list[Schema]:
    """The forms that a value can take: the branches of `anyOf`, or the schema itself."""
    own = follow(schema).schema
    return [follow(one).schema for one in own.get("anyOf", ()) if _is_form(one)] or [own]


def fields(schema: Schema) -> dict[str, Schema]:
    """The fields of a mapping, whichever form has them."""
    found: dict[str, Schema] = {}
    for branch in branches(schema):
        found.update(branch.get("properties", {}))
    return found


def sub_schema(path: tuple[str, ...]) -> Schema | None:
    """The schema of a field, by the names that lead to it; None where there is no such field."""
    schema = spec_schema()
    for name in path:
        inner = fields(schema).get(name)
        if inner is None:
            return None
        schema = inner
    return schema


def default_of(path: tuple[str, ...]) -> Any:
    """The default of a field; None where it has none."""
    schema = sub_schema(path)
    return None if schema is None else schema.get("default")


@functools.cache
def field_paths() -> tuple[tuple[Key, ...], ...]:
    """The path of every field; `...` stands for the place of an item in a list."""
    return tuple(_walk(spec_schema(), ()))


def homes_of(name: str) -> list[tuple[Key, ...]]:
    """The mappings that have a field of this name."""
    return [path[:-1] for path in field_paths() if path[-1] == name and len(path) > 1]


def _walk(schema: Schema, path: tuple[Key, ...]) -> Iterator[tuple[Key, ...]]:
    for name, inner in fields(schema).items():
        yield (*path, name)
        yield from _walk(inner, (*path, name))
    for branch in branches(schema):
        if "items" in branch:
            yield from _walk(branch["items"], (*path, "..."))


def _is_form(branch: Schema) -> bool:
    return "$ref" in branch or "type" in branch
