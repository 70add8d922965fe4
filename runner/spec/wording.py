"""What a schema error means for the person who wrote the spec."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from runner.spec.architectures import REFUSED
from runner.spec.document import Finding, Keys, Node, shorten, written_path
from runner.spec.guess import did_you_mean, listed, nearest
from runner.spec.plain import as_yaml, example, expected, found
from runner.spec.scalars import misreading, number_in_text, without_misreading
from runner.spec.schema import Schema, branches, fields, follow, homes_of
from runner.spec.variables import has_variable, unset

_MOST_KEYS_LISTED = 16
_FEW = 3


@dataclass(frozen=True)
class Case:
    """One broken rule of the schema.

    Attributes:
        keyword: the rule, by its name in JSON Schema.
        rule: what the rule demands.
        value: the value that breaks it.
        schema: the schema that the rule stands in.
        choice: the schema of the whole field, where it offers several forms.
        path: of the value, from what was looked at.
        node: the value as it is written; None for one that a matrix puts together.
        is_name: whether it is the key that breaks the rule, and `value` is that key.
    """

    keyword: str
    rule: Any
    value: Any
    schema: Schema
    choice: Schema
    path: Keys
    node: Node | None
    is_name: bool = False

    @property
    def text(self) -> str:
        """The value as it is written."""
        return shorten(self.node.text if self.node and self.node.text else str(self.value))

    def finding(self, message: str, remedy: str = "", *, at_key: bool = False) -> Finding:
        """This case in words; without a remedy, an example of what is right."""
        return Finding(self.path, message, remedy or self.example(), at_key or self.is_name)

    def example(self) -> str:
        """`for example alpha: 0.35`, from the schema's own examples."""
        last = self.path[-1] if self.path else None
        key = last if isinstance(last, str) and last.isidentifier() and not self.is_name else None
        shown = example(self.choice, key) or example(self.schema, key)
        if not shown and (whole := _smallest(self.schema)):
            shown = f"{key}: {as_yaml(whole)}" if key else as_yaml(whole)
        return f"for example {shown}" if shown else "see the reference of specs for what it takes"

    def quoted(self) -> str:
        """`quote it: "on"`, where the same word as text is what the schema asks for."""
        takes_text = "string" in _kinds(self.schema) and not _words(self)
        is_word = takes_text and not isinstance(self.value, dict | list)
        fits = is_word and re.search(self.schema.get("pattern", ""), self.text)
        return f'quote it: "{self.text}"' if fits else ""


def _smallest(schema: Schema) -> dict[str, Any]:
    """A mapping with what it needs, from the examples of its fields; empty where it needs none."""
    needed = list(schema.get("required", ()))
    needed += [form["required"][0] for form in schema.get("anyOf", ()) if "required" in form][:1]
    known = {name: follow(inner).schema for name, inner in fields(schema).items()}
    return {name: known[name]["examples"][0] for name in needed if name in known}


def explain(case: Case) -> Iterator[Finding]:
    """The case in plain words."""
    yield from _WRITERS.get(case.keyword, _other)(case)


def _type(case: Case) -> Iterator[Finding]:
    node, wanted = case.node, expected(case.choice)
    kinds = {kind for form in (*branches(case.choice), case.schema) for kind in _kinds(form)}
    if case.value is None:
        remedy = f"indent the lines that belong to it; {case.example()}".removesuffix("; ")
        nested = "object" in kinds
        yield case.finding(f"has no value; expected {wanted}", remedy if nested else "")
    elif node and isinstance(case.value, bool) and case.text.lower() not in {"true", "false"}:
        yield _boolean(case, wanted)
    elif node and misreading(node):
        remedy = case.quoted() if "string" in kinds else without_misreading(node)
        yield case.finding(f"{misreading(node)}; expected {wanted}", remedy)
    elif node and has_variable(node.text):
        yield _variable(case, wanted)
    elif node and {"number", "integer"} & kinds and number_in_text(node):
        remedy = "remove the quotes" if not node.plain else f"write {number_in_text(node)}"
        yield case.finding(f"YAML reads {case.text} as text, not as a number", remedy)
    elif isinstance(case.value, str) and case.value in _keys(case):
        yield case.finding(f"{case.value} needs options", _with_options(case, case.value))
    else:
        message = f"expected {wanted}, found {found(case.value, node)}"
        yield case.finding(message, _alternative(case) or case.quoted())


