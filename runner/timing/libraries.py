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


@dataclass(frozen=True)
class RuntimeLibrary:
    """A library that was found.

    Attributes:
        path: the file, or a bare name that the system's loader resolves.
        origin: who named it: `spec`, `environment`, `system` or `wheel`.
        sha256: of the file; None where only the loader knows it.
        kind: `tflite` or `litert`.
        distribution: the wheel and its version, such as `ai-edge-litert 2.3.0`, where it is in one;
            LiteRT's library tells no version itself.
    """

    path: str
    origin: str
    sha256: str | None
    kind: str = "tflite"
    distribution: str | None = None


@dataclass(frozen=True)
class _Source:
    """Where the libraries of one kind are looked for."""

    kind: str
    name: str
    file: str
    soname: str
    variable: str
    wheel: str


ENVIRONMENT_VARIABLE = "RETIME_TFLITE_LIBRARY"
_SOURCES = {
    source.kind: source
    for source in (
        _Source(
            kind="tflite",
            name="TFLite",
            file="libtensorflowlite_c.so",
            soname="tensorflowlite_c",
            variable=ENVIRONMENT_VARIABLE,
            wheel="pymicro-wakeword",
        ),
        _Source(
            kind="litert",
            name="LiteRT",
            file="libLiteRt.so",
            soname="LiteRt",
            variable="RETIME_LITERT_LIBRARY",
            wheel="ai-edge-litert",
        ),
    )
}


def find_tflite(
    spec_path: str | None, environment: Mapping[str, str] = os.environ
) -> RuntimeLibrary:
    """Finds the library with TFLite's classic C API; see `find_library`."""
    return find_library("tflite", spec_path, environment)


def find_library(
    kind: str, spec_path: str | None, environment: Mapping[str, str] = os.environ
) -> RuntimeLibrary:
    """Finds a library: spec, then environment variable, then the loader, then the wheel.

    Args:
        kind: `tflite` for the classic C API, `litert` for LiteRT's.

    Raises:
        EnvironmentUnusableError: none of them has it, or the one that was named does not exist.
        KeyError: there is no such kind.
    """
    source = _SOURCES[kind]
    if spec_path:
        return _named(source, spec_path, "spec", "runtime.path in the spec")
    if named := environment.get(source.variable):
        who = f"the environment variable {source.variable}"
        return _named(source, named, "environment", who)
    if soname := ctypes.util.find_library(source.soname):
        return RuntimeLibrary(soname, "system", None, kind)
    if found := _in_wheel(source):
        path, version = found
        distribution = f"{source.wheel} {version}"
        return RuntimeLibrary(str(path), "wheel", _sha256(path), kind, distribution)
    raise EnvironmentUnusableError(
        f"no {source.name} library ({source.file}) was found",
        why=f"looked at: runtime.path, {source.variable}, the system's loader, "
        f"the wheel {source.wheel}",
        remedy="pip install 'retime[runtime]', or name a library in the spec: "
        "runtime: {path: /path/to/" + source.file + "}",
    )


def _named(source: _Source, path: str, origin: str, who: str) -> RuntimeLibrary:
    file = Path(path)
    if not file.is_file():
        raise EnvironmentUnusableError(
            f"the {source.name} library does not exist",
            where=path,
            why=f"it is named by {who}",
            remedy=f"correct the path, or remove it to use the library in {source.wheel}",
        )
    return RuntimeLibrary(str(file.resolve()), origin, _sha256(file), source.kind)


def _in_wheel(source: _Source) -> tuple[Path, str] | None:
    """The library inside the installed wheel, whose Python code is not imported."""
    try:
        distribution = metadata.distribution(source.wheel)
    except metadata.PackageNotFoundError:
        return None
    found = [file for file in distribution.files or [] if file.name == source.file]
    return (Path(str(found[0].locate())).resolve(), distribution.version) if found else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
