"""Durations, sizes and shares, read as people write them and written as people read them."""

from __future__ import annotations

import re
from collections.abc import Sequence

NS_PER_S = 1_000_000_000

_NUMBER = r"(?P<number>\d+(?:\.\d+)?)"
_DURATION = re.compile(rf"{_NUMBER}\s*(?P<unit>ns|us|ms|s|m|h|d)")
_SIZE = re.compile(rf"{_NUMBER}\s*(?P<unit>B|kB|KB|MB|GB|KiB|MiB|GiB)")
_PERCENTAGE = re.compile(rf"{_NUMBER}\s*%")

_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}


def parse_duration_s(text: str) -> float:
    """Seconds in `90s`, `2m`, `1.5h`, `200ms`.

    Raises:
        ValueError: the text is not a number with a unit of time.
    """
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a duration; write 90s, 2m or 1.5h")
    return float(match["number"]) * _SECONDS[match["unit"]]


def parse_bytes(text: str) -> int:
    """Bytes in `64 MiB`, `10 kB`.

    Raises:
        ValueError: the text is not a number with a unit of size.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a size; write 64 MiB or 10 kB")
    return round(float(match["number"]) * _BYTES[match["unit"]])


def parse_share(value: str | float) -> float:
    """The share that `2%` or `0.02` means.

    Raises:
        ValueError: a text that is no percentage.
    """
    if not isinstance(value, str):
        return float(value)
    match = _PERCENTAGE.fullmatch(value.strip())
    if not match:
        raise ValueError(f"{value!r} is not a percentage; write 2%")
    return float(match["number"]) / 100


def format_latency(latency_ns: float) -> str:
    """A latency with three significant digits and the unit that suits it."""
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if latency_ns >= scale * 0.9995:
            return f"{_three_digits(latency_ns / scale)} {unit}"
    return f"{latency_ns:.0f} ns"


def format_bytes(size: float) -> str:
    """A size in binary units: `1.57 MiB`."""
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= scale:
            return f"{_three_digits(size / scale)} {unit}"
    return f"{size:.0f} B"


def format_duration(seconds: float) -> str:
    """A span of time for people: `8 s`, `3 min 20 s`, `2 h 05 min`."""
    if seconds < 1:
        return f"{seconds:.1g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    hours, rest = divmod(whole // 60, 60)
    return f"{hours} h {rest:02d} min"


def format_age(seconds: float) -> str:
    """How long ago, in the largest unit that fits: `now`, `5 min`, `3 h`, `12 d`.

    What lies in the future, since a clock was set back, is now.
    """
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "now"


def format_ratio(ratio: float) -> str:
    """A ratio to the digit that matters for latency: `1.053x`."""
    return f"{ratio:.3f}x" if ratio < 10 else f"{ratio:.1f}x"


def format_interval(interval: Sequence[float] | None) -> str:
    """`1.047-1.059`, or nothing where there is none."""
    return f"{interval[0]:.3f}-{interval[1]:.3f}" if interval else ""


def format_share(share: float) -> str:
    """A share as a percentage without needless zeros: `2 %`, `0.5 %`."""
    return f"{share * 100:.3g} %"


def _three_digits(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
