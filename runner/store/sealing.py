"""JSON records that tell whether they are as they were written: a disk may flip a bit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_SEAL = "sha256"


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with the hash of all that is in it."""
    return {**record, _SEAL: _hash(record)}


def is_intact(record: Mapping[str, Any]) -> bool:
    """Whether a record that was sealed is as it was."""
    content = {name: value for name, value in record.items() if name != _SEAL}
    return record.get(_SEAL) == _hash(content)


def _hash(record: Mapping[str, Any]) -> str:
    # As it will be when it is read back: JSON has no tuples, and its keys are texts.
    text = json.dumps(json.loads(json.dumps(record)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
