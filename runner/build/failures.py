"""What can go wrong in a stage, told apart by what a person can do about it."""

from __future__ import annotations

import errno
import math
import re
from collections.abc import Iterator
from urllib.error import HTTPError, URLError

from runner.endings import FOR_THE_MOMENT

# What libraries write when the system's error number got lost on the way.
_FULL_DISK_WORDS = ("No space left on device", "errno = 28", "Disk quota exceeded")
# Extra -> the packages that come with it, by what is imported.
_EXTRAS = {
    "train": ("PIL", "h5py", "keras", "tensorflow"),
    "compress": ("tensorflow_model_optimization", "tf_keras"),
    "quantizer": ("ai_edge_quantizer",),
    "datasets": ("importlib_resources", "tensorflow_datasets"),
}
_NO_MODULE = re.compile(r"No module named '?(?P<module>[\w.]+)")
_MOST_LINES = 12
_MOST_CHARACTERS = 1500


class StageFailure(Exception):  # noqa: N818 - what happened, not a mistake
    """Raised in a worker: a failure whose reason is known.

    Args:
        kind: a stable word for machines: `bad_input`, `exception`, `missing_package`, `nan_loss`,
            `no_space`, `out_of_memory`, `refused`, or `unavailable`: it may be there in a minute.
    """

    def __init__(self, kind: str, what: str, *, why: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.kind = kind
        self.what = what
        self.why = why
        self.remedy = remedy

    def as_record(self) -> dict[str, str]:
        """The failure as the parent reads it."""
        return {"kind": self.kind, "what": self.what, "why": self.why, "remedy": self.remedy}


def check_loss(loss: float, where: str, remedy: str) -> None:
    """Ends a training that has gone astray.

    Args:
        where: the epoch and the batch, in words.

    Raises:
        StageFailure: the loss is no number any more.
    """
    if not math.isfinite(loss):
        what = "the loss became NaN or infinite"
        raise StageFailure("nan_loss", what, why=where, remedy=remedy)


def explain(error: BaseException) -> StageFailure:
    """The failure that an exception amounts to; a traceback is no part of it."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, StageFailure):
            return cause
    if any(map(_is_full_disk, causes)):
        named = [c for c in causes if isinstance(c, OSError) and c.filename]
        return StageFailure(
            "no_space",
            "no space left on the device",
            why=str(named[0].filename) if named else excerpt(error),
            remedy="free some room and run the same command again; it goes on where it stopped",
        )
    if any(isinstance(c, OSError) and c.errno in FOR_THE_MOMENT for c in causes):
        return StageFailure(
            "unavailable",
            "the system had no room for another process or file",
            why=excerpt(error),
            remedy="end other work on this machine and run the same command again",
        )
    missing = next((c for c in causes if isinstance(c, ModuleNotFoundError)), None)
    if missing is not None and _package(missing) != "runner":
        return _missing(missing)
    if any(map(_is_no_memory, causes)):
        return StageFailure(
            "out_of_memory",
            "not enough memory",
            why=excerpt(error),
            remedy="a smaller batch size or image size needs less",
        )
    return StageFailure(
        "exception",
        f"{_name(error)}: {excerpt(error).partition(chr(10))[0]}",
        why=excerpt(error).partition("\n")[2],
        remedy="the log holds the whole story",
    )


def _missing(error: ModuleNotFoundError) -> StageFailure:
    """The failure that a missing package is; only an extra that has it is a remedy."""
    package = _package(error)
    extra = next((name for name, some in _EXTRAS.items() if package in some), None)
    return StageFailure(
        "missing_package",
        f"the package {package} is not installed" if package else "a package is not installed",
        why=excerpt(error),
        remedy=f"pip install 'retime[{extra}]'"
        if extra
        else "install it where Retime is installed; the log says what asked for it",
    )


def _package(error: ModuleNotFoundError) -> str:
    """The package of the module that is missing; of its message where the error has no name."""
    found = _NO_MODULE.search(str(error))
    name = error.name or (found["module"] if found else "")
    return name.partition(".")[0]


def kind_of_download(error: BaseException) -> str:
    """`unavailable` where the network is what failed, which it may not do again; or `refused`."""
    for cause in _causes(error):
        if isinstance(cause, HTTPError):
            return "unavailable" if cause.code >= 500 else "refused"
        if isinstance(cause, (URLError, ConnectionError, TimeoutError)):
            return "unavailable"
    return "refused"


def excerpt(error: BaseException) -> str:
    """What an exception says, cut to what a person reads."""
    lines = [line.rstrip() for line in str(error).strip().splitlines() if line.strip()]
    text = "\n".join(lines[:_MOST_LINES])
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]} ..."


def _is_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return True
    return any(words in str(error) for words in _FULL_DISK_WORDS)


def _is_no_memory(error: BaseException) -> bool:
    # TensorFlow's own exception is known by its name: this module never imports it.
    if isinstance(error, MemoryError) or _name(error) == "ResourceExhaustedError":
        return True
    return isinstance(error, OSError) and error.errno == errno.ENOMEM


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception, what it was raised from, and so on."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _name(error: BaseException) -> str:
    return type(error).__name__
