"""Writes runner/spec/layer_names.json from the installed Keras: `make architectures`.

Run it when a new Keras brings networks or renames layers; then `make check-architectures` says what
else changed. Where names depend on the width, the file gets those of all widths, of which
`runner.spec.layers` leaves some out.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from runner.spec import layers
from runner.spec.architectures import ARCHITECTURES, Architecture
from runner.spec.layers import decode_names

# The part of a name that says which block it is in. Names of a block that differ from another's in
# this alone are written once, as a pattern.
PART = re.compile(
    r"convnext_\w+_stage_\d_block_\d+|conv\d_block\d+|expanded_conv_\d+|block_?\d+[a-z]?"
    r"|(?<=conv_..)_\d+|(?:stem|reduce)_\d+$|\d+$"
)


def merge(names: Sequence[str], others: Sequence[str]) -> list[str]:
    """Both, in an order that is each one's: what is only in `others` follows what it follows there.

    >>> merge(["a", "b", "d"], ["a", "b", "c", "d"])
    ['a', 'b', 'c', 'd']
    """
    merged = list(names)
    for before, name in itertools.pairwise(others):
        if name not in merged:
            merged.insert(merged.index(before) + 1, name)
    return merged


def all_names(one: Architecture) -> Iterator[tuple[str, list[str]]]:
    """Key in the file -> the names that any width and any weights give."""
    from tests.spec.keras_probe import build, outline

    name, size = one.name, one.smallest_size
    switches = [option.name for option in one.options if option.is_switch]
    for chosen in [{}, *({switch: True} for switch in switches)]:
        if one.has_alpha:
            # At the narrowest all blocks of a kind are alike.
            other = {"alpha": max(0.01, one.smallest_alpha or 0)}
        else:
            other = {"weights": "imagenet"}
        names = outline(build(name, size, **chosen))["names"]
        others = outline(build(name, size, **other, **chosen))["names"]
        yield " ".join([name, *chosen]), merge(names, others)


def encode(networks: dict[str, list[str]]) -> dict[str, Any]:
    """The content of the file."""
    blocks = {key: list(_blocks(names)) for key, names in networks.items()}
    counts = Counter(
        pattern for found in blocks.values() for pattern, part, _ in found if part is not None
    )
    repeated = [pattern for pattern, count in counts.most_common() if count > 1 and " " in pattern]
    keys = {pattern: str(number) for number, pattern in enumerate(repeated)}
    words = {
        key: " ".join(
            f"{keys[pattern]}@{part}" if pattern in keys else " ".join(names)
            for pattern, part, names in found
        )
        for key, found in blocks.items()
    }
    return {"patterns": {keys[pattern]: pattern for pattern in repeated}, "networks": words}


def _blocks(names: Sequence[str]) -> Iterator[tuple[str, str | None, list[str]]]:
    """Pattern, part and names of each run of names that have the same part."""
    for part, run in itertools.groupby(names, _part):
        members = list(run)
        pattern = " ".join(name.replace(part, "@") if part else name for name in members)
        yield pattern, part, members


def _part(name: str) -> str | None:
    found = PART.search(name)
    return found.group() if found else None


def main() -> None:
    """Builds every network, and writes the file."""
    networks: dict[str, list[str]] = {}
    for one in ARCHITECTURES.values():
        networks.update(all_names(one))
    content = encode(networks)
    for key, names in networks.items():
        assert list(decode_names(content["networks"][key], content["patterns"])) == names, key
    path = Path(layers.__file__).with_name("layer_names.json")
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
