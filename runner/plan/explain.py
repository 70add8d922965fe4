"""Why a stage will run: what tells it from the most similar thing that was made before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_MOST_SHOWN = 3


def explain_miss(identity: Mapping[str, Any], earlier: Iterable[Mapping[str, Any]]) -> str:
    """A clause such as `train.epochs 2 -> 4 since the nearest artifact`.

    Args:
        identity: of the stage that has no artifact.
        earlier: the identities of artifacts of the same kind.
    """
    wanted = dict(_leaves(identity))
    differences = [_differing(wanted, dict(_leaves(other))) for other in earlier]
    if not differences:
        return "nothing like it was made before"
    nearest = min(differences, key=len)
    if not nearest:
        return "its files are damaged"
    shown = ", ".join(nearest[:_MOST_SHOWN])
    rest = len(nearest) - _MOST_SHOWN
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
