"""Values of the environment in the few fields that take them: paths, and the names of devices."""

from __future__ import annotations

import os
import re

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def expand(text: str) -> str:
    """The text with `${NAME}` replaced by the variable's value; one that is not set stays."""
    return _VARIABLE.sub(lambda match: os.environ.get(match[1], match[0]), text)


def unset(text: str) -> list[str]:
    """The names of the variables in a text that are not set, or set to nothing."""
    return [name for name in _VARIABLE.findall(text) if not os.environ.get(name)]


def has_variable(text: str) -> bool:
    """Whether a text asks for a value of the environment."""
    return _VARIABLE.search(text) is not None
