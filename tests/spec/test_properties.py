"""Whatever is done to a spec, it is either read or explained; nothing else ever comes out."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.cli import run
from runner.errors import Problem, SpecError
from runner.spec.expand import expand, read_spec
from runner.spec.load import parse
from runner.spec.model import Spec
from runner.spec.problems import format_problem
from runner.spec.schema import field_paths

pytestmark = pytest.mark.fast

HERE = Path(__file__).parent
FOLDER = HERE / "valid"
TEXTS = [
    path.read_bytes().decode("utf-8-sig")
    for path in [*sorted(FOLDER.glob("*.yaml")), HERE.parents[1] / "specs" / "quickstart.yaml"]
]
DATA = [yaml.safe_load(text) for text in TEXTS]
LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
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
    text = content.decode(errors="replace")
    assert not any(word in problem.headline() and word not in text for word in JARGON), problem
    assert "\n" not in problem.headline()
    if problem.line:
        assert 1 <= problem.line <= len(LINE_END.split(text))
        assert 1 <= problem.column <= len(problem.source) + 1
    else:
        whole = ("empty", "UTF-16", "there are more")
        assert any(word in problem.message for word in whole), problem
    assert problem.remedy, problem
    assert format_problem(problem).startswith(f"{problem.file}:")
    assert len(format_problem(problem)) < 3000


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
    data = draw(mutated())
    flow = draw(st.booleans())
    return yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow).encode(
        "utf-8", errors="surrogatepass"
    )


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A valid spec in which values are replaced, dropped, renamed or copied to other places."""
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
    return data


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


PATHS = [".".join(map(str, path)) for path in field_paths() if "..." not in path and len(path) < 6]
SETTINGS = st.builds(
    "{}={}".format,
    st.sampled_from(PATHS)
    | st.sampled_from(["matrix[quantize]", "model.head[0]", "matrix[model.head].wide", "train[x]"])
    | st.text(max_size=6),
    st.sampled_from(["1", "none", "int8", "[float32, int8]", "{adam: {}}", "2%", "", "[", "*a"])
    | st.text(max_size=6),
)


@settings(MANY, max_examples=150)
@given(
    own=mutated_data(),
    shared=mutated_data(),
    given_=st.lists(SETTINGS, max_size=3),
)
def test_files_that_extend_each_other_are_read_or_explained(
    own: bytes, shared: bytes, given_: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "shared.yaml").write_bytes(shared)
        # Whatever the file itself says of what it extends, it is the other one.
        (folder / "own.yaml").write_bytes(b"\n".join([own, b"extends: shared.yaml\n"]))
        (folder / "files").symlink_to(FOLDER / "files")
        problems: Sequence[Problem] = ()
        try:
            spec = read_spec(folder / "own.yaml", given_)
        except SpecError as error:
            spec, problems = None, error.problems
    assert problems or (spec and spec.baseline in {variant.name for variant in spec.variants})
    given = " ".join([own.decode(errors="replace"), shared.decode(errors="replace"), *given_])
    for problem in problems:
        assert problem.message
        assert problem.remedy, problem
        assert problem.column <= len(problem.source) + 1
        assert not any(word in problem.headline() and word not in given for word in JARGON), problem
        assert format_problem(problem)


@settings(MANY, max_examples=100)
@given(
    st.binary(max_size=100) | mutated_data() | mutated_text(),
    st.sampled_from(["text", "json", "github"]),
    st.lists(SETTINGS, max_size=2),
)
def test_the_command_ends_with_0_or_2_whatever_the_file(
    content: bytes, form: str, given_: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "spec.yaml"
        path.write_bytes(content)
        arguments = [f"--set={setting}" for setting in given_]
        said, problems = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(problems):
            code = run(["validate", str(path), "--format", form, *arguments])
    assert code in {0, 2}
    assert "Traceback" not in said.getvalue() + problems.getvalue()
    if form == "json":
        (record,) = json.loads(said.getvalue())
        assert record["valid"] == (code == 0)
    if form == "github":
        lines = said.getvalue().splitlines()
        assert bool(lines) == (code == 2)
        assert all(line.startswith("::error file=") for line in lines)
    if form == "text":
        assert (str(path) in said.getvalue()) == (code == 0)
        assert bool(problems.getvalue()) == (code == 2)


@MANY
@given(mutated_data())
def test_reading_is_a_function_of_the_text(content: bytes) -> None:
    first, second = outcome(content), outcome(content)
    if isinstance(first, SpecError):
        assert isinstance(second, SpecError)
        assert first.problems == second.problems
    else:
        assert first == second
