"""The journal: all that undo needs, for all runs of a user, on disk before the first call."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from gameday.engine.entries import CallOutcome, End, Entry, Run
from gameday.engine.partners import Planned, SharedStore
from gameday.engine.process_lock import Holds, who
from gameday.engine.rows import orphans, put_entries, put_run, read_entries, read_runs, readable
from gameday.engine.sqlite import checkpoint, explained, home, opened
from gameday.errors import EntriesLost, JournalError, Refused

log = logging.getLogger("gameday.journal")


class Journal:
    """One connection to the journal.

    What a method writes is on disk when it returns: in the database, and intents in the run's own file too. What one
    of the two has lost, a read takes from the other. All methods raise JournalError, and EntriesLost where both have
    lost what undo needs.
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
        place = plan.workload.name, plan.account, plan.region, plan.place
        new = Run(run, *place, pid, who(), time.time(), plan.model_dump_json(by_alias=True))
        with explained(self.folder):
            if not self._holds.create(new):
                raise JournalError(
                    f"run {run} has begun before, and may be another process's",
                    "give every run an id of its own",
                    gd_code="GD-E303",
                )
        log.info("run %s of %s begins in %s", run, plan.workload.name, self.folder)
        try:
            with self._writing() as db:
                put_run(db, new)
        except BaseException:
            self._holds.remove(run)
            raise

    def adopt(self, run: Run, entries: Sequence[Entry]) -> None:
        """Add a run of another machine, as a team's store holds it; entries that are here already stay."""
        with self._writing() as db:
            there = self._found(run.id)
            fresh = [entry for entry in entries if entry.position not in there]
            known = self.run(run.id) or replace(run, taken=None, ended=None, note="")
            put_entries(db, run.id, fresh)
            put_run(db, replace(known, intents=max(known.intents, len(there) + len(fresh))))

    def must_be_free(self, workload: str, account: str, run: str = "") -> None:
        """Raise Refused while another run has the workload; it names that run and since when."""
        for other in self.unended():
            if (other.workload, other.account) == (workload, account) and other.taken and other.id != run:
                self._refuse_taken(other, other.taken)
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
            mine = self._known(run)
            put_run(db, replace(mine, taken=time.time()))
        if self._team:
            self._team.take(mine)

    def taken(self, workload: str) -> list[Run]:
        """Return the live runs on this machine that have a workload."""
        return [run for run in self.unended() if run.taken and run.workload == workload and self.is_alive(run.id)]

    def must_be_sure(self) -> None:
        """Raise LeaseLost where another run may have the workload by now: nothing may be sent then."""
        if self._team:
            self._team.must_be_sure()

    def _refuse_taken(self, other: Run, since: float) -> None:
        """Raise Refused, unless the other run's process is dead and all its changes are undone."""
        alive = self.is_alive(other.id)
        if not alive and not any(entry.is_open for entry in self.entries(other.id)):
            return
        reason = f"run {other.id} ({other.who}, process {other.pid}) has workload {other.workload} since {_when(since)}"
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
        closed = False
        try:
            if not any(entry.is_open for entry in self.entries(run)):
                if self._team:
                    self._team.end(note)
                with self._writing() as db:
                    mine = replace(self._known(run), ended=time.time(), note=note)
                    put_run(db, mine)
                closed = True
                with explained(self.folder):
                    if mine.intents and mine.place != "twin":
                        checkpoint(self._db)
        finally:
            self._holds.remove(run) if closed else self._holds.let_go(run)
        log.info("run %s %s", run, "is closed" if closed else "stays open: it has changes that are not undone")
        return closed

    def run(self, run: str) -> Run | None:
        """Return a run by its id."""
        with explained(self.folder):
            known = next(iter(read_runs(self._db, "WHERE id=?", run).intact), None)
            of_file = None if known else self._holds.read(run).run
        if of_file and of_file.place != "twin":
            return replace(of_file, taken=of_file.started)  # its file does not show when, or whether, it took it
        return known or of_file

    def runs(self) -> list[Run]:
        """Return all runs, the oldest first."""
        return self._runs("")

    def unended(self) -> list[Run]:
        """Return the runs that were never closed, the oldest first."""
        return [run for run in self._runs("WHERE ended IS NULL") if run.ended is None]

    def losses(self) -> list[EntriesLost]:
        """Return an error for each dead run whose own record is lost: nothing says what it must still undo."""
        with explained(self.folder):
            names = self._holds.names()
            damaged = read_runs(self._db).damaged
            lost = {*names, *damaged, *orphans(self._db)}
        return [
            EntriesLost(f"the journal in {self.folder} has lost run {name}, and with it what that run must still undo")
            for name in sorted(lost)
            if self.run(name) is None and not self.is_alive(name)
        ]

    def _runs(self, which: str) -> list[Run]:
        """Return the runs of the database that a clause selects, and those that only their own files hold."""
        with explained(self.folder):
            names = self._holds.names()
            runs = {run.id: run for run in read_runs(self._db, which).intact}
            missing = [name for name in names if name not in runs]
        for name in missing:
            if run := self.run(name):
                runs[name] = run
        return sorted(runs.values(), key=lambda run: (run.started, run.id))

    def _known(self, run: str) -> Run:
        known = self.run(run)
        if known is None:
            raise JournalError(f"run {run} never began", "begin a run before it writes", gd_code="GD-E300")
        return known

    # entries ----------------------------------------------------------------------------------------------------------

    def entries(self, run: str) -> list[Entry]:
        """Return a run's entries in the order of the plan. Raises EntriesLost where any is missing."""
        found = self._found(run)
        with explained(self.folder):
            rows, file = read_runs(self._db, "WHERE id=?", run), self._holds.read(run)
        row = next(iter(rows.intact), None)
        if row and len(found) < row.intents:
            raise EntriesLost(
                f"run {run} intended {row.intents} changes, and the journal in {self.folder} has {len(found)} of them"
            )
        if row is None and not file.is_whole and (found or file.run or rows.damaged):
            raise EntriesLost(f"the journal in {self.folder} does not show how many changes run {run} intended")
        return [found[position] for position in sorted(found)]

    def is_confirmed(self, run: str) -> bool:
        """Return whether the run's own file is undamaged: it then holds every intent."""
        with explained(self.folder):
            return self._holds.read(run).is_whole

    def _found(self, run: str) -> dict[int, Entry]:
        """Return the entries that the database or, where that lacks any, the run's own file holds, by position."""
        with explained(self.folder):
            entries, file = read_entries(self._db, run), self._holds.read(run)
            row = next(iter(read_runs(self._db, "WHERE id=?", run).intact), None)
        if row and len(entries) >= max(row.intents, file.intents):
            return entries
        with readable():
            return {entry.position: entry for entry in file.entries()} | entries

    def _chosen(self, run: str, positions: Collection[int]) -> list[Entry]:
        """Return the entries at these positions; the run's file is read only where the database lacks any."""
        rows = read_entries(self._db, run)
        found = rows if rows.keys() >= set(positions) else self._found(run)
        return [found[position] for position in sorted(positions) if position in found]

    def intend(self, run: str, entries: Sequence[Entry]) -> None:
        """Write intents in one commit, before their calls; an intent that is there already stays as it is."""
        with self._writing() as db:
            there = {entry.position for entry in self.entries(run)}
            fresh = [entry for entry in entries if entry.position not in there]
            put_entries(db, run, fresh)
            mine = replace(self._known(run), intents=len(there) + len(fresh))
            put_run(db, mine)
        with explained(self.folder):
            if fresh and not there and mine.place != "twin":
                checkpoint(self._db)
            if fresh and not self._holds.add(run, fresh):
                raise EntriesLost(f"the file of run {run} in {self.runs_folder} is damaged, and cannot take intents")
        log.debug("intents of run %s: %s", run, [entry.position for entry in fresh])
        if self._team and entries:
            self._team.intend(entries)

    def answer(self, run: str, outcomes: Mapping[int, CallOutcome]) -> None:
        """Record the outcomes of calls, by position, in one commit."""

        def answered(entry: Entry) -> Entry:
            outcome = asdict(outcomes[entry.position])
            return replace(entry, **outcome | {"made": outcome["made"] or entry.made})

        with self._writing() as db:
            put_entries(db, run, map(answered, self._chosen(run, outcomes)))

    def settle(self, run: str, ends: Mapping[int, tuple[End, str]]) -> None:
        """Record how entries ended (an end and a sentence, by position), in one commit."""
        with self._writing() as db:
            chosen = [(entry, *ends[entry.position]) for entry in self._chosen(run, ends)]
            put_entries(db, run, [replace(entry, state=state, note=note) for entry, state, note in chosen])
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


def _when(since: float) -> str:
    try:
        return datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return "an unknown time"
