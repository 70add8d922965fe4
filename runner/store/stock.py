"""What lies in a cache: artifacts, who needs them, and what was left behind. Changes nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from runner.store.artifacts import ArtifactStore
from runner.store.claims import abandoned
from runner.store.runs import read_json, was_cut_short
from runner.store.usage import keys_in_use


@dataclass(frozen=True)
class Item:
    """One artifact.

    Attributes:
        bytes: of all its files.
        made_s: when it was made, in seconds since 1970, UTC.
        used_s: when a bench last took it.
        is_whole: every file is there and as long as it should be; contents are not read for that.
        runs: `name/run-id` of the runs that were planned with it.
        unfinished_runs: those among them that have no result yet, or one that was cut short.
        in_use_by: the process that is at work with it, in words; empty if there is none.
    """

    stage: str
    key: str
    folder: Path
    bytes: int
    made_s: float
    used_s: float
    is_whole: bool
    runs: tuple[str, ...] = ()
    unfinished_runs: tuple[str, ...] = ()
    in_use_by: str = ""


@dataclass(frozen=True)
class Leftover:
    """Something in a cache that is no artifact.

    Attributes:
        kind: `draft` of a process that has ended, or `checkpoint` of an unfinished stage.
        key: of the stage that it belongs to; a part of it for a draft, empty where it is of none.
        changed_s: when it was last written to, in seconds since 1970, UTC.
    """

    kind: str
    stage: str
    key: str
    folder: Path
    bytes: int
    changed_s: float
    unfinished_runs: tuple[str, ...] = ()
    in_use_by: str = ""


@dataclass(frozen=True)
class Stock:
    """All that lies in a cache.

    Attributes:
        items: in the order of stages and keys.
    """

    folder: Path
    items: tuple[Item, ...]
    leftovers: tuple[Leftover, ...]

    @property
    def bytes(self) -> int:
        """Of all artifacts and of what was left behind."""
        return _bytes(self.items) + _bytes(self.leftovers)


@dataclass(frozen=True)
class Damage:
    """An artifact that is not what its manifest says.

    Attributes:
        faults: what is wrong with which of its files.
        is_removed: so that whoever needs it next makes it again.
    """

    item: Item
    faults: tuple[str, ...]
    is_removed: bool = False


def take_stock(cache: Path, runs: Path) -> Stock:
    """Looks through a cache, and through the plans of all runs for who needs what.

    Args:
        cache: need not exist.
        runs: the folder of all results.
    """
    store, in_use = ArtifactStore(cache), keys_in_use(cache)
    named, unfinished = _needed_by(runs)
    items = (_item(store, cache / stage / key, stage, key) for stage, key in store.addresses())
    return Stock(
        folder=cache,
        items=tuple(
            replace(
                item,
                runs=tuple(named.get(item.key, ())),
                unfinished_runs=tuple(unfinished.get(item.key, ())),
                in_use_by=in_use.get(item.key, ""),
            )
            for item in items
        ),
        leftovers=(*_drafts(cache), *_checkpoints(cache, unfinished, in_use)),
    )


def unfinished_keys(runs: Path) -> Set[str]:
    """Of all stages that runs which are not finished would go on with.

    Args:
        runs: the folder of all results.
    """
    return _needed_by(runs)[1].keys()


def _bytes(pieces: Sequence[Item | Leftover]) -> int:
    return sum(one.bytes for one in pieces)


def _item(store: ArtifactStore, folder: Path, stage: str, key: str) -> Item:
    artifact = store.find(stage, key)
    used_s = _changed_s(folder)
    return Item(
        stage=stage,
        key=key,
        folder=folder,
        bytes=artifact.bytes if artifact else _size(folder),
        made_s=_seconds(artifact.created, used_s) if artifact else used_s,
        used_s=used_s,
        is_whole=artifact is not None,
    )


def _drafts(cache: Path) -> Iterator[Leftover]:
    """Temporary folders of processes that have ended."""
    for folder in abandoned(cache / "tmp"):
        stage, _, key = folder.name.partition(".")[0].rpartition("-")
        yield Leftover("draft", stage, key, folder, _size(folder), _changed_s(folder))


def _checkpoints(
    cache: Path, unfinished: Mapping[str, list[str]], in_use: Mapping[str, str]
) -> Iterator[Leftover]:
    """How far stages are that did not end."""
    for folder in sorted((cache / "checkpoints").glob("*-*")):
        stage, _, key = folder.name.partition("-")
        yield Leftover(
            kind="checkpoint",
            stage=stage,
            key=key,
            folder=folder,
            bytes=_size(folder),
            changed_s=_changed_s(folder),
            unfinished_runs=tuple(unfinished.get(key, ())),
            in_use_by=in_use.get(key, ""),
        )


def _needed_by(runs: Path) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Key -> the runs that name it, and those of them that are not finished."""
    named: dict[str, list[str]] = {}
    unfinished: dict[str, list[str]] = {}
    for path in sorted(runs.glob("*/*-*/plan.json")):
        try:
            keys = json.loads(path.read_text(encoding="utf-8"))["stages"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        run = str(path.parent.relative_to(runs))
        is_finished = _is_finished(path.parent)
        for key in keys:
            named.setdefault(key, []).append(run)
            if not is_finished:
                unfinished.setdefault(key, []).append(run)
    return named, unfinished


def _is_finished(run: Path) -> bool:
    """Whether the same command would do nothing for the run any more."""
    result = read_json(run / "result.json")
    try:
        return result is not None and not was_cut_short(result)
    except (KeyError, TypeError):
        # It is damaged, and will be put together again.
        return False


def _size(folder: Path) -> int:
    """Bytes of all files below a folder, which may vanish meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).lstat().st_size
            except OSError:
                continue
    return total


def _changed_s(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def _seconds(iso: str, otherwise: float) -> float:
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return otherwise
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()
