"""Values and shapes of values in plain words, for messages that nobody has to decode."""

from __future__ import annotations

import json
from typing import Any

from runner.spec.document import Node, shorten
from runner.spec.guess import listed
from runner.spec.matrix import value_as_name
from runner.spec.scalars import read_scalar
from runner.spec.schema import Schema, branches

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
_MOST_WORDS = 6
_SPECIAL = frozenset(":#{}[],&*!|>'\"@`")


def found(value: Any, node: Node | None) -> str:
    """What stands in the file: `the number 3`, `the text abc`, `a list`."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    text = shorten(node.text if node and node.text else str(value))
    if isinstance(value, bool):
        return text.lower()
    if isinstance(value, str):
        return f"the text {text}" if text else "an empty text"
    return f"the number {text}"


def expected(schema: Schema) -> str:
    """What a schema accepts: `a whole number`, `none, all or a mapping`."""
    forms = branches(schema)
    if len(forms) == 1:
        return _form(forms[0])
    words: list[str] = []
    for form in forms:
        words += map(as_yaml, form["enum"]) if _few_words(form) else [_form(form)]
    return listed(dict.fromkeys(words))


def example(schema: Schema, key: str | int | None = None) -> str:
    """An example in the way of a spec: `alpha: 0.35`; empty where the schema has none."""
    examples = schema.get("examples")
    if not examples:
        return ""
    text = as_yaml(examples[0])
    return f"{key}: {text}" if isinstance(key, str) else text


def as_yaml(value: Any) -> str:
    """A value on one line, as a spec has it."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {as_yaml(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_yaml, value))}]"
    if isinstance(value, str):
        return _text_as_yaml(value)
    if isinstance(value, float) and "e" in repr(value):
        mantissa, _, exponent = repr(value).partition("e")
        return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}e{exponent}"
    return json.dumps(value)


def name_as_yaml(name: str) -> str:
    """The name of an alternative as a choice has it: `0.35` needs no quotes there, `off` does."""
    is_plain = bool(name) and not _SPECIAL & set(name)
    value = read_scalar(name, plain=True, tag=None) if is_plain else None
    return name if value is not None and value_as_name(value) == name else json.dumps(name)


def _text_as_yaml(text: str) -> str:
    is_plain = bool(text) and text == text.strip() and not _SPECIAL & set(text)
    is_text = is_plain and read_scalar(text, plain=True, tag=None) == text
    return text if is_text else json.dumps(text)


def _form(schema: Schema) -> str:
    if "const" in schema:
        return as_yaml(schema["const"])
    if _few_words(schema):
        return listed(map(as_yaml, schema["enum"]))
    message = str(schema.get("patternErrorMessage", ""))
    if message.startswith("expected "):
        return message.removeprefix("expected ")
    kinds = schema.get("type", [])
    names = [_KINDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    if names == ["a list"] and schema.get("minItems", 0) == schema.get("maxItems"):
        return f"a list of {schema['minItems']} values"
    return listed(names) if names else "something else"


def _few_words(schema: Schema) -> bool:
    return 0 < len(schema.get("enum", ())) <= _MOST_WORDS
