"""Why a stage will run: what tells it from the most similar thing that was made before. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MOST_SHOWN = 3


class Explainer:
    """Compares a stage with what was made of its kind before.

    Args:
        earlier: the identities of the artifacts of that kind.
    """

    def __init__(self, earlier: Sequence[Mapping[str, Any]]) -> None:
        self._earlier = [dict(_leaves(identity)) for identity in earlier]

    def nearest(self, identity: Mapping[str, Any]) -> int | None:
        """The index of the most similar one; None where there is none."""
        if not self._earlier:
            return None
        wanted = dict(_leaves(identity))
        distances = [len(_differing(wanted, other)) for other in self._earlier]
        return distances.index(min(distances)) if distances else None

    def explain(self, identity: Mapping[str, Any]) -> str:
        """A clause such as `changed: train.epochs 2 -> 4`."""
        index = self.nearest(identity)
        if index is None:
            return "nothing like it was made before"
        names = _differing(dict(_leaves(identity)), self._earlier[index])
        if not names:
            return "its files are damaged"
        shown = ", ".join(names[:_MOST_SHOWN])
        rest = len(names) - _MOST_SHOWN
        return f"changed: {shown}" + (f" and {rest} more" if rest > 0 else "")


def _differing(wanted: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    names = [*wanted, *(name for name in other if name not in wanted)]
    return [
        _clause(name, other.get(name), wanted.get(name))
        for name in names
        if wanted.get(name) != other.get(name)
    ]


def _clause(name: str, old: Any, new: Any) -> str:
    kind, _, rest = name.partition(".")
    if kind == "inputs":
        return f"its {rest}"
    return f"{rest if kind == 'params' else name} {_text(old)} -> {_text(new)}"


def _text(value: Any) -> str:
    return "none" if value is None else str(value)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value
