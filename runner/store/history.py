"""An index of all runs, in SQLite; the files of the runs are what counts.

It is made of them alone, is held against them whenever it is read, and can be deleted at any time.
Whoever reads or writes it holds the lock of its folder, so a damaged one is never pulled away under
another process; SQLite's own locks stand beside that for other programs. It keeps a rollback
journal, since a write-ahead log does not work on network file systems.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from runner.errors import OutOfTimeError
from runner.store.entries import Entry, VariantEntry, read_entry, run_stamps
from runner.store.locks import folder_lock

# Format history of the index:
# 1 (0.1.0): the first.
# 2 (0.1.0): what the time allowed in all has cut short is unfinished.
FORMAT = 2
_FOLDER = ".history"
_FILE = "runs.sqlite"
_LOCK_WAIT_S = 10.0
# What keeps the index from being written, and no run from being read.
_HINDRANCES = (OSError, sqlite3.Error, OutOfTimeError)
_TABLES = (
    """CREATE TABLE runs (
      run TEXT PRIMARY KEY, stamp TEXT NOT NULL, name TEXT NOT NULL, question TEXT NOT NULL,
      status TEXT NOT NULL, started_s REAL, finished_s REAL, host TEXT, cpu TEXT,
      spec_sha256 TEXT, proven INTEGER, blocks INTEGER, promises INTEGER NOT NULL,
      kept INTEGER NOT NULL)""",
    """CREATE TABLE variants (
      run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, name TEXT NOT NULL,
      status TEXT NOT NULL, verdict TEXT, ratio REAL, low REAL, high REAL,
      PRIMARY KEY (run, name))""",
    "CREATE INDEX runs_by_time ON runs (coalesce(finished_s, started_s))",
    f"PRAGMA user_version = {FORMAT}",
)
_COLUMNS = [field.name for field in fields(Entry) if field.name != "variants"]
_VARIANT_COLUMNS = [field.name for field in fields(VariantEntry)]


@dataclass(frozen=True)
class Filter:
    """Which runs are meant; what is None or empty excludes none.

    Attributes:
        text: part of the name or of the question.
        host: part of the machine's name.
        status: as an entry has it.
        verdict: that a variant has; of the very variant, where that is named too.
        variant: part of a variant's name.
        since_s: finished, or begun where it is not finished, then or later; since 1970, UTC.
        before_s: the same, before then.
    """

    text: str = ""
    host: str = ""
    status: str = ""
    verdict: str = ""
    variant: str = ""
    since_s: float | None = None
    before_s: float | None = None


@dataclass(frozen=True)
class Listing:
    """What was found.

    Attributes:
        entries: the newest first.
        matching: how many there are, if not all of them were wanted.
        total: of all runs.
        note: what is to be said of the index itself; empty where it is in order.
    """

    entries: tuple[Entry, ...]
    matching: int
    total: int
    note: str = ""


def index_path(runs: Path) -> Path:
    """Where the index of a folder of runs is."""
    return runs / _FOLDER / _FILE


def list_runs(runs: Path, wanted: Filter = Filter(), limit: int = 0) -> Listing:
    """Brings the index up to date and looks runs up in it.

    Where it can't be written, the same is read from the files.

    Args:
        runs: the folder of all runs; need not exist.
        limit: the most entries; 0 for all.
    """
    if not runs.exists():
        return Listing((), 0, 0)
    try:
        return _list_locked(runs, wanted, limit)
    except _HINDRANCES as error:
        note = f"the index of runs can't be kept ({_reason(error)}); all runs were read instead"
        return _list_in_memory(runs, wanted, limit, note)


def note_run(runs: Path) -> None:
    """Enters what is new; what can't be entered now is when somebody next lists runs."""
    with suppress(*_HINDRANCES):
        if runs.exists():
            _list_locked(runs, Filter(), limit=1)


def _list_locked(runs: Path, wanted: Filter, limit: int) -> Listing:
    """Waits for whoever has the index as long as SQLite does: machines may wait behind this one."""
    with folder_lock(index_path(runs).parent, lambda _: None, _LOCK_WAIT_S):
        return _list_indexed(runs, wanted, limit)


def _list_indexed(runs: Path, wanted: Filter, limit: int) -> Listing:
    path = index_path(runs)
    state = _state_of(path)
    if state == "newer":
        note = "the index of runs is of a newer version, and was left alone; all runs were read"
        return _list_in_memory(runs, wanted, limit, note)
    note = f"the index of runs was {state} and has been made anew" if state else ""
    if state:
        _remove(path)
    try:
        return _list_at(str(path), runs, wanted, limit, note)
    except sqlite3.OperationalError:
        # Full, locked by another program, or not to be written: nothing that a new file mends.
        raise
    except sqlite3.DatabaseError:
        _remove(path)
        note = "the index of runs was damaged and has been made anew"
        return _list_at(str(path), runs, wanted, limit, note)


def _list_in_memory(runs: Path, wanted: Filter, limit: int, note: str) -> Listing:
    return _list_at(":memory:", runs, wanted, limit, note)


