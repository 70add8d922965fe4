"""Which inference library runs the models, where it came from, and what exactly it is."""

from __future__ import annotations

import ctypes.util
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from runner.errors import EnvironmentUnusableError

ENVIRONMENT_VARIABLE = "RETIME_TFLITE_LIBRARY"
_FILE_NAME = "libtensorflowlite_c.so"
_DISTRIBUTION = "pymicro-wakeword"


@dataclass(frozen=True)
class RuntimeLibrary:
    """A library that was found.

    Attributes:
        path: the file, or a bare name that the system's loader resolves.
        origin: who named it: `spec`, `environment`, `system` or `wheel`.
        sha256: of the file; None where only the loader knows it.
    """

    path: str
    origin: str
    sha256: str | None


def find_tflite(
    spec_path: str | None, environment: Mapping[str, str] = os.environ
) -> RuntimeLibrary:
    """Finds the TFLite C library: spec, then environment variable, then the loader, then the wheel.

    Raises:
        EnvironmentUnusableError: none of them has it, or the one that was named does not exist.
    """
    if spec_path:
        return _named(spec_path, "spec", "runtime.path in the spec")
    if named := environment.get(ENVIRONMENT_VARIABLE):
        return _named(named, "environment", f"the environment variable {ENVIRONMENT_VARIABLE}")
    if soname := ctypes.util.find_library("tensorflowlite_c"):
        return RuntimeLibrary(soname, "system", None)
    if path := _in_wheel():
        return RuntimeLibrary(str(path), "wheel", _sha256(path))
    raise EnvironmentUnusableError(
        f"no TFLite library ({_FILE_NAME}) was found",
        why=f"looked at: runtime.path, {ENVIRONMENT_VARIABLE}, the system's loader, "
        f"the wheel {_DISTRIBUTION}",
        remedy="pip install 'retime[runtime]', or name a library in the spec: "
        "runtime: {path: /path/to/" + _FILE_NAME + "}",
    )


def _named(path: str, origin: str, who: str) -> RuntimeLibrary:
    file = Path(path)
    if not file.is_file():
        raise EnvironmentUnusableError(
            "the TFLite library does not exist",
            where=path,
            why=f"it is named by {who}",
            remedy=f"correct the path, or remove it to use the library in {_DISTRIBUTION}",
        )
    return RuntimeLibrary(str(file.resolve()), origin, _sha256(file))


def _in_wheel() -> Path | None:
    """The library inside the installed wheel, whose Python code is not imported."""
    try:
        files = metadata.files(_DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return None
    found = [file for file in files if file.name == _FILE_NAME]
    return Path(str(found[0].locate())).resolve() if found else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