def _variable(case: Case, wanted: str) -> Finding:
    message = f"values of the environment stand in paths and devices only; expected {wanted}"
    field = written_path(case.path)
    return case.finding(message, f'write it out, or give --set "{field}=..." with the command')


def _alternative(case: Case) -> str:
    """What to write where a variant is named by its alternatives."""
    names_a_variant = case.path[:1] in {("baseline",), ("expect",), ("matrix",)}
    is_choice = names_a_variant and _kinds(case.schema) == ["string", "number", "boolean"]
    return "write the name of one of its alternatives" if is_choice else ""


def _kinds(schema: Schema) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _boolean(case: Case, wanted: str) -> Finding:
    guess = nearest(case.text, _words(case))
    written = as_yaml(guess)
    remedy = f"write {guess}" if written == guess else f"quote it: {written}"
    remedy = remedy if guess else case.quoted()
    value = "true" if case.value else "false"
    return case.finding(f"YAML reads {case.text} as {value}; expected {wanted}", remedy)


def _words(case: Case) -> list[str]:
    """The words that a field takes."""
    return [word for form in branches(case.choice) for word in form.get("enum", ())]


def _keys(case: Case) -> list[str]:
    """The names that a field takes as the one key of a mapping, but not as a word."""
    forms = [form for form in branches(case.choice) if form.get("maxProperties") == 1]
    words = _words(case)
    return [key for form in forms for key in form.get("properties", ()) if key not in words]


def _enum(case: Case) -> Iterator[Finding]:
    name, words, keys = str(case.value), _words(case), _keys(case)
    if name in keys:
        yield case.finding(f"{name} needs options", _with_options(case, name))
        return
    if has_variable(name):
        yield _variable(case, expected(case.choice))
        return
    guess = did_you_mean(name, [*words, *keys])
    written = [as_yaml(word) for word in words]
    remedy = f"use {listed(written)}"
    if len(words) > _MOST_KEYS_LISTED:
        few = ", ".join(written[:_FEW])
        remedy = f"use one of {len(words)} names, such as {few}: retime schema --format markdown"
    if name in REFUSED:
        yield case.finding(f"{name} can't be used: {REFUSED[name]}", remedy)
        return
    if keys:
        remedy = f"use {', '.join(written)}, or a mapping with {listed(keys)}"
    yield case.finding(f"{shorten(name) or 'an empty text'} is not known here{guess}", remedy)


def _with_options(case: Case, name: str) -> str:
    """A word as the mapping that it has to be."""
    options = as_yaml(follow(fields(case.choice)[name]).schema["examples"][0])
    return f"write {{{name}: {options}}}"


def _required(case: Case) -> Iterator[Finding]:
    known = case.schema.get("properties", {})
    misspelt = {nearest(name, known) for name in case.value if name not in known}
    for name in case.rule:
        if name not in case.value and name not in misspelt:
            shown = example(follow(fields(case.schema)[name]).schema, name)
            remedy = f"add it, for example {shown}"
            yield Finding((*case.path, name), "missing", remedy, at_key=True)


def _unknown(case: Case) -> Iterator[Finding]:
    known = case.schema.get("properties", {})
    here = written_path(tuple(key for key in case.path if key != "..."))
    words = _words(case)
    if not known:
        remedy = "it takes no options"
    elif len(known) <= _MOST_KEYS_LISTED:
        remedy = f"known here: {', '.join(known)}"
    else:
        remedy = f"see the reference of {here or 'the spec'} for its keys"
    for name in case.value:
        if name not in known:
            message, write = f"{name} takes no options", f"write the word alone: {name}"
            if name not in words:
                guess = did_you_mean(name, known) or _home(name, case.path)
                message, write = f"unknown key{guess}", remedy
            yield Finding((*case.path, name), message, write, at_key=True)


def _home(name: str, path: Keys) -> str:
    """Where a key belongs: in the section that it stands in, or in the only place there is."""
    homes = homes_of(name)
    near = [home for home in homes if home[:1] == path[:1]] if path else homes
    if not path:
        near.sort(key=lambda home: len(home) > 1)
    meant = near or (homes if len(homes) == 1 else [])
    return f"; it belongs in {written_path(meant[0])}" if meant else ""


