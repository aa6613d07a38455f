"""The journal's file: one SQLite database for all runs of a user, laid out once, checked at every opening.

A commit has reached the disk when it returns (WAL with synchronous=FULL; sqlite.org/pragma.html#pragma_synchronous),
and a torn one is as if it had never been.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import JournalError

SCHEMA = 1
BUSY = 10.0
"""Seconds to wait for another process that is writing."""

_TABLES = """
CREATE TABLE runs (
  id TEXT PRIMARY KEY, workload TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, place TEXT NOT NULL,
  pid INTEGER NOT NULL, who TEXT NOT NULL, started REAL NOT NULL, plan TEXT NOT NULL, ended REAL, note TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE rows (
  run TEXT NOT NULL REFERENCES runs, position INTEGER NOT NULL, injection INTEGER NOT NULL, stage INTEGER NOT NULL,
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
            db = sqlite3.connect(folder / "journal.db", timeout=BUSY, isolation_level=None)
            try:
                _lay_out(db, folder)
            except BaseException:
                db.close()
                raise
    return db


def _lay_out(db: sqlite3.Connection, folder: Path) -> None:
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA foreign_keys=ON")
    db.execute("PRAGMA fullfsync=ON")  # macOS: fsync alone does not reach the disk (sqlite.org/pragma.html)
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if found == 0:
        db.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version={SCHEMA}; COMMIT;")
    if found not in (0, SCHEMA):
        raise JournalError(
            f"the journal in {folder} has schema {found}; this version of gameday knows {SCHEMA}",
            "restore its runs with the version that wrote it, or point GAMEDAY_HOME elsewhere",
        )
    if (check := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(check)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """What goes wrong with the file in this block is said as a JournalError."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise JournalError(
            f"the journal in {folder} cannot be used: {error}",
            "nothing is injected without it: free the disk or mend the directory, or point GAMEDAY_HOME elsewhere",
        ) from error
