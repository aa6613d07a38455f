"""The index of the history: one SQLite file, made from the log and from nothing else.

It remembers up to which byte it holds the log, and reads the rest before each query. So a process that cannot write
it, since another one holds it, loses nothing. A schema of an older version is dropped, and made again from the log.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from gameday.disk import make_private_folder, open_private
from gameday.errors import HistoryError
from gameday.records.history import log
from gameday.records.history.kept_run import KeptRun, from_json, merged, to_json

SCHEMA = 1
"""The version of the tables. A new version of what is kept needs a new one, so that lines are read again."""
NAME = "history.db"
BUSY = 5.0
"""Seconds to wait for another process that is writing; the log already holds what must not be lost."""
_TABLES = """
DROP TABLE IF EXISTS versions;
DROP TABLE IF EXISTS runs;
DROP TABLE IF EXISTS progress;
CREATE TABLE versions (run TEXT NOT NULL, digest TEXT NOT NULL, kept BLOB NOT NULL, PRIMARY KEY (run, digest))
  WITHOUT ROWID;
CREATE TABLE runs (run TEXT NOT NULL UNIQUE, started TEXT NOT NULL, claim TEXT NOT NULL, experiment TEXT NOT NULL,
  workload TEXT NOT NULL, verdict TEXT NOT NULL, state TEXT NOT NULL, release_name TEXT NOT NULL, place TEXT NOT NULL,
  kept BLOB NOT NULL);
CREATE INDEX by_start ON runs (started);
CREATE INDEX by_claim ON runs (claim, started);
CREATE TABLE progress (size INTEGER NOT NULL, unreadable INTEGER NOT NULL);
INSERT INTO progress VALUES (0, 0);
"""


class Damaged(Exception):
    """SQLite cannot read the file: it is damaged, or not a database."""


@contextmanager
def opened(folder: Path) -> Iterator[sqlite3.Connection]:
    """Yield the index, with every line of the log in it.

    Raises Damaged, and HistoryError where another process holds it, the disk is full, or a newer version wrote it.
    """
    with _explained(folder), log.explained(folder):
        make_private_folder(folder)
        path = folder / NAME
        open_private(path).close()  # SQLite gives its log and its index the mode of the database
        db = sqlite3.connect(path, timeout=BUSY, isolation_level=None)
        try:
            _lay_out(db, folder)
            _catch_up(db, folder)
            yield db
        finally:
            db.close()


def set_aside(folder: Path) -> Path:
    """Move a damaged index away, so that the next opening makes it again; return its path. Raises HistoryError."""
    with log.explained(folder):
        aside = folder / f"{NAME}.damaged-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
        (folder / NAME).rename(aside)
        for ending in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                (folder / f"{NAME}{ending}").rename(f"{aside}{ending}")
    return aside


def unreadable(db: sqlite3.Connection) -> int:
    """Return how many lines of the log are damaged, or of another version."""
    return int(db.execute("SELECT unreadable FROM progress").fetchone()[0])


def select(db: sqlite3.Connection, where: str, values: Sequence[str], most: int = -1) -> list[KeptRun]:
    """Return the runs that a clause selects, the latest first."""
    query = f"SELECT kept FROM runs {where} ORDER BY started DESC, rowid DESC LIMIT ?"  # noqa: S608 - our own clauses
    return [_whole(raw) for (raw,) in db.execute(query, (*values, most))]


def versions(db: sqlite3.Connection) -> dict[tuple[str, str], KeptRun]:
    """Return every version of every run, by the run and the version's digest."""
    rows = db.execute("SELECT run, digest, kept FROM versions")
    return {(run, digest): _whole(raw) for run, digest, raw in rows}


def _lay_out(db: sqlite3.Connection, folder: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA:
        raise HistoryError(
            f"the history in {folder} has schema {version}; this version of Gameday reads schema {SCHEMA}",
            "read it with the version of Gameday that wrote it, or set GAMEDAY_HOME to another folder",
            gd_code="GD-E601",
        )
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")  # the log is what must be on disk
    if version < SCHEMA:
        db.execute("BEGIN IMMEDIATE")
        if db.execute("PRAGMA user_version").fetchone()[0] < SCHEMA:  # no other process has made it meanwhile
            for statement in _TABLES.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version={SCHEMA}")
        db.execute("COMMIT")


def _catch_up(db: sqlite3.Connection, folder: Path) -> None:
    """Add the lines of the log that the index lacks, in one transaction."""
    if _progress(db) == log.size(folder):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        known = _progress(db)
        if log.size(folder) < known:  # somebody has put an older log back
            db.execute("DELETE FROM versions")
            db.execute("DELETE FROM runs")
            known = 0
        lines, end = log.read_from(folder, known)
        fresh = list(lines)
        _add(db, [kept for kept in fresh if kept])
        lost = sum(kept is None for kept in fresh)
        db.execute("UPDATE progress SET size=?, unreadable=unreadable*?+?", (end, int(known > 0), lost))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _add(db: sqlite3.Connection, fresh: Sequence[KeptRun]) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO versions VALUES (?, ?, ?)", ((kept.run, kept.digest, to_json(kept)) for kept in fresh)
    )
    rows = []
    for run in dict.fromkeys(kept.run for kept in fresh):
        raws = db.execute("SELECT kept FROM versions WHERE run=?", (run,)).fetchall()
        best = merged(_whole(raw) for (raw,) in raws)
        place = best.claim, best.experiment, best.workload, best.verdict, best.state, best.release_name, best.place
        rows.append((run, best.started, *place, to_json(best)))
    db.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _progress(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT size FROM progress").fetchone()
    if row is None:
        raise sqlite3.DatabaseError("it does not show how much of the log it holds")
    return int(row[0])


def _whole(raw: bytes) -> KeptRun:
    kept = from_json(raw)
    if kept is None:
        raise sqlite3.DatabaseError("a row of it is damaged")
    return kept


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        # Locked, full, read-only, or no such table: a file with our version number and other tables is damaged.
        if "no such" in str(error) or "malformed" in str(error):
            raise Damaged(str(error)) from error
        raise HistoryError(
            f"Gameday cannot use the history in {folder}: {error}",
            "end the process that holds history.db, or free disk space; the log runs.jsonl keeps what was added",
        ) from error
    except sqlite3.DatabaseError as error:
        raise Damaged(str(error)) from error
