"""What stages made, addressed by the key of their content: whole or absent, never half."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from runner.store.claims import Claim, remove_abandoned
from runner.store.files import make_folder, sync_folder, sync_tree, write_durably
from runner.store.sealing import is_intact, sealed

_MANIFEST = "manifest.json"
# Of manifests. 1 had no seal, so that a flipped bit in a figure went unnoticed.
_FORMAT = 2
# Folders beside those of stages: drafts, notes of unfinished stages, and who uses what.
_NOT_STAGES = {"tmp", "checkpoints", "in-use"}
# Nobody comes back to a stage that was left half done for so long.
_SCRATCH_LIFE_S = 30 * 86400


@dataclass(frozen=True)
class FileFacts:
    """What a manifest says of a file."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Artifact:
    """A finished stage's files.

    Attributes:
        created: when, in ISO 8601, UTC.
        seconds: how long the stage took.
        bytes: of all its files.
        identity: everything that determined the content.
        summary: the stage's own figures.
        files: name below its folder -> what its manifest says of the file.
    """

    key: str
    folder: Path
    created: str
    seconds: float
    bytes: int
    identity: Mapping[str, Any]
    summary: Mapping[str, Any]
    files: Mapping[str, FileFacts] = field(default_factory=dict)

    def file(self, name: str) -> Path:
        """The path of one of its files."""
        return self.folder / name


@dataclass(frozen=True)
class Checked:
    """What came of holding an artifact against its manifest.

    Attributes:
        artifact: it, with every file as its manifest states; None where it is not there.
        damaged: the files that are not as they were; then the artifact has been removed.
    """

    artifact: Artifact | None
    damaged: tuple[str, ...] = ()


