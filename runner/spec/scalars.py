"""What a single word of YAML means, and the words that mean something else than they seem to.

YAML 1.1, which Python's parser speaks, reads `no` as false, `0777` as 511, `12:30` as 750 and
`1e-3` as text. The first three change a value without a word; here they are found and explained.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from runner.spec.document import Node, shorten

_PREFIX = "tag:yaml.org,2002:"
_SCALAR_TAGS = {"str", "int", "float", "bool", "null"}
_AS_TEXT = {"timestamp", "merge", "value"}
_LONGEST_NUMBER = 64
_RESOLVERS: dict[str, list[tuple[str, re.Pattern[str]]]] = yaml.SafeLoader.yaml_implicit_resolvers
_CONSTRUCTOR = SafeConstructor()
_FLOAT = re.compile(r"(?P<sign>[-+]?)(?P<mantissa>\d+\.?\d*|\.\d+)[eE](?P<exponent>[-+]?\d+)")
_OCTAL = re.compile(r"(?P<sign>[-+]?)0+(?P<digits>[0-7_]+)")


class ScalarError(ValueError):
    """A scalar that has no meaning in a spec.

    Args:
        remedy: what to write instead.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def read_scalar(text: str, *, plain: bool, tag: str | None) -> Any:
    """The value of a scalar: text, number, boolean or None.

    Args:
        text: the scalar without quotes.
        plain: whether it is written without quotes.
        tag: the tag in front of it, if any.

    Raises:
        ScalarError: it has a tag that a spec can't use, or is a number that nothing can hold.
    """
    kind = _kind(text, plain=plain, tag=tag)
    if kind in {"int", "float"}:
        return _number(text, kind)
    if kind == "null":
        return None
    if kind == "bool":
        return _boolean(text)
    return text


def is_merge_key(text: str, *, plain: bool, tag: str | None) -> bool:
    """Whether a key asks to merge another mapping in: a plain `<<`."""
    return plain and text == "<<" and tag is None


def misreading(node: Node) -> str:
    """Says how YAML reads a number that a person would read otherwise; empty where it doesn't."""
    if not node.plain or isinstance(node.value, bool) or not isinstance(node.value, int | float):
        return ""
    text = shorten(node.text)
    if ":" in node.text:
        return f"YAML reads {text} as the number {node.value:g}, in base 60"
    octal = _OCTAL.fullmatch(node.text)
    if octal and isinstance(node.value, int) and node.value > 7:
        return f"YAML reads {text} as {node.value}, in base 8"
    return ""


def without_misreading(node: Node) -> str:
    """How to write a misread number so that everybody reads the same."""
    octal = _OCTAL.fullmatch(node.text)
    if not octal:
        return f"write {node.value:g} if that is meant"
    plain = f"{octal['sign']}{octal['digits'].replace('_', '').lstrip('0') or '0'}"
    return f"write {plain}, or {node.value} if the number in base 8 is meant"


def number_in_text(node: Node) -> str:
    """How to write a text that looks like a number so that YAML reads one; empty if it doesn't."""
    text = node.text.strip()
    if not isinstance(node.value, str) or len(text) > _LONGEST_NUMBER:
        return ""
    match = _FLOAT.fullmatch(text)
    if match:
        return _with_point_and_sign(match)
    try:
        number = float(text.replace("_", ""))
    except ValueError:
        return ""
    if not math.isfinite(number):
        return ""
    return text.lstrip("0") or "0" if text.isdecimal() else text


def _with_point_and_sign(match: re.Match[str]) -> str:
    mantissa, exponent = match["mantissa"], match["exponent"]
    mantissa = f"0{mantissa}" if mantissa.startswith(".") else mantissa
    whole, _, decimals = mantissa.partition(".")
    signed = exponent if exponent[0] in "+-" else f"+{exponent}"
    return f"{match['sign']}{whole}.{decimals or '0'}e{signed}"


def _kind(text: str, *, plain: bool, tag: str | None) -> str:
    if tag in {None, "!"}:
        return _implicit_kind(text) if plain and tag is None else "str"
    short = (tag or "").removeprefix(_PREFIX)
    if short not in _SCALAR_TAGS:
        raise ScalarError(f"the tag {written_tag(tag)} can't be used in a spec", "remove the tag")
    return short


def _implicit_kind(text: str) -> str:
    for tag, pattern in _RESOLVERS.get(text[:1], ()):
        if pattern.match(text):
            kind = tag.removeprefix(_PREFIX)
            return "str" if kind in _AS_TEXT else kind
    return "str"


def written_tag(tag: str | None) -> str:
    """A tag as it stands in a file."""
    tag = tag or ""
    return shorten(f"!!{tag.removeprefix(_PREFIX)}" if tag.startswith(_PREFIX) else tag)


def _boolean(text: str) -> bool:
    values: dict[str, bool] = SafeConstructor.bool_values
    try:
        return values[text.lower()]
    except KeyError:
        message = f"{shorten(text)} is neither true nor false"
        raise ScalarError(message, "write true or false") from None


def _number(text: str, kind: str) -> int | float:
    if len(text) > _LONGEST_NUMBER:
        raise ScalarError(
            f"a number of {len(text)} characters is longer than any that is needed",
            f"write a number of at most {_LONGEST_NUMBER} characters, or quote it if it is text",
        )
    node = yaml.ScalarNode(_PREFIX + kind, text)
    construct = getattr(_CONSTRUCTOR, f"construct_yaml_{kind}")
    try:
        number: int | float = construct(node)
    except (ValueError, IndexError, OverflowError):
        raise ScalarError(f"{shorten(text)} is not a number", "quote it if it is text") from None
    if not math.isfinite(number):
        raise ScalarError(f"{shorten(text)} is not a finite number", "write a finite number")
    return number
