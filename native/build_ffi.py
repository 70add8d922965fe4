"""Builds the harness as the extension module `runner.timing._harness`.

Two ways lead here: setup.py refers to `ffi` below, and running this file builds the module beside
the Python code that imports it. Both need a C compiler; the module works with every Python from
3.10 on, because it keeps to the limited API.
"""

from __future__ import annotations

import os
from pathlib import Path

from cffi import FFI

ROOT = Path(__file__).resolve().parent.parent

ffi = FFI()
ffi.cdef((ROOT / "native/include/retime_api.h").read_text(encoding="utf-8"))
ffi.set_source(
    "runner.timing._harness",
    '#include "retime.h"',
    # Setuptools wants these relative to the folder of setup.py.
    sources=sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("native/src/*.c")),
    depends=sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("native/*/*.h")),
    include_dirs=["native/include"],
    libraries=["dl"],
    # native/Makefile has more warnings, and as errors. Here compilers differ, and part of the code
    # is cffi's, which is not pedantic.
    extra_compile_args=[
        *("-std=c11", "-O2", "-fvisibility=hidden"),
        *("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wstrict-prototypes"),
    ],
    py_limited_api=True,
)


def build() -> None:
    """Builds the module in place, wherever this is run from."""
    from setuptools import setup

    os.chdir(ROOT)
    setup(
        name="retime-harness",
        packages=[],
        cffi_modules=["native/build_ffi.py:ffi"],
        script_args=[
            *("build_ext", "--inplace", "--build-temp", "native/build/extension"),
            *("--build-lib", "native/build/extension/lib"),
        ],
    )


if __name__ == "__main__":
    build()
