"""How pixels become a network's input."""

from __future__ import annotations

from typing import Any


def scale(pixels: Any, scaling: str) -> Any:
    """Float pixels from 0 to 255, of any shape and library -> what the architecture wants.

    Args:
        scaling: `minus_one_to_one`, or `raw` for networks that rescale by themselves.
    """
    return pixels / 127.5 - 1 if scaling == "minus_one_to_one" else pixels
