"""Folders named by when they began, which appear whole; names rise whatever the clock says.

For whoever holds the folder that they are in; two at once would take each other's drafts away.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

from runner.store.files import make_folder, sync_folder

# What such a folder is found by.
NAMES = "[0-9]*-*"
_UNFINISHED = ".new."
_INSTANT = "%Y%m%d-%H%M%S"


@contextmanager
def appearing(home: Path, suffix: str) -> Iterator[Path]:
    """A draft to be filled, which is renamed to `INSTANT-SUFFIX` in the end, durably.

    Drafts of processes that died are removed.
    """
    for left in home.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)
    name = f"{_instant(home)}-{suffix}"
    draft = home / f"{_UNFINISHED}{name}"
    make_folder(draft)
    yield draft
    draft.rename(home / name)
    sync_folder(home)


def name_of(draft: Path) -> str:
    """What a draft will be called."""
    return draft.name.removeprefix(_UNFINISHED)


def _instant(home: Path) -> str:
    """Now; later than every folder that is there, whatever the clock says."""
    instant = datetime.now(timezone.utc).strftime(_INSTANT)
    newest = max((one.name[: len(instant)] for one in home.glob(NAMES)), default="")
    if newest < instant:
        return instant
    try:
        last = datetime.strptime(newest, _INSTANT).replace(tzinfo=timezone.utc)
    except ValueError:
        return instant
    return (last + timedelta(seconds=1)).strftime(_INSTANT)
