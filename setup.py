"""The one thing that pyproject.toml can't say: the harness is a cffi extension."""

from setuptools import setup

setup(cffi_modules=["native/build_ffi.py:ffi"])
