"""Reads a spec's file: bytes in, a document with marks out.

Nothing in a file can run code: the parser's events become text, numbers, lists and mappings only.
Nothing in it takes long either: size, depth and what aliases unfold to are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import yaml

from runner.errors import Problem, SpecError
from runner.spec.compose import Composer, CompositionError
from runner.spec.document import NOWHERE, Document, Finding, Node, Place, problem_at
from runner.spec.guess import did_you_mean
from runner.spec.syntax import explain

LARGEST_BYTES = 2**20
_MOST_SIBLINGS = 1000
_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_NOT_YAML = r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_NOT_YAML_IN_ASCII = r"[^\t\n\r\x20-\x7e]"
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(path: Path, *, name: str = "") -> Document:
    """Read a spec's file.

    Args:
        name: the name that problems give; left out, the path.

    Raises:
        SpecError: there is no such file, or nothing can be made of what it holds. Problems that can
            be passed over are kept in the document.
    """
    file = name or str(path)
    try:
        content = _read(path)
    except _UnreadableError as error:
        raise SpecError([_about_file(file, str(error), error.remedy)]) from None
    return parse(content, file=file, folder=path.absolute().parent)


def parse(content: bytes, *, file: str, folder: Path) -> Document:
    """Read a spec's text.

    Args:
        file: the name that problems give.
        folder: the folder that paths in the spec are read from.

    Raises:
        SpecError: nothing can be made of the text.
    """
    lines = _lines(content)
    text = _decode(file, content, lines)
    composer = Composer()
    try:
        root = _compose(composer, text, lines)
    except CompositionError as error:
        stop = problem_at(file, lines, error.place, error.finding)
        raise SpecError([*_problems(file, lines, composer), stop]) from None
    if root is None:
        raise SpecError([_about_file(file, "the file is empty", "start it with spec: 1")])
    if not isinstance(root.value, dict):
        what = "a list" if isinstance(root.value, list) else "a single value"
        message = f"a spec is a mapping of keys to values, not {what}"
        finding = Finding((), message, "start it with spec: 1")
        raise SpecError([problem_at(file, lines, root.place, finding)])
    return Document(
        file=file,
        folder=folder,
        content=content,
        lines=lines,
        root=root,
        problems=_problems(file, lines, composer),
    )


def parse_value(content: bytes) -> Node:
    """Read a single value, such as one of the command line's.

    Raises:
        SpecError: nothing can be made of it; the first problem has the place inside it.
    """
    lines = _lines(content)
    composer = Composer()
    try:
        node = _compose(composer, _decode("", content, lines), lines)
    except CompositionError as error:
        raise SpecError([problem_at("", lines, error.place, error.finding)]) from None
    if composer.located:
        raise SpecError(list(_problems("", lines, composer)))
    return node or Node(None, Place(1, 1))


class _UnreadableError(Exception):
    """The file can't be read at all."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise _UnreadableError("this is a folder, not a file", "name a .yaml file in it")
        if path.exists() and not path.is_file():
            raise _UnreadableError("this is not a regular file", "name a .yaml file")
        with path.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        guess = did_you_mean(path.name, _siblings(path))
        raise _UnreadableError(f"there is no such file{guess}", "check the path") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise _UnreadableError(f"can't be read: {why}", "check the path and its rights") from None
    if len(content) > LARGEST_BYTES:
        raise _UnreadableError(
            f"the file is larger than {LARGEST_BYTES >> 20} MiB, too large for a spec",
            "check that this is the right file",
        )
    return content


def _siblings(path: Path) -> list[str]:
    try:
        siblings = zip(range(_MOST_SIBLINGS), path.parent.iterdir(), strict=False)
        return sorted(one.name for _, one in siblings if one.suffix in {".yaml", ".yml"})
    except OSError:
        return []


def _lines(content: bytes) -> list[str]:
    return _LINE_BREAK.split(content.removeprefix(_BOM).decode("utf-8", errors="replace"))


def _decode(file: str, content: bytes, lines: Sequence[str]) -> str:
    if content.startswith(_UTF16_BOMS):
        raise SpecError([_about_file(file, "the file is in UTF-16", "save it as UTF-8")])
    body = content.removeprefix(_BOM)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = _LINE_BREAK.split(body[: error.start].decode("utf-8"))
        place = Place(len(before), len(before[-1]) + 1)
        message = f"the byte 0x{body[error.start]:02x} is not UTF-8"
        finding = Finding((), message, "save the file as UTF-8")
        raise SpecError([problem_at(file, lines, place, finding)]) from None
    # The whole range takes milliseconds to compile, and few specs need it.
    bad = re.search(_NOT_YAML_IN_ASCII if text.isascii() else _NOT_YAML, text)
    if bad:
        before = _LINE_BREAK.split(text[: bad.start()])
        place = Place(len(before), len(before[-1]) + 1)
        message = f"the control character U+{ord(bad[0]):04X} can't stand in YAML"
        raise SpecError([problem_at(file, lines, place, Finding((), message, "remove it"))])
    return text


def _compose(composer: Composer, text: str, lines: Sequence[str]) -> Node | None:
    try:
        return composer.compose(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise explain(error, lines) from None
    except yaml.YAMLError as error:
        raise CompositionError(Place(1, 1), Finding((), f"not YAML: {error}", "")) from None


def _problems(file: str, lines: Sequence[str], composer: Composer) -> tuple[Problem, ...]:
    return tuple(problem_at(file, lines, place, finding) for place, finding in composer.located)


def _about_file(file: str, message: str, remedy: str) -> Problem:
    return problem_at(file, (), NOWHERE, Finding((), message, remedy))
