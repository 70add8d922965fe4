"""What builds models and the harness: compiler, TensorFlow; and room for what they make."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path

from runner.timing.fitness.findings import Finding
from runner.units import format_bytes

_COMPRESSION = ("tensorflow-model-optimization", "tf-keras")
_QUANTIZER = "ai-edge-quantizer"
_TIMEOUT_S = 10.0
# A night's samples take some tens of megabytes; a large network's artifacts a few gigabytes.
_TIGHT_BYTES = 2 * 2**30
_NO_ROOM_BYTES = 50 * 2**20

Version = Callable[[str], str | None]


def installed_version(distribution: str) -> str | None:
    """The version of an installed distribution, which is not imported; None if there is none."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def compiler(*, needed: bool, environment: Mapping[str, str] = os.environ) -> Finding:
    """The C compiler.

    Args:
        needed: the harness is not built yet.
    """
    why = "it builds the harness; once that is built, nothing else needs it"
    name = (environment.get("CC") or "cc").split()[0]
    path = shutil.which(name, path=environment.get("PATH"))
    if path:
        told = f"{path}: {_first_line(path)}".rstrip(": ")
        return Finding("C compiler", "good", told, why)
    if not needed:
        return Finding("C compiler", "good", "none, and the harness is built", why)
    remedy = "install one (Debian: apt install gcc libc6-dev; Fedora: dnf install gcc)"
    return Finding("C compiler", "problem", f"no {name} is found", why, remedy)


def tensorflow(version: Version = installed_version) -> Finding:
    """Whether models can be trained and converted here."""
    why = "it trains and converts; a board that only times needs none"
    if known := version("tensorflow"):
        return Finding("TensorFlow", "good", known, why)
    remedy = "install it, if models are to be built here"
    command = "pip install 'retime[train]'"
    return Finding("TensorFlow", "advice", "not installed", why, remedy, command)


def compression(version: Version = installed_version) -> Finding:
    """Whether the optional packages that prune, cluster and train for quantization are there."""
    why = "specs that prune, cluster or train for quantization need it, others do not"
    known = {name: version(name) for name in _COMPRESSION}
    missing = [name for name, found in known.items() if not found]
    if not missing:
        found = ", ".join(f"{name} {found}" for name, found in known.items())
        return Finding("compression", "good", found, why)
    command = "pip install 'retime[compress]'"
    found = f"{' and '.join(missing)} not installed"
    return Finding("compression", "advice", found, why, "install it if you need it", command)


def few_bits(version: Version = installed_version) -> Finding:
    """Whether the optional package is there that a few quantization modes need."""
    why = "only weight_only_int8, weight_only_int4 and dynamic_int4 need it"
    if known := version(_QUANTIZER):
        return Finding("few bits", "good", f"{_QUANTIZER} {known}", why)
    # No advice: most specs want none of these modes, and whoever does is told.
    found = f"none, and {why}: pip install 'retime[quantizer]'"
    return Finding("few bits", "good", found, why)


def room(name: str, folder: Path) -> Finding:
    """Whether a folder, which need not exist yet, can take what is to be written there.

    Args:
        name: of the finding.
    """
    why = "what can't be written is lost"
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        remedy = "change its owner or mode, or name another with --runs and --cache"
        return Finding(name, "problem", f"{existing} can't be written to", why, remedy)
    return judge_room(name, folder, shutil.disk_usage(existing).free)


def judge_room(name: str, folder: Path, free_bytes: int) -> Finding:
    """Whether so many free bytes are enough."""
    found = f"{format_bytes(free_bytes)} free for {folder}"
    remedy = "free some, or name a folder elsewhere with --runs and --cache"
    if free_bytes < _NO_ROOM_BYTES:
        return Finding(name, "problem", found, "there is no room for results", remedy)
    if free_bytes < _TIGHT_BYTES:
        why = "a large network's artifacts take a gigabyte or two"
        return Finding(name, "advice", found, why, remedy)
    return Finding(name, "good", found, "what can't be written is lost")


def _first_line(compiler: str) -> str:
    try:
        told = subprocess.run(
            [compiler, "--version"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.partition("\n")[0].strip()
