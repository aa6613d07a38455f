"""The journal's file: one SQLite database for all runs of a user, laid out once, checked at every opening.

A commit has reached the disk when it returns (WAL with synchronous=FULL; sqlite.org/pragma.html#pragma_synchronous),
and a torn one is as if it had never been.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from gameday.errors import JournalError

SCHEMA = 2
SMALLEST = 512
"""Bytes of a page of SQLite at least (sqlite.org/fileformat.html#pages)."""
BUSY = 10.0
"""Seconds to wait for another process that is writing."""

_TABLES = """
CREATE TABLE runs (
  id TEXT PRIMARY KEY, workload TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, place TEXT NOT NULL,
  pid INTEGER NOT NULL, who TEXT NOT NULL, started REAL NOT NULL, plan TEXT NOT NULL, ended REAL, note TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE entries (
  run TEXT NOT NULL REFERENCES runs, position INTEGER NOT NULL, planned_fault INTEGER NOT NULL, stage INTEGER NOT NULL,
  change TEXT NOT NULL, was TEXT NOT NULL, intended REAL NOT NULL, sent REAL, answered REAL, error TEXT, made TEXT,
  state TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (run, position)
) WITHOUT ROWID;
CREATE TABLE taken (
  workload TEXT NOT NULL, account TEXT NOT NULL, run TEXT NOT NULL REFERENCES runs, since REAL NOT NULL,
  PRIMARY KEY (workload, account)
) WITHOUT ROWID;
"""


def home() -> Path:
    """The state directory: GAMEDAY_HOME, or `gameday` where the XDG Base Directory Specification puts state."""
    if own := os.environ.get("GAMEDAY_HOME"):
        return Path(own)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "gameday"


def opened(folder: Path) -> sqlite3.Connection:
    """The database in a folder, made where there is none; raises JournalError where it cannot be trusted or written."""
    with explained(folder):
        (folder / "runs").mkdir(parents=True, exist_ok=True, mode=0o700)
        with (folder / "journal.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the first two processes must not both lay it out
            _must_not_be_lost(folder)
            db = sqlite3.connect(folder / "journal.db", timeout=BUSY, isolation_level=None)
            try:
                _lay_out(db, folder)
            except BaseException:
                db.close()
                raise
    return db


def _must_not_be_lost(folder: Path) -> None:
    """Raises JournalError where runs left their marks and the file that says what they owe is gone or empty.

    SQLite would lay an empty file out anew, and throw the log of a missing one away.
    """
    file, log = folder / "journal.db", folder / "journal.db-wal"
    size = file.stat().st_size if file.exists() else 0
    if size >= SMALLEST:
        return
    left = [*(folder / "runs").glob("*.lock"), *([log] if log.exists() and log.stat().st_size else [])]
    if left or size:
        state = "cut short" if size else "empty" if file.exists() else "missing"
        left_behind = f", but {left[0]} is there" if left else ""
        raise JournalError(
            f"{file} is {state}{left_behind}: what its runs owe is not known", _PUT_BACK, gd_code="GD-E301"
        )


def _lay_out(db: sqlite3.Connection, folder: Path) -> None:
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA foreign_keys=ON")
    db.execute("PRAGMA fullfsync=ON")  # macOS: fsync alone does not reach the disk (sqlite.org/pragma.html)
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if found == 0:
        _must_have(db, folder, {})
        db.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version={SCHEMA}; COMMIT;")
    if found not in (0, SCHEMA):
        raise JournalError(
            f"the journal in {folder} has schema {found}; this version of gameday knows {SCHEMA}",
            "restore its runs with the version that wrote it, or point GAMEDAY_HOME elsewhere",
            gd_code="GD-E301",
        )
    with closing(sqlite3.connect(":memory:")) as ours:
        ours.executescript(_TABLES)
        _must_have(db, folder, _shape(ours))
    if (check := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(check)


def _must_have(db: sqlite3.Connection, folder: Path, ours: Mapping[str, tuple[str, ...]]) -> None:
    found = _shape(db)
    other = next((name for name in sorted({*found, *ours}) if found.get(name) != ours.get(name)), None)
    if other is not None:
        columns = f"holds {', '.join(found[other])}" if other in found else "is missing"
        raise JournalError(
            f"{folder / 'journal.db'} is not a journal of gameday's schema {SCHEMA}: its table {other} {columns}",
            _PUT_BACK,
            gd_code="GD-E301",
        )


def _shape(db: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Table → its columns in order, but for SQLite's own."""
    found: dict[str, tuple[str, ...]] = {}
    for table, column in db.execute(
        "SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns "
        "WHERE tables.type IN ('table', 'view') AND tables.name NOT LIKE 'sqlite~_%' ESCAPE '~' "
        "ORDER BY tables.name, columns.cid"
    ):
        found[table] = (*found.get(table, ()), column)
    return found


_MEND = "free the disk or mend the directory, or point GAMEDAY_HOME elsewhere"
_PUT_BACK = "runs may owe what it held: put the file back from a copy; or, once nothing is owed, move the folder away"


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """What goes wrong with the file in this block is said as a JournalError."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        # DatabaseError's subclasses are about the disk, locks and our own statements. What SQLite says of a damaged
        # schema quotes its bytes, which need not be text.
        damaged = type(error) in (sqlite3.DatabaseError, UnicodeDecodeError)
        raise JournalError(
            f"the journal in {folder} cannot be used: {error}",
            _PUT_BACK if damaged else f"nothing is injected without it: {_MEND}",
            gd_code="GD-E302",
        ) from error
