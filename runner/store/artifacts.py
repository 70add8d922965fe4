"""What stages made, addressed by the key of their content: whole or absent, never half."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from runner.store.files import sync_folder, write_durably

_MANIFEST = "manifest.json"
# Nobody comes back to a stage that was left half done for so long.
_SCRATCH_LIFE_S = 30 * 86400


@dataclass(frozen=True)
class Artifact:
    """A finished stage's files.

    Attributes:
        created: when, in ISO 8601, UTC.
        seconds: how long the stage took.
        bytes: of all its files.
        identity: everything that determined the content.
        summary: the stage's own figures.
    """

    key: str
    folder: Path
    created: str
    seconds: float
    bytes: int
    identity: Mapping[str, Any]
    summary: Mapping[str, Any]

    def file(self, name: str) -> Path:
        """The path of one of its files."""
        return self.folder / name


class ArtifactStore:
    """Artifacts below one folder: `<stage>/<key>/`, each with a manifest of its files' hashes.

    An artifact is written in a temporary folder on the same file system and renamed, so that
    whoever looks sees all of it or nothing. Two processes that make the same artifact both succeed;
    the first one's stays.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, stage: str, key: str) -> Artifact | None:
        """The artifact if it is there and every file has the length that its manifest states."""
        folder = self._folder(stage, key)
        manifest = _read_manifest(folder)
        whole = manifest is not None and _has_all_files(folder, manifest)
        return _artifact(folder, manifest) if manifest and whole else None

    def verified(self, stage: str, key: str) -> Artifact | None:
        """As `find`, and every file's hash is as the manifest states; a damaged one is removed."""
        found = self.find(stage, key)
        manifest = _read_manifest(self._folder(stage, key)) or {"files": {}}
        damaged = found is not None and any(
            _sha256(found.folder / name) != entry["sha256"]
            for name, entry in manifest["files"].items()
        )
        if damaged:
            self._remove(self._folder(stage, key))
        return None if damaged else found

    def survey(self, stage: str) -> Iterator[tuple[Artifact, bool]]:
        """All artifacts of a stage, the newest first, and whether each has all its files."""
        manifests = ((one, _read_manifest(one)) for one in (self._root / stage).glob("*"))
        there = [(folder, manifest) for folder, manifest in manifests if manifest]
        for folder, manifest in sorted(there, key=lambda one: str(one[1]["created"]), reverse=True):
            yield _artifact(folder, manifest), _has_all_files(folder, manifest)

    def draft(self, stage: str, key: str) -> Path:
        """An empty folder to make an artifact in; `commit` or `discard` it."""
        self._sweep()
        folder = self._root / "tmp" / f"{stage}-{key[:12]}.{os.getpid()}"
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        return folder

    def scratch(self, stage: str, key: str) -> Path:
        """A folder, not made here, that outlives failed attempts at an artifact.

        A stage notes in it how far it is. It goes when the artifact is committed, or is forgotten
        when nobody wrote to it for a month.
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
            "format": 1,
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
        for path in files:
            with path.open("rb") as file:
                os.fsync(file.fileno())
        write_durably(draft / _MANIFEST, json.dumps(manifest, indent=1, allow_nan=False))
        final = self._folder(stage, key)
        final.parent.mkdir(parents=True, exist_ok=True)
        if self.find(stage, key) is None and final.exists():
            self._remove(final)
        try:
            draft.rename(final)
        except OSError:
            # Another process was first; what it made has the same content by definition.
            if self.find(stage, key) is None:
                raise
            self.discard(draft)
        sync_folder(final.parent)
        shutil.rmtree(self.scratch(stage, key), ignore_errors=True)
        return _artifact(final, manifest)

    def discard(self, draft: Path) -> None:
        """Removes a draft."""
        shutil.rmtree(draft, ignore_errors=True)

    def tidy(self) -> None:
        """Removes this process's drafts and whatever else it left beside them."""
        for folder in (self._root / "tmp").glob(f"*.{os.getpid()}"):
            shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, stage: str, key: str) -> Path:
        return self._root / stage / key

    def _remove(self, folder: Path) -> None:
        """Renames before removing, so that nobody sees half an artifact."""
        trash = self._root / "tmp" / f"{folder.name[:12]}.removed.{os.getpid()}"
        trash.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            folder.rename(trash)
        shutil.rmtree(trash, ignore_errors=True)

    def _sweep(self) -> None:
        """Removes the drafts of processes that are gone, and notes that nobody comes back to."""
        for folder in (self._root / "checkpoints").glob("*-*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - folder.stat().st_mtime > _SCRATCH_LIFE_S:
                    shutil.rmtree(folder, ignore_errors=True)
        for folder in (self._root / "tmp").glob("*.*"):
            owner = folder.name.rpartition(".")[2]
            if owner.isdigit() and not Path("/proc", owner).exists():
                shutil.rmtree(folder, ignore_errors=True)


def _artifact(folder: Path, manifest: Mapping[str, Any]) -> Artifact:
    return Artifact(
        key=folder.name,
        folder=folder,
        created=manifest["created"],
        seconds=manifest["seconds"],
        bytes=sum(entry["bytes"] for entry in manifest["files"].values()),
        identity=manifest["identity"],
        summary=manifest["summary"],
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


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    needed = {"format", "created", "seconds", "identity", "summary", "files"}
    whole = isinstance(manifest, dict) and needed <= manifest.keys() and manifest["format"] == 1
    return manifest if whole else None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
