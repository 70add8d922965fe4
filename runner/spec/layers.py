"""The names of a base's layers, known without importing Keras.

They are kept in `layer_names.json`, which `make architectures` writes from the installed Keras and
which is read when names are first asked for. Where names depend on a network's width, the file has
those of every width, and the rule by which layers vanish is here.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("layer_names.json")
# What EfficientNets have with ImageNet weights only.
_IMAGENET_LAYER = "rescaling_1"
# Whole blocks differ, so each choice has names of its own in the file.
_NAMED_APART = ("minimalistic",)


@dataclass(frozen=True)
class _Blocks:
    """A network's inverted residual blocks, which end with an addition if input and output fit.

    Attributes:
        filters: what each block gives, before its width multiplier.
        strided: indices of blocks that halve the feature maps, and therefore add nothing.
        first_addition: the name in block 0.
        addition: the name in every other block, with a place for its index.
    """

    filters: tuple[int, ...]
    strided: frozenset[int]
    first_addition: str
    addition: str

    def additions(self, widths: Sequence[int]) -> Iterator[tuple[str, bool]]:
        """Name of each block's addition, and whether it is there.

        Args:
            widths: the filters of the stem and of every block, after rounding.
        """
        for index in range(len(self.filters)):
            name = self.addition.format(index) if index else self.first_addition
            yield name, index not in self.strided and widths[index] == widths[index + 1]


_BLOCKS = {
    "MobileNetV2": _Blocks(
        (16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320),
        frozenset({1, 3, 6, 13}),
        "expanded_conv_add",
        "block_{}_add",
    ),
    "MobileNetV3Small": _Blocks(
        (16, 24, 24, 40, 40, 40, 48, 48, 96, 96, 96),
        frozenset({0, 1, 3, 8}),
        "expanded_conv_add",
        "expanded_conv_{}_add",
    ),
    "MobileNetV3Large": _Blocks(
        (16, 24, 24, 40, 40, 40, 80, 80, 80, 80, 112, 112, 160, 160, 160),
        frozenset({1, 3, 6, 12}),
        "expanded_conv_add",
        "expanded_conv_{}_add",
    ),
}


def layer_names(
    architecture: str,
    *,
    alpha: float | None = None,
    weights: str = "none",
    options: Mapping[str, Any] | None = None,
) -> tuple[str, ...]:
    """The names of a base's layers in order, its input first, without a top.

    They are exactly those that Keras gives after `clear_session()`, at every input size.

    Args:
        architecture: a name in `architectures.ARCHITECTURES`.
        alpha: the width multiplier, above 0; None is 1, or that there is none.
        weights: `none`, `imagenet`, or a path, which counts as `none`.
        options: name -> value, as in `Architecture.options`; what is left out has its default.

    Raises:
        KeyError: there is no such architecture.
    """
    chosen = [name for name in _NAMED_APART if (options or {}).get(name)]
    absent = _absent(architecture, 1.0 if alpha is None else alpha)
    if weights != "imagenet":
        absent.add(_IMAGENET_LAYER)
    names = _all_names(" ".join([architecture, *chosen]))
    return tuple(name for name in names if name not in absent)


def decode_names(text: str, patterns: Mapping[str, str]) -> Iterator[str]:
    """Layer names from their compact form.

    Args:
        text: words with a space between: a name, or `PATTERN@PART`.
        patterns: key -> names with a space between, in which every @ stands for PART.
    """
    for word in text.split():
        key, is_pattern, part = word.partition("@")
        if is_pattern:
            yield from patterns[key].replace("@", part).split()
        else:
            yield word


def _absent(architecture: str, alpha: float) -> set[str]:
    blocks = _BLOCKS.get(architecture)
    if blocks is None:
        return set()
    widths = _widths(architecture, blocks.filters, alpha)
    return {name for name, is_there in blocks.additions(widths) if not is_there}


def _widths(architecture: str, filters: tuple[int, ...], alpha: float) -> list[int]:
    """The filters of the stem and of each block, as Keras rounds them."""
    if architecture == "MobileNetV2":
        # Blocks, but not the stem, are cut down to whole numbers before they are rounded.
        return [_eights(32 * alpha), *(_eights(int(count * alpha)) for count in filters)]
    # The stem of MobileNetV3 has 16 filters at every width.
    return [16, *(_eights(count * alpha) for count in filters)]


def _eights(width: float) -> int:
    """The nearest multiple of 8, at least 8; the next one where that would lose over a tenth."""
    nearest = max(8, int(width + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * width else nearest


@functools.cache
def _all_names(key: str) -> tuple[str, ...]:
    content = _content()
    return tuple(decode_names(content["networks"][key], content["patterns"]))


@functools.cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return content
