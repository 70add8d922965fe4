"""The variants of a spec by their names, each content once, before any record is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.errors import SpecError
from runner.spec.document import Document
from runner.spec.matrix import Combination, Matrix, read_matrix
from runner.spec.parts import PartReader, Parts
from runner.spec.validate import validate


class Family:
    """What a valid spec amounts to.

    Args:
        document: is checked.

    Raises:
        SpecError: the spec is wrong; carries all of its problems.

    Attributes:
        whole: the completed parts that no variant changes.
        members: name -> what varies in it, and its completed parts; each content once, under the
            first of its names.
        aliases: other name -> the member that has the same content.
    """

    def __init__(self, document: Document) -> None:
        data: Mapping[str, Any] = document.root.value
        reader = PartReader(data, document.folder)
        problems = validate(document, reader)
        if problems:
            raise SpecError(problems)
        self.name = str(data["name"])
        self.whole: Mapping[str, Any] = reader.of_spec()
        self.members: dict[str, tuple[Combination, Parts]] = {}
        self.aliases: dict[str, str] = {}
        self._matrix: Matrix = read_matrix(data)
        self._choice: Mapping[str, Any] = data.get("baseline", {})
        contents: dict[tuple[int, ...], str] = {}
        for combination in self._matrix.combinations():
            parts = reader.of_variant(combination)
            name = combination.name(self.name)
            first = contents.setdefault(reader.content(parts), name)
            if first != name:
                self.aliases[name] = first
            else:
                self.members.setdefault(name, (combination, parts))

    @property
    def baseline(self) -> str:
        """The name of the member that the others are compared with."""
        matrix = self._matrix
        return self._real(matrix.meant(matrix.chosen(self._choice))[0])

    def named(self, choice: Mapping[str, Any]) -> tuple[str, ...]:
        """The names of the members that have all of a choice."""
        meant = self._matrix.having(self._matrix.chosen(choice))
        return tuple(dict.fromkeys(map(self._real, meant)))

    def _real(self, combination: Combination) -> str:
        name = combination.name(self.name)
        return self.aliases.get(name, name)
