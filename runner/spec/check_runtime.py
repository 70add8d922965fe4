"""Rules about what runs the model, and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.spec.check import Check, Findings, is_file, no_file
from runner.spec.document import Finding
from runner.spec.guess import did_you_mean, listed
from runner.spec.parts import Parts

LOCAL = "local"


def _library(parts: Parts) -> Findings:
    path = parts["runtime"].get("path")
    if path is not None and not is_file(path):
        remedy = "write the path of a shared library, read from the spec's folder, or leave it out"
        yield Finding(("runtime", "path"), no_file(path), remedy)


def _delegate(parts: Parts) -> Findings:
    ((name, options),) = parts["runtime"]["delegate"].items()
    if name == "external" and not is_file(options["path"]):
        path = ("runtime", "delegate", "external", "path")
        yield Finding(path, no_file(options["path"]), "write the path of the delegate's library")


def _signature(parts: Parts) -> Findings:
    runtime = parts["runtime"]
    if "signature" in runtime and runtime["call"] != "signature":
        message = "is not used: the interpreter runs the model's main graph"
        remedy = "write call: signature beside it, or remove it"
        yield Finding(("runtime", "signature"), message, remedy, at_key=True)


def _affinity(parts: Parts) -> Findings:
    cores = parts["runtime"].get("affinity", [])
    twice = sorted({core for core in cores if cores.count(core) > 1})
    if twice:
        message = f"names core {listed(map(str, twice), 'and')} twice"
        yield Finding(("runtime", "affinity"), message, "name each core once")


def _target(parts: Parts) -> Findings:
    target, known = parts["target"], [LOCAL, *parts["targets"]]
    if target not in known:
        message = f"there is no target {target}{did_you_mean(target, known)}"
        remedy = f"write {LOCAL}, or describe it under targets"
        yield Finding(("target",), message, remedy)


def target_findings(targets: Mapping[str, Any]) -> Findings:
    """What is wrong with the devices, used or not."""
    if LOCAL in targets:
        message = f"{LOCAL} is this machine and can't be described"
        yield Finding(("targets", LOCAL), message, "give the device another name", at_key=True)


CHECKS = (
    Check(_library, ("runtime",)),
    Check(_delegate, ("runtime",)),
    Check(_signature, ("runtime",)),
    Check(_affinity, ("runtime",)),
    Check(_target, ("target", "targets")),
)
