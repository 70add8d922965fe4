"""The harness and the inference libraries: where they are, what they are, whether they open."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from runner.errors import EnvironmentUnusableError
from runner.timing import native
from runner.timing.fitness.findings import Finding, Status
from runner.timing.libraries import RuntimeLibrary, find_library
from runner.timing.probe import probe_library

# What LiteRT's library says of its version, which its wheel knows.
_NOT_TOLD = "unknown"
_INSTALL = "pip install 'retime[runtime]'"


def harness() -> Finding:
    """Whether the compiled part is there and can read its clock."""
    why = "it takes the samples; without it nothing is timed"
    try:
        clock = native.clock()
    except native.HarnessMissingError as error:
        found = f"{error.what}: {error.why}"
        return Finding("harness", "problem", found, why, error.remedy, "make setup")
    except native.HarnessError as error:
        found = f"its clock can't be read: {error.why}"
        return Finding("harness", "problem", found, why, "use a kernel that has CLOCK_MONOTONIC")
    found = f"compiled; {clock.name}, {clock.cost_ns} ns a reading"
    return Finding("harness", "good", found, why)


def tflite(folder: Path, environment: Mapping[str, str] = os.environ) -> Finding:
    """The TFLite C library, which runs the models unless a spec says otherwise.

    Args:
        folder: an existing one, for a log.
    """
    return _library("tflite", "TFLite", "problem", "it runs the models", folder, environment)


def litert(folder: Path, environment: Mapping[str, str] = os.environ) -> Finding:
    """The LiteRT C library.

    Args:
        folder: an existing one, for a log.
    """
    why = "specs whose runtime is litert need it, others do not"
    return _library("litert", "LiteRT", "advice", why, folder, environment)


def _library(
    kind: str, name: str, if_bad: Status, why: str, folder: Path, environment: Mapping[str, str]
) -> Finding:
    try:
        library = find_library(kind, None, environment)
    except EnvironmentUnusableError as error:
        command = "" if error.where else _INSTALL
        return Finding(name, if_bad, _words(error), why, error.remedy, command)
    facts = _facts(library)
    place = _place(library)
    try:
        version = probe_library(library, folder / f"{kind}.log")
    except native.HarnessMissingError:
        found = f"{place}; not opened, which takes the harness"
        return Finding(name, "unknown", found, why, facts=facts)
    except EnvironmentUnusableError as error:
        return Finding(name, if_bad, _words(error), why, error.remedy, facts=facts)
    told = "" if version == _NOT_TOLD else f"{version}, "
    return Finding(name, "good", f"{told}{place}", why, facts=facts)


def _place(library: RuntimeLibrary) -> str:
    return {
        "environment": "named by the environment",
        "system": "found by the system's loader",
        "wheel": f"from the wheel {library.distribution}",
    }[library.origin]


def _facts(library: RuntimeLibrary) -> dict[str, str]:
    known = {"origin": library.origin, "path": library.path, "sha256": library.sha256}
    return {name: value for name, value in known.items() if value}


def _words(error: EnvironmentUnusableError) -> str:
    where = f"{error.where}: " if error.where else ""
    return f"{where}{error.what}" + (f": {error.why}" if error.why else "")
