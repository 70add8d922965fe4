"""What lies outside a spec and yet determines what comes out: libraries, files, this machine."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from runner.plan.records import Surroundings
from runner.spec.model import Spec
from runner.steps.contents import hash_contents
from runner.timing.host import describe_host
from runner.timing.libraries import RuntimeLibrary, find_library
from runner.timing.probe import probe_library

_DISTRIBUTIONS = (
    "tensorflow",
    "keras",
    "numpy",
    "pillow",
    "tf-keras",
    "tensorflow-model-optimization",
    "ai-edge-quantizer",
    "tensorflow-datasets",
)


def find_libraries(spec: Spec) -> dict[str, RuntimeLibrary]:
    """Variant's name -> its inference library.

    Raises:
        EnvironmentUnusableError: one of them is not there.
    """
    wanted = {
        variant.name: (variant.runtime.library, variant.runtime.path) for variant in spec.variants
    }
    found = {one: find_library(*one) for one in set(wanted.values())}
    return {name: found[one] for name, one in wanted.items()}


def check_libraries(libraries: Iterable[RuntimeLibrary], folder: Path) -> None:
    """Opens each library once, so that a wrong one is known before anything is trained.

    Args:
        folder: an existing one, for a log that is removed again.

    Raises:
        EnvironmentUnusableError: one is of another kind, or the harness was not compiled.
    """
    for library in set(libraries):
        probe_library(library, folder / ".probe.log")


def look_around(spec: Spec, libraries: Mapping[str, RuntimeLibrary]) -> Surroundings:
    """Reads versions and hashes; imports none of the libraries."""
    host = describe_host()
    return Surroundings(
        versions={name: _version(name) for name in _DISTRIBUTIONS},
        files=hash_contents(spec),
        libraries={name: found.sha256 or found.path for name, found in libraries.items()},
        host=f"{host['name']}/{host['cpu']}/{host['kernel']}/{platform.machine()}",
    )


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
