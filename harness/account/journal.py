"""The journal: everything undo needs, durable before the first call, in one SQLite database for all runs.

A commit has reached the disk when it returns (WAL with synchronous=FULL; sqlite.org/pragma.html#pragma_synchronous),
and a torn one is as if it had never been.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from harness.account.change import AnyChange, Make, Strike, Turn
from harness.account.holds import Holds
from harness.account.rows import End, Outcome, Row, Run
from harness.errors import JournalError, Refused

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

_CHANGE: TypeAdapter[Turn | Make | Strike] = TypeAdapter(AnyChange)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class Planned(Protocol):
    """What the journal keeps of a plan."""

    @property
    def workload(self) -> _Named: ...  # noqa: D102
    @property
    def account(self) -> str: ...  # noqa: D102
    @property
    def region(self) -> str: ...  # noqa: D102
    @property
    def place(self) -> str: ...  # noqa: D102
    def model_dump_json(self, *, by_alias: bool | None = None) -> str: ...  # noqa: D102


def home() -> Path:
    """The state directory: GAMEDAY_HOME, or `gameday` where the XDG Base Directory Specification puts state."""
    if own := os.environ.get("GAMEDAY_HOME"):
        return Path(own)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "gameday"


class Journal:
    """One connection to the journal; every method that writes is durable when it returns, and raises JournalError."""

    def __init__(self, folder: Path, db: sqlite3.Connection) -> None:
        self.folder = folder
        self._db = db
        self._holds = Holds(folder / "runs")

    @classmethod
    def open(cls, folder: Path | None = None) -> Journal:
        """Open the journal, made where there is none; raises JournalError where it cannot be trusted or written."""
        folder = folder or home()
        with _explained(folder):
            (folder / "runs").mkdir(parents=True, exist_ok=True, mode=0o700)
            with (folder / "journal.lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # the first two processes must not both lay it out
                db = sqlite3.connect(folder / "journal.db", timeout=BUSY, isolation_level=None)
                try:
                    _lay_out(db, folder)
                except BaseException:
                    db.close()
                    raise
        return cls(folder, db)

    def close(self) -> None:
        """Let go of the database and of every run held."""
        self._db.close()
        self._holds.let_go_of_all()

    # runs -------------------------------------------------------------------------------------------------------------

    def begin(self, run: str, plan: Planned, pid: int) -> None:
        """Note a run of ours, and hold it for as long as this process lives; nothing is injected without."""
        if not self.hold(run):
            raise JournalError(f"run {run} is held by another process", "give every run an id of its own")
        with self._writing() as db:
            values = (plan.workload.name, plan.account, plan.region, plan.place, pid, _who(), time.time())
            db.execute(
                "INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,?,NULL,'')",
                (run, *values, plan.model_dump_json(by_alias=True)),
            )

    def must_be_free(self, workload: str, account: str, run: str = "") -> None:
        """Raises Refused while another run has the workload: who, and since when."""
        with _explained(self.folder):
            asked = (workload, account)
            found = self._db.execute("SELECT run, since FROM taken WHERE workload=? AND account=?", asked).fetchone()
        if found and found[0] != run:
            self._refuse_taken(workload, *found)

    def take(self, run: str, workload: str, account: str, place: str) -> None:
        """Take a workload for a run, until `end`; raises Refused while another run has it. Every twin is its own."""
        if place == "twin":
            return
        with self._writing() as db:
            self.must_be_free(workload, account, run)
            db.execute("INSERT OR REPLACE INTO taken VALUES (?,?,?,?)", (workload, account, run, time.time()))

    def _refuse_taken(self, workload: str, other: str, since: float) -> None:
        """Refuse, unless the other run's process is dead and owes nothing."""
        alive = self.is_alive(other)
        if not alive and not any(row.is_open for row in self.rows(other)):
            return
        holder = self.run(other)
        by = f"run {other} ({holder.who}, process {holder.pid})" if holder else f"run {other}"
        when = datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds")
        reason = f"workload {workload} is taken by {by} since {when}"
        if alive:
            raise Refused((reason,), "wait until it has ended, or end it: it undoes first")
        raise Refused((f"{reason}, which died before everything was put back",), "run gameday restore first")

    def end(self, run: str, note: str = "") -> bool:
        """Close a run and free its workload, where no row owes anything; let go of it in any case."""
        closed = not any(row.is_open for row in self.rows(run))
        if closed:
            with self._writing() as db:
                db.execute("UPDATE runs SET ended=?, note=? WHERE id=?", (time.time(), note, run))
                db.execute("DELETE FROM taken WHERE run=?", (run,))
        self._holds.let_go(run)
        return closed

    def run(self, run: str) -> Run | None:
        """A run by its id."""
        return next(iter(self._runs("WHERE id=?", run)), None)

    def runs(self) -> list[Run]:
        """All runs, the oldest first."""
        return self._runs("ORDER BY started, id")

    def unended(self) -> list[Run]:
        """The runs that were never closed, the oldest first."""
        return self._runs("WHERE ended IS NULL ORDER BY started, id")

    def _runs(self, which: str, *values: str) -> list[Run]:
        with _explained(self.folder):
            return [Run(*found) for found in self._db.execute(f"SELECT * FROM runs {which}", values)]  # noqa: S608

    # rows -------------------------------------------------------------------------------------------------------------

    def rows(self, run: str) -> list[Row]:
        """A run's rows in the order of the plan."""
        with _explained(self.folder):
            found = self._db.execute(
                "SELECT position, injection, stage, change, was, intended, sent, answered, error, made, state, note "
                "FROM rows WHERE run=? ORDER BY position",
                (run,),
            ).fetchall()
        return [Row(*raw[:3], self._change(raw[3]), json.loads(raw[4]), *raw[5:]) for raw in found]  # type: ignore[call-arg]

    def _change(self, text: str) -> Turn | Make | Strike:
        try:
            return _CHANGE.validate_json(text)
        except ValidationError as error:
            raise JournalError(
                f"the journal in {self.folder} holds a change that this version of gameday cannot read: {error}",
                "restore its runs with the version that wrote it",
            ) from error

    def intend(self, run: str, rows: Sequence[Row]) -> None:
        """Write intents in one commit, before their calls; where one stands already, it stays as it is."""
        with self._writing() as db:
            db.executemany(
                "INSERT OR IGNORE INTO rows VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                [(run, *_columns(row)) for row in rows],
            )

    def answer(self, run: str, outcomes: Mapping[int, Outcome]) -> None:
        """Note what became of calls, in one commit."""
        with self._writing() as db:
            db.executemany(
                "UPDATE rows SET sent=?, answered=?, error=?, made=coalesce(?, made) WHERE run=? AND position=?",
                [(o.sent, o.answered, o.error, o.made, run, position) for position, o in outcomes.items()],
            )

    def settle(self, run: str, ends: Mapping[int, tuple[End, str]]) -> None:
        """Note what became of rows (an end and a sentence), in one commit."""
        with self._writing() as db:
            db.executemany(
                "UPDATE rows SET state=?, note=? WHERE run=? AND position=?",
                [(*end, run, position) for position, end in ends.items()],
            )

    # life and death ---------------------------------------------------------------------------------------------------

    def hold(self, run: str) -> bool:
        """Hold a run, so that no other process undoes it meanwhile; false where another process holds it."""
        with _explained(self.folder):
            return self._holds.hold(run)

    def is_alive(self, run: str) -> bool:
        """Whether a process holds the run, this one included."""
        with _explained(self.folder):
            return self._holds.is_alive(run)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with _explained(self.folder):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


def _columns(row: Row) -> tuple[object, ...]:
    place = (row.position, row.injection, row.stage, row.change.model_dump_json(), json.dumps(row.was))
    return (*place, row.intended, row.sent, row.answered, row.error, row.made, row.state, row.note)


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
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise JournalError(
            f"the journal in {folder} cannot be used: {error}",
            "nothing is injected without it: free the disk or mend the directory, or point GAMEDAY_HOME elsewhere",
        ) from error


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        user = str(os.getuid())
    return f"{user}@{os.uname().nodename}"