def _list_at(place: str, runs: Path, wanted: Filter, limit: int, note: str) -> Listing:
    with closing(_connect(place)) as index:
        _bring_up_to_date(index, runs)
        where, values = _conditions(wanted)
        count = f"SELECT count(*) FROM runs WHERE {where}"  # noqa: S608 - our own words
        (matching,) = index.execute(count, values).fetchone()
        (total,) = index.execute("SELECT count(*) FROM runs").fetchone()
        return Listing(tuple(_look_up(index, where, values, limit)), matching, total, note)


def _connect(place: str) -> sqlite3.Connection:
    index = sqlite3.connect(place, timeout=_LOCK_WAIT_S, isolation_level=None)
    index.execute("PRAGMA foreign_keys = ON")
    return index


def _state_of(path: Path) -> str:
    """What is wrong with an index: `damaged`, `of an older version` or `newer`; empty if nothing.

    Raises:
        sqlite3.OperationalError: it can't be opened or is locked.
    """
    if not path.exists():
        return ""
    try:
        with closing(_connect(str(path))) as index:
            (version,) = index.execute("PRAGMA user_version").fetchone()
            (check,) = index.execute("PRAGMA quick_check(1)").fetchone()
            tables = {name for (name,) in index.execute("SELECT name FROM sqlite_master")}
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return "damaged"
    if check != "ok" or (version == FORMAT and not tables >= {"runs", "variants"}):
        return "damaged"
    if version > FORMAT:
        return "newer"
    # One that was only just opened when its process died has nothing in it.
    return "of an older version" if version < FORMAT and tables else ""


def _remove(path: Path) -> None:
    """Removes an index, and first what SQLite would otherwise roll back into a new one."""
    for suffix in ("-journal", "-wal", "-shm", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _bring_up_to_date(index: sqlite3.Connection, runs: Path) -> None:
    index.execute("BEGIN IMMEDIATE")
    with index:
        (version,) = index.execute("PRAGMA user_version").fetchone()
        if version != FORMAT:
            for statement in _TABLES:
                index.execute(statement)
        known = dict(index.execute("SELECT run, stamp FROM runs").fetchall())
        there = run_stamps(runs)
        changed = [run for run in known if there.get(run) != known[run]]
        index.executemany("DELETE FROM runs WHERE run = ?", [(run,) for run in changed])
        for run in [run for run in there if there[run] != known.get(run)]:
            _enter(index, read_entry(runs, run, there[run]))


def _enter(index: sqlite3.Connection, entry: Entry) -> None:
    *values, _ = astuple(entry)
    _insert(index, "runs", _COLUMNS, values)
    for variant in entry.variants:
        _insert(index, "variants", ["run", *_VARIANT_COLUMNS], [entry.run, *astuple(variant)])


def _insert(
    index: sqlite3.Connection, table: str, columns: Sequence[str], values: Sequence[Any]
) -> None:
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - our own words
    index.execute(statement, values)


def _conditions(wanted: Filter) -> tuple[str, list[Any]]:
    """The filter as a condition of SQL and the values of its marks."""
    parts: list[tuple[str, list[Any]]] = [
        (
            "(instr(lower(name), lower(?)) OR instr(lower(question), lower(?)))",
            [wanted.text, wanted.text] if wanted.text else [],
        ),
        ("instr(lower(coalesce(host, '')), lower(?))", [wanted.host] if wanted.host else []),
        ("status = ?", [wanted.status] if wanted.status else []),
        ("coalesce(finished_s, started_s) >= ?", _given(wanted.since_s)),
        ("coalesce(finished_s, started_s) < ?", _given(wanted.before_s)),
    ]
    inner = [
        ("instr(lower(variants.name), lower(?))", [wanted.variant] if wanted.variant else []),
        ("variants.verdict = ?", [wanted.verdict] if wanted.verdict else []),
    ]
    of_variant = [condition for condition, values in inner if values]
    if of_variant:
        exists = " AND ".join(["variants.run = runs.run", *of_variant])
        values = [value for _, some in inner for value in some]
        parts.append((f"EXISTS (SELECT 1 FROM variants WHERE {exists})", values))  # noqa: S608 - our own words
    used = [(condition, values) for condition, values in parts if values]
    where = " AND ".join(condition for condition, _ in used) or "TRUE"
    return where, [value for _, values in used for value in values]


def _given(value: float | None) -> list[Any]:
    return [] if value is None else [value]


def _look_up(
    index: sqlite3.Connection, where: str, values: Sequence[Any], limit: int
) -> Iterator[Entry]:
    query = (
        f"SELECT {', '.join(_COLUMNS)} FROM runs WHERE {where} "  # noqa: S608 - our own words
        "ORDER BY coalesce(finished_s, started_s) DESC, run DESC LIMIT ?"
    )
    rows = index.execute(query, [*values, limit or -1]).fetchall()
    of_run = f"SELECT {', '.join(_VARIANT_COLUMNS)} FROM variants WHERE run = ? ORDER BY rowid"  # noqa: S608 - our own words
    for row in rows:
        record = dict(zip(_COLUMNS, row, strict=True))
        if record["proven"] is not None:
            record["proven"] = bool(record["proven"])
        variants = index.execute(of_run, [record["run"]]).fetchall()
        yield Entry(**record, variants=tuple(VariantEntry(*one) for one in variants))


def _reason(error: OSError | sqlite3.Error | OutOfTimeError) -> str:
    if isinstance(error, OutOfTimeError):
        return "another process works on it"
    return str((error.strerror if isinstance(error, OSError) else None) or error)
