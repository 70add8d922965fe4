"""A JSON Schema in plain words: what a field holds, from which range, and where it is described.

Knows the style of the schemas in `schemas/`: references into `$defs`, alternatives in `anyOf`,
mappings of one key, texts with `patternErrorMessage`. It is given a schema and reads no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runner.spec.guess import listed
from runner.spec.plain import as_yaml, expected

Schema = Mapping[str, Any]

_REF = "#/$defs/"
_ANYTHING = "any value"
_ALTERNATIVES = ("anyOf", "oneOf")
_FORM_KEYS = {"$ref", "type", "enum", "const", *_ALTERNATIVES}


@dataclass(frozen=True)
class Definitions:
    """The schemas that references lead to, by name.

    Attributes:
        entered: those that are being described, lest one that holds itself never ends.
    """

    by_name: Mapping[str, Schema]
    entered: frozenset[str] = frozenset()

    def name(self, schema: Schema) -> str:
        """The definition that a schema refers to in the end; empty for one written in place."""
        name, target = "", schema
        while "$ref" in target:
            name = str(target["$ref"]).removeprefix(_REF)
            target = self.by_name[name]
        return name

    def follow(self, schema: Schema) -> Schema:
        """A schema without reference; what stands beside the reference comes on top."""
        if "$ref" not in schema:
            return schema
        target = self.follow(self.by_name[str(schema["$ref"]).removeprefix(_REF)])
        return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}

    def forms(self, schema: Schema) -> list[Schema]:
        """The forms a value can take, each with its reference followed."""
        own = self.follow(schema)
        listed_forms = [one for key in _ALTERNATIVES for one in own.get(key, ())]
        # What only says which keys are required is no form of its own.
        branches = [one for one in listed_forms if _FORM_KEYS & set(one)]
        if not branches:
            return [own]
        return [form for branch in branches for form in self.forms(branch)]

    def mappings(self, schema: Schema) -> tuple[Schema, ...]:
        """The forms that have known keys."""
        return tuple(form for form in self.forms(schema) if form.get("properties"))

    def free(self, schema: Schema) -> Schema | None:
        """The form whose keys are names of the user's own; None where there is none."""
        forms = self.forms(schema)
        return next((form for form in forms if _is_schema(form.get("additionalProperties"))), None)

    def inner(self, schema: Schema) -> Iterator[tuple[str, Schema]]:
        """What a list or a free mapping holds: `[]` or `.*`, and the schema of each value."""
        for form in self.forms(schema):
            if _is_schema(form.get("items")):
                yield "[]", form["items"]
            if _is_schema(form.get("additionalProperties")):
                yield ".*", form["additionalProperties"]


def kind(schema: Schema, definitions: Definitions, links: Mapping[str, str]) -> str:
    """What a field holds, in plain words and with its range.

    Args:
        links: the address of the section of each definition that has one, by its name.
    """
    name = definitions.name(schema)
    if name in definitions.entered:
        return "the same"
    if name:
        definitions = replace(definitions, entered=definitions.entered | {name})
    link = links.get(name)
    words: list[str] = []
    for form in definitions.forms(schema):
        if link and (form.get("properties") or _is_schema(form.get("additionalProperties"))):
            words.append(f"[a mapping]({link})")
        else:
            words += _words(form, definitions, links)
    return listed(dict.fromkeys(words))


def one_key(mapping: Schema) -> bool:
    """Whether a mapping holds exactly one of its keys."""
    return mapping.get("maxProperties") == 1


def names(free: Schema, definitions: Definitions) -> str:
    """What the names in a free mapping are made of; empty where they can be anything."""
    rule = definitions.follow(free.get("propertyNames", {}))
    return str(rule.get("patternErrorMessage", ""))


def _words(form: Schema, definitions: Definitions, links: Mapping[str, str]) -> list[str]:
    """What a form holds; several words where it is one of several."""
    kinds = form.get("type")
    if isinstance(kinds, list) and "null" in kinds:
        others = [one for one in kinds if one != "null"]
        return [*_words({**form, "type": others}, definitions, links), "`null`"]
    if "enum" in form:
        return [f"`{as_yaml(word)}`" for word in form["enum"]]
    if not _FORM_KEYS & set(form):
        return [_ANYTHING]
    if kinds == "null":
        return ["`null`"]
    return [_collection(form, definitions, links) or _single(form)]


def _collection(form: Schema, definitions: Definitions, links: Mapping[str, str]) -> str:
    """Words for a list or a mapping; empty for anything else."""
    if _is_schema(form.get("items")):
        values = f"a list of {_count(form, 'Items', 'values')}"
        return values + _each("each", form["items"], definitions, links)
    if _is_schema(form.get("additionalProperties")):
        keys = f"a mapping of {_count(form, 'Properties', 'names')}"
        return keys + _each("each to", form["additionalProperties"], definitions, links)
    if form.get("type") == "object":
        return "a mapping" if form.get("properties") else "an empty mapping, `{}`"
    return ""


def _single(form: Schema) -> str:
    if "const" in form:
        return f"always `{as_yaml(form['const'])}`"
    return _text(form) + _range(form)


def _each(word: str, inner: Schema, definitions: Definitions, links: Mapping[str, str]) -> str:
    what = kind(inner, definitions, links)
    return "" if what == _ANYTHING else f", {word} {what}"


def _is_schema(value: object) -> bool:
    return isinstance(value, Mapping)


def _text(form: Schema) -> str:
    words = expected(form)
    message = str(form.get("patternErrorMessage", ""))
    if message and not message.startswith("expected "):
        words = f"{words} ({message})"
    elif "pattern" in form and not message:
        words = f"{words} that matches `{form['pattern']}`"
    if "maxLength" in form and not message.startswith("expected "):
        words += f" of at most {form['maxLength']} characters"
    return words


def _range(form: Schema) -> str:
    least, most = form.get("minimum"), form.get("maximum")
    if least is not None and most is not None:
        comma = "," if "patternErrorMessage" in form else ""
        return f"{comma} from {as_yaml(least)} to {as_yaml(most)}"
    bounds = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    words = [f"{word} {as_yaml(form[key])}" for key, word in bounds.items() if key in form]
    return f", {' and '.join(words)}" if words else ""


def _count(form: Schema, what: str, noun: str) -> str:
    least, most = form.get(f"min{what}", 0), form.get(f"max{what}")
    if most is None:
        return f"at least {least} {noun}" if least > 1 else noun
    if least == most:
        return f"{most} {noun}"
    return f"{least} to {most} {noun}" if least else f"up to {most} {noun}"
