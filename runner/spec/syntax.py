"""The YAML parser's complaints in words that say what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import yaml

from runner.spec.compose import CompositionError
from runner.spec.document import Finding, Place

_LEADING_TAB = re.compile(r" *\t")
_VARIABLE = "${"
_FLOW = ("parsing a flow mapping", "parsing a flow sequence")


class _Complaint(NamedTuple):
    """What the parser says, and what that means.

    Attributes:
        sign: part of the parser's `context: problem`.
        at_start: whether the beginning of the construct tells more than the place of the error.
    """

    sign: str
    message: str
    remedy: str
    at_start: bool = False


_COMPLAINTS = (
    _Complaint(
        "a quoted scalar: found unexpected end",
        "a text with quotes starts here and never ends",
        "close the quotes",
        at_start=True,
    ),
    _Complaint(
        "found unknown escape character",
        "a backslash inside double quotes starts an escape that YAML doesn't know",
        "use single quotes, in which a backslash means itself",
    ),
    _Complaint(
        "parsing a flow sequence: did not find expected ','",
        "this list in brackets is not closed, or lacks a comma",
        "close it with ], and put commas between its items",
        at_start=True,
    ),
    _Complaint(
        "parsing a flow mapping: did not find expected ','",
        "this mapping in braces is not closed, or lacks a comma",
        "close it with }, and put commas between its entries; nested ones need braces of their own",
        at_start=True,
    ),
    _Complaint(
        "parsing a flow node: did not find expected node content",
        "a value is missing here",
        "close every [ and {, and write a value after every comma and colon",
    ),
    _Complaint(
        "a plain scalar: found unexpected ':'",
        "a colon inside braces or brackets needs a value after it",
        "write a space and a value after the colon, or put quotes around a text that contains one",
    ),
    _Complaint(
        "mapping values are not allowed",
        "a colon can't stand here",
        "check the indentation of this line and the end of the one above; "
        "put quotes around a text that contains a colon and a space",
    ),
    _Complaint(
        "could not find expected ':'",
        "this line is neither a key with a value nor an item of a list",
        "write key: value, with a space after the colon",
        at_start=True,
    ),
    _Complaint(
        "did not find expected key",
        "this doesn't fit the mapping around it",
        "indent the line like the keys above it; look for a bracket or a quote too many",
    ),
    _Complaint(
        "did not find expected '-' indicator",
        "this doesn't fit the list around it",
        "start each item with a hyphen, in the same column as the others",
    ),
    _Complaint(
        "block sequence entries are not allowed",
        "a list item can't start here",
        "put the hyphen on a line of its own, below the key",
    ),
    _Complaint(
        "cannot start any token",
        "a text can't start with this character",
        "put quotes around the text",
    ),
    _Complaint(
        "scanning an alias",
        "an alias, which starts with *, needs a name of letters and digits",
        "put quotes around a text that starts with *",
    ),
    _Complaint(
        "scanning an anchor",
        "an anchor, which starts with &, needs a name of letters and digits",
        "put quotes around a text that starts with &",
    ),
    _Complaint(
        "found undefined tag handle",
        "a tag, which starts with !, can't be used in a spec",
        "remove the tag, or put quotes around a text that starts with !",
    ),
    _Complaint(
        "incompatible YAML document",
        "the file asks for a version of YAML that is not 1.1",
        "remove the %YAML line",
    ),
)


def explain(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> CompositionError:
    """The parser's error with a place inside the file, in plain words."""
    place = _place(error.problem_mark or error.context_mark, lines)
    if _LEADING_TAB.match(lines[place.line - 1]) or "tab character" in str(error.problem):
        tab = lines[place.line - 1].find("\t") + 1
        finding = Finding((), "a tab can't indent YAML", "indent with spaces")
        return CompositionError(Place(place.line, tab or place.column), finding)
    says = ": ".join(part for part in (error.context, error.problem) if part)
    bare = _bare_variable(lines[place.line - 1])
    if bare and any(sign in says for sign in _FLOW):
        message = "inside braces or brackets, ${NAME} needs quotes"
        remedy = 'put quotes around the whole text, for example "${NAME}/x"'
        return CompositionError(Place(place.line, bare), Finding((), message, remedy))
    for complaint in _COMPLAINTS:
        if complaint.sign in says:
            if complaint.at_start and error.context_mark:
                place = _place(error.context_mark, lines)
            return CompositionError(place, Finding((), complaint.message, complaint.remedy))
    return CompositionError(
        place, Finding((), f"not YAML: {says}", "see https://yaml.org/spec/1.1")
    )


def _bare_variable(line: str) -> int:
    """The column of a `${` outside quotes; 0 where there is none."""
    before, sign, _ = line.partition(_VARIABLE)
    is_quoted = any(before.count(quote) % 2 for quote in "'\"")
    return len(before) + 1 if sign and not is_quoted else 0


def _place(mark: yaml.Mark | None, lines: Sequence[str]) -> Place:
    if mark is None:
        return Place(1, 1)
    if mark.line < len(lines):
        return Place(mark.line + 1, min(mark.column, len(lines[mark.line])) + 1)
    return Place(len(lines), len(lines[-1]) + 1)
