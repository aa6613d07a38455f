"""The journal: all that undo needs, for all runs of a user, on disk before the first call."""

from __future__ import annotations

import getpass
import json
import logging
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, Self

from pydantic import TypeAdapter, ValidationError

from gameday.change import AnyChange
from gameday.engine.entries import CallOutcome, End, Entry, Run
from gameday.engine.process_lock import Holds
from gameday.engine.sqlite import explained, home, opened
from gameday.errors import JournalError, Refused

log = logging.getLogger("gameday.journal")

_INTEND = "INSERT OR IGNORE INTO entries VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
_CHANGE: TypeAdapter[AnyChange] = TypeAdapter(AnyChange)
_RUN, _ENTRY = TypeAdapter(Run), TypeAdapter(Entry)
_RUN_COLUMNS = tuple(field.name for field in fields(Run))
_ENTRY_COLUMNS = tuple(field.name for field in fields(Entry))


class _RunFile(Protocol):
    @property
    def name(self) -> str: ...


class SharedStore(Protocol):
    """A store that the machines of a team share; it must hold a run's intents, too, before anything is sent."""

    def is_ours(self) -> bool: ...  # noqa: D102
    def must_be_free(self) -> None: ...  # noqa: D102
    def take(self, run: Run) -> None: ...  # noqa: D102
    def must_be_sure(self) -> None: ...  # noqa: D102
    def intend(self, entries: Sequence[Entry]) -> None: ...  # noqa: D102
    def settle(self, ends: Mapping[int, tuple[End, str]]) -> None: ...  # noqa: D102
    def end(self, note: str) -> None: ...  # noqa: D102


class Planned(Protocol):
    """The parts of a plan that the journal keeps."""

    @property
    def workload(self) -> _RunFile: ...  # noqa: D102
    @property
    def account(self) -> str: ...  # noqa: D102
    @property
    def region(self) -> str: ...  # noqa: D102
    @property
    def place(self) -> str: ...  # noqa: D102
    def model_dump_json(self, *, by_alias: bool | None = None) -> str: ...  # noqa: D102


