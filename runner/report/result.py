"""What all reports are made of: a result as `result.json` holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Result = Mapping[str, Any]
