"""The variants of a spec by their names, each content once, before any record is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from runner.errors import SpecError
from runner.spec.document import Document
from runner.spec.matrix import Combination, Matrix, read_matrix
from runner.spec.parts import PartReader, Parts
from runner.spec.replicates import AXIS, is_replicated
from runner.spec.validate import validate


class Member(NamedTuple):
    """One model.

    Attributes:
        axes: path -> name of what varies in it.
        recipe: the name of its combination, and its place among the models trained from that.
        parts: completed.
    """

    axes: dict[str, str]
    recipe: tuple[str, int]
    parts: Parts


class Family:
    """What a valid spec amounts to.

    Args:
        document: is checked.

    Raises:
        SpecError: the spec is wrong; carries all of its problems.

    Attributes:
        whole: the completed parts that no variant changes.
        members: by name; each content once, under the first of its names.
        aliases: other name -> the member that has the same content.
        recipes: name of a combination -> the names of the models that are trained from it.
    """

    def __init__(self, document: Document) -> None:
        data: Mapping[str, Any] = document.root.value
        reader = PartReader(data, document.folder)
        problems = validate(document, reader)
        if problems:
            raise SpecError(problems)
        self.name = str(data["name"])
        self.whole: Mapping[str, Any] = reader.of_spec()
        self.members: dict[str, Member] = {}
        self.aliases: dict[str, str] = {}
        self.recipes: dict[str, tuple[str, ...]] = {}
        self._matrix: Matrix = read_matrix(data)
        self._choice: Mapping[str, Any] = data.get("baseline", {})
        self._contents: dict[tuple[int, ...], str] = {}
        for combination in self._matrix.combinations():
            models = [
                self._add(combination, index, parts, reader.content(parts))
                for index, parts in enumerate(reader.replicates(combination))
            ]
            self.recipes[combination.name(self.name)] = tuple(dict.fromkeys(models))

    def _add(
        self, combination: Combination, replicate: int, parts: Parts, content: tuple[int, ...]
    ) -> str:
        """Takes a model of a combination in, or notes that its content has another name already.

        Returns:
            The name of the member that has the content.
        """
        recipe = combination.name(self.name)
        axes, name = dict(combination.names), recipe
        if is_replicated(parts):
            axes[AXIS] = str(parts["train"]["seed"])
            name = ",".join(f"{path}={value}" for path, value in axes.items())
        first = self._contents.setdefault(content, name)
        if first != name:
            self.aliases[name] = first
        elif name not in self.members:
            self.members[name] = Member(axes, (recipe, replicate), parts)
        return first

    @property
    def baseline(self) -> str:
        """The name of the member that the others are compared with."""
        matrix = self._matrix
        return self._models(matrix.meant(matrix.chosen(self._choice))[0])[0]

    def named(self, choice: Mapping[str, Any]) -> tuple[str, ...]:
        """The names of the members that have all of a choice."""
        meant = self._matrix.having(self._matrix.chosen(choice))
        return tuple(dict.fromkeys(name for one in meant for name in self._models(one)))

    def _models(self, combination: Combination) -> tuple[str, ...]:
        """The names of the members that a combination stands for, one for each seed."""
        return self.recipes[combination.name(self.name)]
