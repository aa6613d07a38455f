"""The journal: everything undo needs, durable before the first call, for all runs of a user."""

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
_RUN, _ROW = TypeAdapter(Run), TypeAdapter(Entry)
_OF_RUN = tuple(field.name for field in fields(Run))
_OF_ROW = tuple(field.name for field in fields(Entry))


class _RunFile(Protocol):
    @property
    def name(self) -> str: ...


class SharedStore(Protocol):
    """A store that a team's machines share, which must know a run's intents too before anything is sent."""

    def is_ours(self) -> bool: ...  # noqa: D102
    def must_be_free(self) -> None: ...  # noqa: D102
    def take(self, run: Run) -> None: ...  # noqa: D102
    def must_be_sure(self) -> None: ...  # noqa: D102
    def intend(self, entries: Sequence[Entry]) -> None: ...  # noqa: D102
    def settle(self, ends: Mapping[int, tuple[End, str]]) -> None: ...  # noqa: D102
    def end(self, note: str) -> None: ...  # noqa: D102


class Planned(Protocol):
    """What the journal keeps of a plan."""

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
    """One connection to the journal; every method that writes is durable when it returns, and raises JournalError."""

    def __init__(self, folder: Path, db: sqlite3.Connection) -> None:
        self.folder = folder
        self._db = db
        self.runs_folder = folder / "runs"
        self._holds = Holds(self.runs_folder)
        self._team: SharedStore | None = None

    @classmethod
    def open(cls, folder: Path | None = None) -> Self:
        """Open the journal, made where there is none; raises JournalError where it cannot be trusted or written."""
        folder = folder or home()
        return cls(folder, opened(folder))

    def close(self) -> None:
        """Let go of the database and of every run held."""
        self._db.close()
        self._holds.let_go_of_all()

    @contextmanager
    def shared_with(self, team: SharedStore | None) -> Iterator[None]:
        """While this lasts, what is written is written to a team's store too, and its lease counts."""
        self._team = team
        try:
            yield
        finally:
            self._team = None

    def is_ours(self) -> bool:
        """Whether the run is ours to undo: false where another machine has taken it over, and undoes it there."""
        return self._team is None or self._team.is_ours()

    # runs -------------------------------------------------------------------------------------------------------------

    def begin(self, run: str, plan: Planned, pid: int) -> None:
        """Note a run of ours, and hold it for as long as this process lives; nothing is injected without."""
        if not self.hold(run):
            raise JournalError(
                f"run {run} is held by another process", "give every run an id of its own", gd_code="GD-E303"
            )
        log.info("run %s of %s begins in %s", run, plan.workload.name, self.folder)
        with self._writing() as db:
            values = (plan.workload.name, plan.account, plan.region, plan.place, pid, who(), time.time())
            db.execute(
                "INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,?,NULL,'')",
                (run, *values, plan.model_dump_json(by_alias=True)),
            )

    def adopt(self, run: Run, entries: Sequence[Entry]) -> None:
        """Take in a run that another machine has begun, as a team's store tells it; what is known here stays."""
        with self._writing() as db:
            values = (run.workload, run.account, run.region, run.place, run.pid, run.who, run.started, run.plan)
            db.execute("INSERT OR IGNORE INTO runs VALUES (?,?,?,?,?,?,?,?,?,NULL,'')", (run.id, *values))
            db.executemany(_INTEND, [(run.id, *_columns(entry)) for entry in entries])

    def must_be_free(self, workload: str, account: str, run: str = "") -> None:
        """Raises Refused while another run has the workload: who, and since when."""
        with explained(self.folder):
            asked = (workload, account)
            found = self._db.execute("SELECT run, since FROM taken WHERE workload=? AND account=?", asked).fetchone()
        if found and found[0] != run:
            self._refuse_taken(workload, *found)
        if self._team and not run:
            self._team.must_be_free()

    def take(self, run: str, workload: str, account: str, place: str) -> None:
        """Take a workload for a run, until `end`; raises Refused while another run has it. Every twin is its own."""
        if place == "twin":
            return
        with self._writing() as db:
            self.must_be_free(workload, account, run)
            db.execute("INSERT OR REPLACE INTO taken VALUES (?,?,?,?)", (workload, account, run, time.time()))
        if self._team and (mine := self.run(run)):
            self._team.take(mine)

    def taken(self, workload: str) -> list[Run]:
        """The runs on this machine that have a workload and live."""
        with explained(self.folder):
            found = self._db.execute("SELECT run FROM taken WHERE workload=?", (workload,)).fetchall()
        runs = [run for (name,) in found if (run := self.run(name))]
        return [run for run in runs if self.is_alive(run.id)]

    def must_be_sure(self) -> None:
        """Raises LeaseLost where the workload may be another's by now: nothing may be sent then."""
        if self._team:
            self._team.must_be_sure()

    def _refuse_taken(self, workload: str, other: str, since: float) -> None:
        """Refuse, unless the other run's process is dead and owes nothing."""
        alive = self.is_alive(other)
        if not alive and not any(entry.is_open for entry in self.entries(other)):
            return
        holder = self.run(other)
        by = f"run {other} ({holder.who}, process {holder.pid})" if holder else f"run {other}"
        reason = f"workload {workload} is taken by {by} since {_when(since)}"
        if alive:
            raise Refused((reason,), "wait until it has ended, or end it: it undoes first", gd_code="GD-E202")
        raise Refused(
            (f"{reason}, which died before everything was put back",), "run gameday restore first", gd_code="GD-E203"
        )

    def end(self, run: str, note: str = "") -> bool:
        """Close a run and free its workload, where no row owes anything; let go of it in any case.

        Raises JournalError where the team's store cannot be told: the run then stays open here too.
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
        log.info("run %s %s", run, "is closed" if closed else "stays open: it still owes changes")
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
        with explained(self.folder), self._readable():
            found = self._db.execute(f"SELECT {', '.join(_OF_RUN)} FROM runs {which}", values).fetchall()  # noqa: S608
            return [_RUN.validate_python(dict(zip(_OF_RUN, raw, strict=True))) for raw in found]

    # rows -------------------------------------------------------------------------------------------------------------

    def entries(self, run: str) -> list[Entry]:
        """A run's rows in the order of the plan."""
        with explained(self.folder), self._readable():
            asked = f"SELECT {', '.join(_OF_ROW)} FROM entries WHERE run=? ORDER BY position"  # noqa: S608
            return [_entry(dict(zip(_OF_ROW, raw, strict=True))) for raw in self._db.execute(asked, (run,)).fetchall()]

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, TypeError) as error:
            first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
            where = ".".join(str(part) for part in first["loc"])
            raise JournalError(
                f"the journal in {self.folder} holds what this version of gameday cannot read: {where} {first['msg']}",
                "restore its runs with the version that wrote it",
                gd_code="GD-E301",
            ) from error

    def intend(self, run: str, entries: Sequence[Entry]) -> None:
        """Write intents in one commit, before their calls; where one stands already, it stays as it is."""
        with self._writing() as db:
            db.executemany(_INTEND, [(run, *_columns(entry)) for entry in entries])
        log.debug("intents of run %s: %s", run, [entry.position for entry in entries])
        if self._team and entries:
            self._team.intend(entries)

    def answer(self, run: str, outcomes: Mapping[int, CallOutcome]) -> None:
        """Note what became of calls, in one commit."""
        with self._writing() as db:
            db.executemany(
                "UPDATE entries SET sent=?, answered=?, error=?, made=coalesce(?, made) WHERE run=? AND position=?",
                [(o.sent, o.answered, o.error, o.made, run, position) for position, o in outcomes.items()],
            )

    def settle(self, run: str, ends: Mapping[int, tuple[End, str]]) -> None:
        """Note what became of rows (an end and a sentence), in one commit."""
        with self._writing() as db:
            db.executemany(
                "UPDATE entries SET state=?, note=? WHERE run=? AND position=?",
                [(*end, run, position) for position, end in ends.items()],
            )
        log.debug("ends of run %s: %s", run, {position: end for position, (end, _) in ends.items()})
        if self._team:
            self._team.settle(ends)

    # life and death ---------------------------------------------------------------------------------------------------

    def hold(self, run: str) -> bool:
        """Hold a run, so that no other process undoes it meanwhile; false where another process holds it."""
        with explained(self.folder):
            return self._holds.hold(run)

    def let_go(self, run: str) -> bool:
        """Hold a run no longer, without closing it; false, as `end` is for a run that stays open."""
        self._holds.let_go(run)
        return False

    def is_alive(self, run: str) -> bool:
        """Whether a process holds the run, this one included."""
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


def _entry(found: dict[str, Any]) -> Entry:
    change, was = _CHANGE.validate_json(found["change"]), json.loads(found["was"])
    return _ROW.validate_python(found | {"change": change, "was": was})


def _when(since: object) -> str:
    try:
        return datetime.fromtimestamp(float(str(since)), UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return "nobody knows when"


def who() -> str:
    """Who we are, to be shown to others: user@host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        user = str(os.getuid())
    return f"{user}@{os.uname().nodename}"
