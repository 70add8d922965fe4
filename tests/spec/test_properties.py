"""Whatever is done to a spec, it is either read or explained; nothing else ever comes out."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.errors import Problem, SpecError
from runner.spec.expand import expand
from runner.spec.load import parse
from runner.spec.model import Spec
from runner.spec.problems import format_problem

pytestmark = pytest.mark.fast

HERE = Path(__file__).parent
FOLDER = HERE / "valid"
TEXTS = [
    path.read_bytes().decode("utf-8-sig")
    for path in [*sorted(FOLDER.glob("*.yaml")), HERE.parents[1] / "specs" / "quickstart.yaml"]
]
DATA = [yaml.safe_load(text) for text in TEXTS]
JARGON = ("additionalProperties", "is not of type", "anyOf", "$ref", "Traceback", "NoneType")
FRAGMENTS = (
    *("\t", "\n", ":", ": ", "- ", "[", "]", "{", "}", "&a ", "*a", "<<: *a", "!", "!!str ", "'"),
    *('"', "#", "|\n", ">\n", "%", "@", "\0", "\u0085", "\ufeff", "é", "---\n", "...\n", "~", "? "),
    *("1e-3", "0777", "12:30", ".nan", ".inf", "no", "on", "-1", "99999999999999999999"),
)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["none", "all", "int8", "2%", "90s", "1e-3", "digits", "", "local", "[", "é"]),
    st.text(max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
MANY = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])


def outcome(content: bytes) -> Spec | SpecError:
    """What comes of a text; anything but these two is a bug."""
    try:
        return expand(parse(content, file="spec.yaml", folder=FOLDER))
    except SpecError as error:
        return error


def check(content: bytes) -> None:
    result = outcome(content)
    if isinstance(result, Spec):
        assert result.baseline in {variant.name for variant in result.variants}
        return
    assert result.problems
    for problem in result.problems:
        check_problem(problem, content)


def check_problem(problem: Problem, content: bytes) -> None:
    assert problem.message
    assert not any(word in problem.headline() for word in JARGON), problem
    assert "\n" not in problem.headline()
    if problem.line:
        assert 1 <= problem.line <= content.decode(errors="replace").count("\n") * 2 + 40
        assert 1 <= problem.column <= len(problem.source) + 1
    else:
        whole = ("empty", "UTF-16", "there are more")
        assert any(word in problem.message for word in whole), problem
    assert format_problem(problem).startswith("spec.yaml:")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a value."""
    found = [path]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += places(inner, (*path, index))
    return found


@st.composite
def mutated_data(draw: st.DrawFn) -> bytes:
    """A valid spec in which values are replaced, dropped or renamed, as YAML."""
    data = copy.deepcopy(draw(st.sampled_from(DATA)))
    for _ in range(draw(st.integers(1, 4))):
        paths = [path for path in places(data) if path]
        if not paths:
            break
        *above, key = draw(st.sampled_from(paths))
        parent = data
        for step in above:
            parent = parent[step]
        action = draw(st.sampled_from(["replace", "drop", "rename", "copy"]))
        if action == "replace":
            parent[key] = draw(VALUES)
        elif action == "drop":
            del parent[key]
        elif action == "rename" and isinstance(parent, dict):
            parent[draw(st.text(max_size=8)) or f"{key}x"] = parent.pop(key)
        elif action == "copy":
            parent[key] = copy.deepcopy(draw(st.sampled_from([data, parent])))
    flow = draw(st.booleans())
    return yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow).encode(
        "utf-8", errors="surrogatepass"
    )


@st.composite
def mutated_text(draw: st.DrawFn) -> bytes:
    """The text of a valid spec with pieces cut out, doubled or put in."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        piece = draw(
            st.sampled_from(FRAGMENTS) | st.text(max_size=3) | st.just(text[start:end] * 2)
        )
        text = text[:start] + piece + text[end:]
    return text.encode("utf-8", errors="surrogatepass")


@MANY
@given(mutated_data())
def test_mutated_data_is_read_or_explained(content: bytes) -> None:
    check(content)


@MANY
@given(mutated_text())
def test_mutated_text_is_read_or_explained(content: bytes) -> None:
    check(content)


@MANY
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_explained(content: bytes) -> None:
    check(content)


@MANY
@given(mutated_data())
def test_reading_is_a_function_of_the_text(content: bytes) -> None:
    first, second = outcome(content), outcome(content)
    if isinstance(first, SpecError):
        assert isinstance(second, SpecError)
        assert first.problems == second.problems
    else:
        assert first == second