class Journal:
    """One connection to the journal.

    What a method writes is on disk when it returns. All methods raise JournalError.
    """

    def __init__(self, folder: Path, db: sqlite3.Connection) -> None:
        self.folder = folder
        self._db = db
        self.runs_folder = folder / "runs"
        self._holds = Holds(self.runs_folder)
        self._team: SharedStore | None = None

    @classmethod
    def open(cls, folder: Path | None = None) -> Self:
        """Open the journal, and create it if needed. Raises JournalError where it is damaged or read-only."""
        folder = folder or home()
        return cls(folder, opened(folder))

    def close(self) -> None:
        """Close the database and release every run."""
        self._db.close()
        self._holds.let_go_of_all()

    @contextmanager
    def shared_with(self, team: SharedStore | None) -> Iterator[None]:
        """Within this block, write to a team's store too, and obey its lease."""
        self._team = team
        try:
            yield
        finally:
            self._team = None

    def is_ours(self) -> bool:
        """Return whether the run is ours to undo: false where another machine has taken it over and undoes it."""
        return self._team is None or self._team.is_ours()

    # runs -------------------------------------------------------------------------------------------------------------

    def begin(self, run: str, plan: Planned, pid: int) -> None:
        """Record a run of ours, and hold it for as long as this process lives; no injection may precede it."""
        if not self.hold(run):
            raise JournalError(f"another process holds run {run}", "give every run an id of its own", gd_code="GD-E303")
        log.info("run %s of %s begins in %s", run, plan.workload.name, self.folder)
        with self._writing() as db:
            values = (plan.workload.name, plan.account, plan.region, plan.place, pid, who(), time.time())
            db.execute(
                "INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,?,NULL,'')",
                (run, *values, plan.model_dump_json(by_alias=True)),
            )

    def adopt(self, run: Run, entries: Sequence[Entry]) -> None:
        """Add a run of another machine, as a team's store holds it; entries that are here already stay."""
        with self._writing() as db:
            values = (run.workload, run.account, run.region, run.place, run.pid, run.who, run.started, run.plan)
            db.execute("INSERT OR IGNORE INTO runs VALUES (?,?,?,?,?,?,?,?,?,NULL,'')", (run.id, *values))
            db.executemany(_INTEND, [(run.id, *_columns(entry)) for entry in entries])

    def must_be_free(self, workload: str, account: str, run: str = "") -> None:
        """Raise Refused while another run has the workload; it names that run and since when."""
        with explained(self.folder):
            key = (workload, account)
            taken = self._db.execute("SELECT run, since FROM taken WHERE workload=? AND account=?", key).fetchone()
        if taken and taken[0] != run:
            self._refuse_taken(workload, *taken)
        if self._team and not run:
            self._team.must_be_free()

    def take(self, run: str, workload: str, account: str, place: str) -> None:
        """Take a workload for a run, until `end`. Runs on the twin take nothing, since each has a twin of its own.

        Raises Refused while another run has the workload.
        """
        if place == "twin":
            return
        with self._writing() as db:
            self.must_be_free(workload, account, run)
            db.execute("INSERT OR REPLACE INTO taken VALUES (?,?,?,?)", (workload, account, run, time.time()))
        if self._team and (mine := self.run(run)):
            self._team.take(mine)

    def taken(self, workload: str) -> list[Run]:
        """Return the live runs on this machine that have a workload."""
        with explained(self.folder):
            rows = self._db.execute("SELECT run FROM taken WHERE workload=?", (workload,)).fetchall()
        runs = [run for (name,) in rows if (run := self.run(name))]
        return [run for run in runs if self.is_alive(run.id)]

    def must_be_sure(self) -> None:
        """Raise LeaseLost where another run may have the workload by now: nothing may be sent then."""
        if self._team:
            self._team.must_be_sure()

    def _refuse_taken(self, workload: str, other: str, since: float) -> None:
        """Raise Refused, unless the other run's process is dead and all its changes are undone."""
        alive = self.is_alive(other)
        if not alive and not any(entry.is_open for entry in self.entries(other)):
            return
        holder = self.run(other)
        by = f"run {other} ({holder.who}, process {holder.pid})" if holder else f"run {other}"
        reason = f"{by} has workload {workload} since {_when(since)}"
        if alive:
            raise Refused((reason,), "wait until that run ends, or halt it: it undoes first", gd_code="GD-E202")
        raise Refused(
            (f"{reason}, and its process died before it had undone everything",),
            "run gameday restore first",
            gd_code="GD-E203",
        )

    def end(self, run: str, note: str = "") -> bool:
        """Close a run and free its workload, if no entry is open; release the run in any case.

        Returns whether the run is closed. Raises JournalError where the team's store cannot be written: the run then
        stays open here too.
        """
        try:
            closed = not any(entry.is_open for entry in self.entries(run))
            if closed:
                if self._team:
                    self._team.end(note)
                with self._writing() as db:
                    db.execute("UPDATE runs SET ended=?, note=? WHERE id=?", (time.time(), note, run))
                    db.execute("DELETE FROM taken WHERE run=?", (run,))
        finally:
            self._holds.let_go(run)
        log.info("run %s %s", run, "is closed" if closed else "stays open: it has changes that are not undone")
        return closed

    def run(self, run: str) -> Run | None:
        """Return a run by its id."""
        return next(iter(self._runs("WHERE id=?", run)), None)

    def runs(self) -> list[Run]:
        """Return all runs, the oldest first."""
        return self._runs("ORDER BY started, id")

    def unended(self) -> list[Run]:
        """Return the runs that were never closed, the oldest first."""
        return self._runs("WHERE ended IS NULL ORDER BY started, id")

    def _runs(self, which: str, *values: str) -> list[Run]:
        with explained(self.folder), self._readable():
            query = f"SELECT {', '.join(_RUN_COLUMNS)} FROM runs {which}"  # noqa: S608
            rows = self._db.execute(query, values).fetchall()
            return [_RUN.validate_python(dict(zip(_RUN_COLUMNS, row, strict=True))) for row in rows]

    # entries ----------------------------------------------------------------------------------------------------------

    def entries(self, run: str) -> list[Entry]:
        """Return a run's entries in the order of the plan."""
        with explained(self.folder), self._readable():
            query = f"SELECT {', '.join(_ENTRY_COLUMNS)} FROM entries WHERE run=? ORDER BY position"  # noqa: S608
            rows = self._db.execute(query, (run,)).fetchall()
            return [_entry(dict(zip(_ENTRY_COLUMNS, row, strict=True))) for row in rows]

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, TypeError) as error:
            first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
            where = ".".join(str(part) for part in first["loc"])
            raise JournalError(
                f"this version of Gameday cannot read an entry of the journal in {self.folder}: {where} {first['msg']}",
                "restore its runs with the version that wrote it",
                gd_code="GD-E301",
            ) from error

    def intend(self, run: str, entries: Sequence[Entry]) -> None:
        """Write intents in one commit, before their calls; an intent that is there already stays as it is."""
        with self._writing() as db:
            db.executemany(_INTEND, [(run, *_columns(entry)) for entry in entries])
        log.debug("intents of run %s: %s", run, [entry.position for entry in entries])
        if self._team and entries:
            self._team.intend(entries)

    def answer(self, run: str, outcomes: Mapping[int, CallOutcome]) -> None:
        """Record the outcomes of calls, by position, in one commit."""
        with self._writing() as db:
            db.executemany(
                "UPDATE entries SET sent=?, answered=?, error=?, made=coalesce(?, made) WHERE run=? AND position=?",
                [(o.sent, o.answered, o.error, o.made, run, position) for position, o in outcomes.items()],
            )

    def settle(self, run: str, ends: Mapping[int, tuple[End, str]]) -> None:
        """Record how entries ended (an end and a sentence, by position), in one commit."""
        with self._writing() as db:
            db.executemany(
                "UPDATE entries SET state=?, note=? WHERE run=? AND position=?",
                [(*end, run, position) for position, end in ends.items()],
            )
        log.debug("ends of run %s: %s", run, {position: end for position, (end, _) in ends.items()})
        if self._team:
            self._team.settle(ends)

    # holding runs -----------------------------------------------------------------------------------------------------

    def hold(self, run: str) -> bool:
        """Hold a run, so that no other process undoes it; return false where another process holds it."""
        with explained(self.folder):
            return self._holds.hold(run)

    def let_go(self, run: str) -> bool:
        """Release a run without closing it; return false, as `end` does for a run that stays open."""
        self._holds.let_go(run)
        return False

    def is_alive(self, run: str) -> bool:
        """Return whether a process holds the run, this one included."""
        with explained(self.folder):
            return self._holds.is_alive(run)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with explained(self.folder):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


def _columns(entry: Entry) -> tuple[object, ...]:
    place = (entry.position, entry.planned_fault, entry.stage, entry.change.model_dump_json(), json.dumps(entry.was))
    return (*place, entry.intended, entry.sent, entry.answered, entry.error, entry.made, entry.state, entry.note)


def _entry(row: dict[str, Any]) -> Entry:
    change, was = _CHANGE.validate_json(row["change"]), json.loads(row["was"])
    return _ENTRY.validate_python(row | {"change": change, "was": was})


def _when(since: object) -> str:
    try:
        return datetime.fromtimestamp(float(str(since)), UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return "an unknown time"


def who() -> str:
    """Return who runs this process, for others to read: user@host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        user = str(os.getuid())
    return f"{user}@{os.uname().nodename}"
