"""The harness and the inference libraries: where they are, what they are, whether they open."""

from __future__ import annotations

import ctypes.util
import hashlib
import os
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from runner.errors import EnvironmentUnusableError
from runner.timing import native
from runner.timing.fitness.findings import Finding
from runner.timing.libraries import RuntimeLibrary, find_tflite
from runner.timing.probe import probe_library
from runner.timing.process import run_module

LITERT_VARIABLE = "RETIME_LITERT_LIBRARY"
_LITERT_FILE = "libLiteRt.so"
_LITERT_DISTRIBUTION = "ai-edge-litert"
_TFLITE_DISTRIBUTION = "pymicro-wakeword"
_TIMEOUT_S = 60.0
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
    why = "it runs the models"
    try:
        library = find_tflite(None, environment)
    except EnvironmentUnusableError as error:
        command = "" if environment.get("RETIME_TFLITE_LIBRARY") else _INSTALL
        return Finding("TFLite", "problem", _words(error), why, error.remedy, command)
    facts = _facts(library)
    try:
        version = probe_library(library, folder / "tflite.log")
    except native.HarnessMissingError:
        found = f"{_place(library, _TFLITE_DISTRIBUTION)}; not opened, which takes the harness"
        return Finding("TFLite", "unknown", found, why, facts=facts)
    except EnvironmentUnusableError as error:
        return Finding("TFLite", "problem", _words(error), why, error.remedy, facts=facts)
    found = f"{version}, {_place(library, _TFLITE_DISTRIBUTION)}"
    return Finding("TFLite", "good", found, why, facts=facts)


def litert(folder: Path, environment: Mapping[str, str] = os.environ) -> Finding:
    """The LiteRT C library.

    Args:
        folder: an existing one, for a log.
    """
    why = "specs whose runtime is litert need it, others do not"
    library = _find_litert(environment)
    if library is None:
        return Finding("LiteRT", "advice", "not found", why, "install it", _INSTALL)
    if library.origin == "environment" and not Path(library.path).is_file():
        found = f"{library.path} does not exist, and {LITERT_VARIABLE} names it"
        return Finding("LiteRT", "advice", found, why, "correct the variable, or unset it")
    facts = _facts(library)
    log = folder / "litert.log"
    ended = run_module(
        "runner.timing.fitness.opening", stdin=library.path, log=log, timeout_s=_TIMEOUT_S
    )
    if ended.returncode != 0:
        how = ended.output or f"opening it ended with {ended.signal_name or ended.returncode}"
        remedy = "install it again, or name another in " + LITERT_VARIABLE
        return Finding("LiteRT", "advice", f"can't be used: {how}", why, remedy, facts=facts)
    version = _version(_LITERT_DISTRIBUTION) if library.origin == "wheel" else None
    found = f"{version or 'version not told'}, {_place(library, _LITERT_DISTRIBUTION)}"
    return Finding("LiteRT", "good", found, why, facts=facts)


def _find_litert(environment: Mapping[str, str]) -> RuntimeLibrary | None:
    if named := environment.get(LITERT_VARIABLE):
        path = Path(named)
        return RuntimeLibrary(
            str(path.absolute()), "environment", _sha256(path) if path.is_file() else None
        )
    if soname := ctypes.util.find_library("LiteRt"):
        return RuntimeLibrary(soname, "system", None)
    try:
        files = metadata.files(_LITERT_DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return None
    found = [Path(str(file.locate())) for file in files if file.name == _LITERT_FILE]
    if not found or not found[0].is_file():
        return None
    return RuntimeLibrary(str(found[0].resolve()), "wheel", _sha256(found[0]))


def _place(library: RuntimeLibrary, distribution: str) -> str:
    return {
        "environment": "named by the environment",
        "system": "found by the system's loader",
        "wheel": f"from the wheel {distribution} {_version(distribution) or ''}".strip(),
    }[library.origin]


def _facts(library: RuntimeLibrary) -> dict[str, str]:
    known = {"origin": library.origin, "path": library.path, "sha256": library.sha256}
    return {name: value for name, value in known.items() if value}


def _words(error: EnvironmentUnusableError) -> str:
    where = f"{error.where}: " if error.where else ""
    return f"{where}{error.what}" + (f": {error.why}" if error.why else "")


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