class ArtifactStore:
    """Artifacts below one folder: `<stage>/<key>/`, each with a manifest of its files' hashes.

    An artifact is written in a temporary folder on the same file system and renamed, so that
    whoever looks sees all of it or nothing. Two processes that make the same artifact both succeed;
    the first one's stays.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._claim: Claim | None = None

    def find(self, stage: str, key: str) -> Artifact | None:
        """The artifact if it is there and every file has the length that its manifest states."""
        folder = self._folder(stage, key)
        manifest = _read_manifest(folder)
        whole = manifest is not None and _has_all_files(folder, manifest)
        return _artifact(folder, manifest) if manifest and whole else None

    def check(self, stage: str, key: str) -> Checked:
        """The artifact, every file compared with its hash; a damaged one is removed."""
        folder = self._folder(stage, key)
        if not folder.exists():
            return Checked(None)
        manifest = _read_manifest(folder)
        damaged = (_MANIFEST,) if manifest is None else tuple(_damaged(folder, manifest))
        if manifest is None or damaged:
            self._remove(folder)
            return Checked(None, damaged)
        _note_use(folder)
        return Checked(_artifact(folder, manifest))

    def survey(self, stage: str) -> Iterator[tuple[Artifact, bool]]:
        """All artifacts of a stage, the newest first, and whether each has all its files."""
        manifests = ((one, _read_manifest(one)) for one in (self._root / stage).glob("*"))
        there = [(folder, manifest) for folder, manifest in manifests if manifest]
        for folder, manifest in sorted(there, key=lambda one: str(one[1]["created"]), reverse=True):
            yield _artifact(folder, manifest), _has_all_files(folder, manifest)

    def addresses(self) -> Iterator[tuple[str, str]]:
        """Stage and key of every artifact, damaged ones among them."""
        for folder in sorted(self._root.glob("*/*")):
            if folder.parent.name not in _NOT_STAGES and folder.is_dir():
                yield folder.parent.name, folder.name

    def faults(self, stage: str, key: str) -> list[str]:
        """What is wrong with an artifact, after reading all of it; nothing where it is sound."""
        folder = self._folder(stage, key)
        manifest = _read_manifest(folder)
        if manifest is None:
            return [f"{_MANIFEST}: missing, or not as it was written"]
        faults = []
        for name, entry in manifest["files"].items():
            if fault := _fault(folder / name, entry):
                faults.append(f"{name}: {fault}")
        return faults

    def remove(self, stage: str, key: str) -> None:
        """Removes an artifact; only for whoever knows that nobody is at work with it."""
        self._remove(self._folder(stage, key))

    def draft(self, stage: str, key: str) -> Path:
        """An empty folder to make an artifact in; `commit` or `discard` it, and `tidy` last."""
        folder = self._temporary(f"{stage}-{key[:12]}")
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        return folder

    def scratch(self, stage: str, key: str) -> Path:
        """A folder, not made here, that outlives failed attempts at an artifact.

        A stage notes in it how far it is. It goes when the artifact is committed, or is forgotten
        when nobody wrote to it for a month and no unfinished run needs it.
        """
        return self._root / "checkpoints" / f"{stage}-{key}"

    def commit(
        self,
        draft: Path,
        stage: str,
        key: str,
        *,
        identity: Mapping[str, Any],
        summary: Mapping[str, Any],
        seconds: float,
    ) -> Artifact:
        """Makes the draft visible under its key.

        Raises:
            OSError: the disk is full or refuses; nothing is visible then.
        """
        files = sorted(path for path in draft.rglob("*") if path.is_file())
        manifest = {
            "format": _FORMAT,
            "stage": stage,
            "key": key,
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "seconds": round(seconds, 3),
            "identity": identity,
            "summary": summary,
            "files": {
                str(path.relative_to(draft)): {
                    "bytes": path.stat().st_size,
                    "sha256": _sha256(path),
                }
                for path in files
            },
        }
        sync_tree(draft)
        seal = sealed(manifest)
        write_durably(draft / _MANIFEST, json.dumps(seal, indent=1, allow_nan=False))
        final = self._folder(stage, key)
        make_folder(final.parent)
        if self.find(stage, key) is None and final.exists():
            self._remove(final)
        made = _artifact(final, manifest)
        try:
            draft.rename(final)
        except OSError:
            # Another process was first; what it made has the same content by definition.
            other = self.find(stage, key)
            if other is None:
                raise
            made = other
            self.discard(draft)
        sync_folder(final.parent)
        self.forget_scratch(stage, key)
        return made

    def forget_scratch(self, stage: str, key: str) -> None:
        """Removes the notes of a stage that is done, which may have been killed before that."""
        shutil.rmtree(self.scratch(stage, key), ignore_errors=True)

    def discard(self, draft: Path) -> None:
        """Removes a draft."""
        shutil.rmtree(draft, ignore_errors=True)

    def tidy(self) -> None:
        """Removes this process's drafts and whatever else it left beside them."""
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def sweep(self, wanted: Callable[[], Container[str]] = lambda: ()) -> None:
        """Removes the drafts of processes that are gone, and notes that nobody comes back to.

        Args:
            wanted: keys whose notes stay, however old they look; asked only where some do.
        """
        folders = (self._root / "checkpoints").glob("*-*")
        if old := [folder for folder in folders if _is_old(folder)]:
            keys = wanted()
            for folder in old:
                if folder.name.partition("-")[2] not in keys:
                    shutil.rmtree(folder, ignore_errors=True)
        self.remove_abandoned()

    def remove_abandoned(self) -> None:
        """Removes the drafts of processes that are gone."""
        remove_abandoned(self._root / "tmp")

    def come_back_to(self, stage: str, key: str) -> None:
        """Says that a stage's notes are wanted, however old the clock takes them to be.

        A board without a battery begins its days in 1970, and finds the real date later.
        """
        with contextlib.suppress(FileNotFoundError):
            os.utime(self.scratch(stage, key))

    def _folder(self, stage: str, key: str) -> Path:
        return self._root / stage / key

    def _temporary(self, stem: str) -> Path:
        if self._claim is None:
            self._claim = Claim(self._root / "tmp")
        return self._claim.name(stem)

    def _remove(self, folder: Path) -> None:
        """Renames before removing, so that nobody sees half an artifact."""
        trash = self._temporary(f"{folder.parent.name}-{folder.name[:12]}.removed")
        shutil.rmtree(trash, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            folder.rename(trash)
        shutil.rmtree(trash, ignore_errors=True)


def _is_old(folder: Path) -> bool:
    """Whether nobody wrote to a stage's notes for a month, as far as the clock can tell."""
    try:
        return time.time() - folder.stat().st_mtime > _SCRATCH_LIFE_S
    except FileNotFoundError:
        return False


def _artifact(folder: Path, manifest: Mapping[str, Any]) -> Artifact:
    return Artifact(
        key=folder.name,
        folder=folder,
        created=manifest["created"],
        seconds=manifest["seconds"],
        bytes=sum(entry["bytes"] for entry in manifest["files"].values()),
        identity=manifest["identity"],
        summary=manifest["summary"],
        files={name: FileFacts(**entry) for name, entry in manifest["files"].items()},
    )


def _has_all_files(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether every file is there and as long as the manifest states."""
    try:
        return all(
            (folder / name).stat().st_size == entry["bytes"]
            for name, entry in manifest["files"].items()
        )
    except OSError:
        return False


def _damaged(folder: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    """The files that are missing, can't be read, or hold something else than they did."""
    return (name for name, entry in manifest["files"].items() if _fault(folder / name, entry))


def _note_use(folder: Path) -> None:
    """Leaves on the folder when its artifact was last used; its files stay as they are."""
    with contextlib.suppress(OSError):
        # A cache that others may only read is none that they clear up either.
        os.utime(folder)


def _fault(path: Path, entry: Mapping[str, Any]) -> str:
    """How a file differs from what its manifest states; empty where it does not."""
    try:
        if path.stat().st_size != entry["bytes"]:
            return f"{path.stat().st_size} bytes long instead of {entry['bytes']}"
        return "" if _sha256(path) == entry["sha256"] else "its content has changed"
    except OSError as error:
        return str(error.strerror).lower()


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    needed = {"format", "created", "seconds", "identity", "summary", "files"}
    whole = isinstance(manifest, dict) and needed <= manifest.keys()
    return manifest if whole and manifest["format"] == _FORMAT and is_intact(manifest) else None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