def _pattern(case: Case) -> Iterator[Finding]:
    says = str(case.schema.get("patternErrorMessage", "this text has the wrong form"))
    if has_variable(str(case.value)):
        yield _variable(case, expected(case.choice))
        return
    yield case.finding(f"{says}; found {found(case.value, case.node)}")


def _range(case: Case) -> Iterator[Finding]:
    schema, is_share = case.schema, "string" in _kinds(case.schema)
    words = [
        f"{phrase} {schema[key] * 100:g}%" if is_share else f"{phrase} {_plain(schema[key])}"
        for key, phrase in (
            ("minimum", "at least"),
            ("exclusiveMinimum", "more than"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "less than"),
        )
        if key in schema
    ]
    remedy = ""
    if is_share and isinstance(case.value, int | float) and 1 <= case.value <= 100:
        remedy = f"write {case.value:g}% if that is meant"
    reading = misreading(case.node) if case.node else ""
    message = reading or f"{case.text} is out of range"
    yield case.finding(f"{message}; expected {listed(words, 'and')}", remedy)


def _plain(number: float) -> str:
    """A bound without an exponent, which would round it."""
    return str(int(number)) if number == int(number) else f"{number:g}"


def _length(case: Case) -> Iterator[Finding]:
    if case.keyword == "minLength":
        yield case.finding("is empty")
    else:
        yield case.finding(
            f"has {len(case.value)} characters; at most {case.rule}", "write a shorter text"
        )


def _items(case: Case) -> Iterator[Finding]:
    count = len(case.value)
    if case.schema.get("minItems") == case.schema.get("maxItems"):
        yield case.finding(f"expected {expected(case.schema)}, not {count}")
    elif case.keyword == "minItems":
        yield case.finding("is empty")
    else:
        yield case.finding(f"has {count} items; at most {case.rule}", "leave some out")


def _properties(case: Case) -> Iterator[Finding]:
    known, here = case.schema.get("properties", {}), list(case.value)
    if case.keyword == "minProperties":
        is_closed = case.schema.get("additionalProperties") is False
        remedy = f"give it {listed(known)}" if known and is_closed else ""
        yield case.finding("is empty", remedy)
    elif all(name in known for name in here) and case.rule == 1:
        message = f"takes one key only, found {listed(here, 'and')}"
        in_list = bool(case.path) and isinstance(case.path[-1], int)
        hyphens = "; in a list, start each with a hyphen of its own" if in_list else ""
        yield case.finding(message, f"keep one{hyphens}")
    elif case.rule != 1:
        yield case.finding(f"has {len(here)} entries; at most {case.rule}", "leave some out")


def _const(case: Case) -> Iterator[Finding]:
    key = f"{case.path[-1]}: " if case.path else ""
    wanted = as_yaml(case.rule)
    message = f"expected {wanted}, found {found(case.value, case.node)}"
    yield case.finding(message, f"write {key}{wanted}")


def _any_of(case: Case) -> Iterator[Finding]:
    needed = [name for branch in case.rule for name in branch.get("required", ())]
    if needed and isinstance(case.value, dict):
        shown = example(follow(fields(case.schema)[needed[0]]).schema, needed[0])
        yield case.finding(f"needs {listed(needed)}", f"add one, for example {shown}")
    else:
        yield from _type(case)


def _exclusive(case: Case) -> Iterator[Finding]:
    """Two fields of which only one can be said."""
    first, second = case.rule["required"]
    message = str(case.schema.get("notErrorMessage", f"can't stand beside {second}"))
    yield Finding((*case.path, first), message, "remove one of the two", at_key=True)


def _environment(case: Case) -> Iterator[Finding]:
    names = unset(str(case.value))
    message = f"the environment variable {names[0]} is not set"
    yield case.finding(message, f"set it: export {names[0]}=..., or write the value out")


def _other(case: Case) -> Iterator[Finding]:
    yield case.finding(f"breaks the rule {case.keyword} of the schema")


_WRITERS: dict[str, Callable[[Case], Iterator[Finding]]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "required": _required,
    "additionalProperties": _unknown,
    "pattern": _pattern,
    "minimum": _range,
    "maximum": _range,
    "exclusiveMinimum": _range,
    "exclusiveMaximum": _range,
    "minLength": _length,
    "maxLength": _length,
    "minItems": _items,
    "maxItems": _items,
    "minProperties": _properties,
    "maxProperties": _properties,
    "anyOf": _any_of,
    "environment": _environment,
    "not": _exclusive,
}
