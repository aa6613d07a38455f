"""The journal's file: one SQLite database for all runs of a user, created once and checked at every opening.

A commit has reached the disk when it returns (WAL with synchronous=FULL; sqlite.org/pragma.html#pragma_synchronous).
It is in a second file, the write-ahead log, until a checkpoint; copies may leave that file behind, and SQLite silently
drops what follows a damaged frame of it (sqlite.org/walformat.html). So a run's first intents and its end are
checkpointed, and its own file holds all its intents too (`run_file`). A checkpoint takes three more waits for the disk.
Each row carries a checksum of its values (`sealed`).
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from gameday.disk import make_private_folder, open_private
from gameday.errors import JournalError

SCHEMA = 3
SMALLEST = 512
"""Bytes of the smallest SQLite page (sqlite.org/fileformat.html#pages)."""
_OURS = frozenset({"journal.lock", "journal.db", "journal.db-wal", "journal.db-shm", "runs", "turns", "history"})
"""Names of all that Gameday makes in its home."""
BUSY = 30.0
"""Seconds to wait for another process that is writing: 64 runs at once on two cores waited more than 10 s."""

_TABLES = """
CREATE TABLE runs (
  id TEXT PRIMARY KEY, workload TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, place TEXT NOT NULL,
  pid INTEGER NOT NULL, who TEXT NOT NULL, started REAL NOT NULL, plan TEXT NOT NULL, taken REAL, ended REAL,
  note TEXT NOT NULL, intents INTEGER NOT NULL, checksum TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE entries (
  run TEXT NOT NULL, position INTEGER NOT NULL, planned_fault INTEGER NOT NULL, stage INTEGER NOT NULL,
  change TEXT NOT NULL, was TEXT NOT NULL, intended REAL NOT NULL, sent REAL, answered REAL, error TEXT, made TEXT,
  state TEXT NOT NULL, note TEXT NOT NULL, checksum TEXT NOT NULL, PRIMARY KEY (run, position)
) WITHOUT ROWID;
"""


def sealed(values: Iterable[object]) -> str:
    """Return the checksum of a row's values: a byte that changed on the disk does not fit it."""
    # SQLite returns a whole number of a REAL column as a float.
    plain = [float(value) if isinstance(value, int) else value for value in values]
    return sha256(json.dumps(plain, default=repr).encode()).hexdigest()


def home() -> Path:
    """Return the state directory: GAMEDAY_HOME, or `gameday` where the XDG Base Directory Specification puts state."""
    if own := os.environ.get("GAMEDAY_HOME"):
        return Path(own)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "gameday"


def opened(folder: Path) -> sqlite3.Connection:
    """Open the database in a folder, and create it if needed. Raises JournalError where it is damaged or read-only."""
    with explained(folder):
        make_private_folder(folder / "runs")
        with open_private(folder / "journal.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two processes must not both create the tables
            _must_not_be_lost(folder)
            _take_rights_away(folder)
            db = sqlite3.connect(folder / "journal.db", timeout=BUSY, isolation_level=None)
            db.text_factory = _text
            try:
                _lay_out(db, folder)
            except BaseException:
                db.close()
                raise
            if not lock.tell():
                lock.write(b"journal.db was created\n")
    return db


def checkpoint(db: sqlite3.Connection) -> None:
    """Bring all commits into the database's own file; give up while others use it, since the log holds them too."""
    db.execute("PRAGMA wal_checkpoint(FULL)").fetchall()


def _text(raw: bytes) -> str:
    """Return a text of the database; damaged bytes give one that no checksum fits, and no error."""
    return raw.decode("utf-8", "surrogateescape")


def _must_not_be_lost(folder: Path) -> None:
    """Raise JournalError where traces of the journal are left, but its file is missing or empty.

    SQLite would create new tables in an empty file, and would delete the log of a missing one.
    """
    file, log, mark = (folder / f"journal.{name}" for name in ("db", "db-wal", "lock"))
    size = file.stat().st_size if file.exists() else 0
    if size >= SMALLEST:
        return
    runs = sorted((folder / "runs").glob("*.lock"))
    left = [*runs, *(path for path in (log, mark) if path.exists() and path.stat().st_size)]
    if left or size:
        state = "cut short" if size else "empty" if file.exists() else "missing"
        left_behind = f", but {left[0]} is there" if left else ""
        raise JournalError(
            f"{file} is {state}{left_behind}: Gameday cannot know what its runs must still undo",
            _PUT_BACK,
            gd_code="GD-E301",
        )


def _take_rights_away(folder: Path) -> None:
    """Leave the journal to its owner alone, also one that an older version made.

    SQLite gives its log and its index the mode of the database (its os_unix.c, findCreateFileMode). A home that holds
    other files than ours keeps its mode: it may be a folder that others need.
    """
    open_private(folder / "journal.db").close()
    names = {path.name for path in folder.iterdir()}
    for name in sorted(names & _OURS):
        _take_rights_of_others(folder / name)
    if names <= _OURS:
        _take_rights_of_others(folder)


def _take_rights_of_others(path: Path) -> None:
    with suppress(FileNotFoundError):  # SQLite removes its log and index when another process closes the database
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & 0o077:
            path.chmod(mode & 0o700)


def _lay_out(db: sqlite3.Connection, folder: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, SCHEMA):
        raise JournalError(
            f"the journal in {folder} has schema {version}; this version of Gameday reads schema {SCHEMA}",
            "restore its runs with the version that wrote it, or set GAMEDAY_HOME to another directory",
            gd_code="GD-E301",
        )
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA fullfsync=ON")  # macOS: fsync alone does not reach the disk (sqlite.org/pragma.html)
    if version == 0:
        _must_have(db, folder, {})
        db.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version={SCHEMA}; COMMIT;")
    with closing(sqlite3.connect(":memory:")) as ours:
        ours.executescript(_TABLES)
        _must_have(db, folder, _shape(ours))
    if (check := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(check)


def _must_have(db: sqlite3.Connection, folder: Path, ours: Mapping[str, tuple[str, ...]]) -> None:
    theirs = _shape(db)
    other = next((name for name in sorted({*theirs, *ours}) if theirs.get(name) != ours.get(name)), None)
    if other is not None:
        columns = f"has the columns {', '.join(theirs[other])}" if other in theirs else "is missing"
        raise JournalError(
            f"{folder / 'journal.db'} is not a Gameday journal of schema {SCHEMA}: its table {other} {columns}",
            _PUT_BACK,
            gd_code="GD-E301",
        )


def _shape(db: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Return the columns of each table in order, without SQLite's own tables."""
    columns: dict[str, tuple[str, ...]] = {}
    for table, column in db.execute(
        "SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns "
        "WHERE tables.type IN ('table', 'view') AND tables.name NOT LIKE 'sqlite~_%' ESCAPE '~' "
        "ORDER BY tables.name, columns.cid"
    ):
        columns[table] = (*columns.get(table, ()), column)
    return columns


_REPAIR = "free disk space, repair the directory, or set GAMEDAY_HOME to another directory"
_PUT_BACK = (
    "the file may hold changes that are not undone: restore it from a copy. "
    "If you know that nothing is left to undo, move the folder away"
)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn errors of the file in this block into a JournalError."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        # DatabaseError's subclasses are about the disk, locks and our own statements. SQLite's message about a damaged
        # schema quotes its bytes, which need not be text.
        damaged = type(error) in (sqlite3.DatabaseError, UnicodeDecodeError)
        raise JournalError(
            f"Gameday cannot use the journal in {folder}: {error}",
            _PUT_BACK if damaged else f"Gameday injects nothing without a journal: {_REPAIR}",
            gd_code="GD-E302",
        ) from error
