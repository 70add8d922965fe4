"""Holds values against the schema and reports every difference in plain words."""

from __future__ import annotations

import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from runner.spec.document import Finding, Keys, Node
from runner.spec.guess import nearest
from runner.spec.schema import REFERENCE, Schema, fields, follow, spec_schema
from runner.spec.variables import unset
from runner.spec.wording import Case, explain
from runner.units import parse_share

_BOUNDS = {
    "minimum": operator.lt,
    "maximum": operator.gt,
    "exclusiveMinimum": operator.le,
    "exclusiveMaximum": operator.ge,
}


def structural_findings(value: Any, schema: Schema, node: Node | None) -> Iterator[Finding]:
    """Everything about a value that the schema doesn't allow.

    Args:
        value: the plain data.
        schema: the schema of that value.
        node: the value as it is written, where it is.
    """
    validator = _validator(schema)
    for error in validator.iter_errors(value):
        yield from _findings(error, (), schema, node)


def fits(value: Any, schema: Schema) -> bool:
    """Whether a value is what the schema asks for."""
    return _validator(schema).is_valid(value)


def sound(value: Any, schema: Schema) -> Any:
    """What of a value fits its schema: a mapping without the fields that don't; None for nothing.

    With what is left, checks find what else is wrong. A misspelt field is taken for what it means.
    """
    if fits(value, schema):
        return value
    known = fields(schema)
    if not isinstance(value, Mapping) or not known:
        return None
    meant = {name if name in known else nearest(name, known): name for name in reversed(value)}
    meant |= {name: name for name in value if name in known}
    inner = {name: sound(value[written], known[name]) for name, written in meant.items() if name}
    kept = {name: one for name, one in inner.items() if one is not None}
    return kept if fits(kept, schema) else None


def _validator(schema: Schema) -> Validator:
    validator: Validator = _SpecValidator(schema)
    return validator


def _findings(
    error: ValidationError, path: Keys, top: Schema, node: Node | None
) -> Iterator[Finding]:
    """The error in words; of a field with several forms, the errors of the form that was meant.

    Args:
        path: of the value that `top` is the schema of.
        top: the schema that the error's own schema path starts from.
    """
    here = (*path, *error.relative_path)
    meant = _form_meant(error)
    if meant is None:
        yield from explain(_case(error, here, top, node))
        return
    choice = _schema_of(error, top)
    for inner in meant:
        yield from _findings(inner, here, choice, node)


def _schema_of(error: ValidationError, top: Schema) -> Schema:
    """The schema of the field, with what stands beside its reference: its own examples."""
    schema: Any = follow(top).schema
    steps = list(error.relative_schema_path)[:-1]
    if error.parent is not None:
        schema = schema["anyOf"]
    for step in steps:
        schema = schema[step]
        schema = follow(schema).schema if isinstance(schema, Mapping) else schema
    return dict(schema)


def _form_meant(error: ValidationError) -> list[ValidationError] | None:
    """The errors of the one branch whose type is the value's; None where no branch stands out."""
    if error.validator != "anyOf":
        return None
    by_branch: dict[Any, list[ValidationError]] = defaultdict(list)
    for inner in error.context or ():
        by_branch[inner.relative_schema_path[0]].append(inner)
    fitting = [errors for errors in by_branch.values() if not any(map(_is_wrong_kind, errors))]
    return fitting[0] if len(fitting) == 1 else None


def _is_wrong_kind(error: ValidationError) -> bool:
    return error.validator == "type" and not error.relative_path


def _case(error: ValidationError, path: Keys, top: Schema, node: Node | None) -> Case:
    schema = _schema_of(error, top)
    is_name = "propertyNames" in error.relative_schema_path
    is_form = error.parent is not None and not error.relative_path and not is_name
    return Case(
        keyword=str(error.validator),
        rule=error.validator_value,
        value=error.instance,
        schema=schema,
        choice=follow(top).schema if is_form else schema,
        path=(*path, str(error.instance)) if is_name else path,
        node=None if is_name else _descend(node, path),
        is_name=is_name,
    )


def _descend(node: Node | None, path: Keys) -> Node | None:
    for key in path:
        entry = node.entries.get(key) if node else None
        if entry is None:
            return None
        node = entry.node
    return node


def _number(value: Any) -> float | None:
    """A number, or what a percentage means; None for anything else, which has no bounds."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and value.rstrip().endswith("%"):
        try:
            return parse_share(value)
        except ValueError:
            return None
    return None


def _bound(keyword: str, breaks: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    """The rule as JSON Schema has it, which percentages obey as well."""

    def check(
        validator: Validator, limit: float, value: Any, schema: Schema
    ) -> Iterator[ValidationError]:
        del validator, schema
        number = _number(value)
        if number is not None and breaks(number, limit):
            yield ValidationError(keyword)

    return check


def _pattern(validator: Validator, pattern: str, value: Any, schema: Schema) -> Iterator[Any]:
    """The rule as JSON Schema has it, where $ is the very end, also behind a last newline."""
    del validator, schema
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError("pattern")


def _environment(
    validator: Validator, rule: Any, value: Any, schema: Schema
) -> Iterator[ValidationError]:
    """Every value of the environment that a text asks for has to be there."""
    del validator, schema
    if rule and isinstance(value, str) and unset(value):
        yield ValidationError("environment")


def _ref(
    validator: Validator, reference: str, value: Any, schema: Schema
) -> Iterator[ValidationError]:
    """A reference into the schema's own definitions, which needs no search."""
    del schema
    if reference is not None:
        definition = spec_schema()["$defs"][reference.removeprefix(REFERENCE)]
        yield from validator.evolve(schema=definition).iter_errors(value)


_SpecValidator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {name: _bound(name, breaks) for name, breaks in _BOUNDS.items()}
    | {"environment": _environment, "pattern": _pattern, "$ref": _ref},
)
