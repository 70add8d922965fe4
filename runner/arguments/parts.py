"""What the help pages and options of several commands have in common."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_WIDTH = 78


@dataclass(frozen=True)
class ShellWords:
    """What a completion library calls its completions of files and folders.

    Empty but while a completion script is made: no other command pays for that library.
    """

    files: Mapping[str, Any] | None = None
    folders: Mapping[str, Any] | None = None


NO_WORDS = ShellWords()


def add_command(
    commands: Any, name: str, summary: str, description: str, examples: str
) -> argparse.ArgumentParser:
    """A command whose help page ends with examples."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.\n\n{_folded(description)}",
        epilog="examples:\n" + textwrap.indent(textwrap.dedent(examples).strip(), "  "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def add_format(parser: argparse.ArgumentParser, *, inherited: bool = False) -> None:
    """`--format` for people and for machines.

    Args:
        inherited: the command above has it too, and what is said there counts.
    """
    parser.add_argument(
        "--format",
        choices=("text", "json"),
        default=argparse.SUPPRESS if inherited else "text",
        help="a page for people, or JSON (default: text)",
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """`--set`, which changes a field of the spec."""
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="set a field of the spec, such as measure.effect=1%%; may be repeated",
    )


def add_verbose(parser: argparse.ArgumentParser) -> None:
    """`--verbose`, which tells more while work goes on."""
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="tell of each stage where its log is, and of each block why it was done again",
    )


def complete(words: Mapping[str, Any] | None, *arguments: argparse.Action) -> None:
    """Says how a shell completes these arguments; nothing where no script is made."""
    for argument in arguments if words else ():
        argument.complete = words  # type: ignore[attr-defined]  # where shtab looks for it


def _folded(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), _WIDTH)
