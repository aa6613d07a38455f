"""The part of a team's store for one run: its workload's lease and its records. A journal writes both through it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from gameday.engine.entries import End, Entry, Run
from gameday.errors import JournalError, LeaseLost
from gameday.store.heartbeat import AskToStop, Heartbeat
from gameday.store.lease import Lease, Monotonic, Sighting
from gameday.store.proof import prove
from gameday.store.run_records import RecordedRun, Records
from gameday.store.s3 import Objects


class TeamStore:
    """Write a run's lease and records to the store. Every method raises JournalError where it does not answer."""

    def __init__(self, objects: Objects, workload: str, account: str, monotonic: Monotonic = time.monotonic) -> None:
        self.lease = Lease(objects, workload, account, monotonic)
        self._objects = objects
        self._workload, self._account = workload, account
        self._records: Records | None = None
        self._is_proven = False

    def heartbeat(self, run: str, ask: AskToStop) -> Heartbeat:
        """Return the heartbeat that keeps the lease within a block; it calls `ask` with the reason to end the run."""
        return Heartbeat(self.lease, self._objects, run, ask)

    def must_be_free(self) -> None:
        """Raise Refused while a run has the workload."""
        self.lease.must_be_free()

    def prove(self) -> None:
        """Prove that the store keeps conditional writes; raises Refused where it does not.

        Only runs call it: a rescue must not depend on it.
        """
        if not self._is_proven:
            prove(self._objects)
            self._is_proven = True

    def take(self, run: Run) -> None:
        """Take the workload for a run. Raises Refused while another run has it, or where the store is not proven."""
        self.prove()
        epoch = self.lease.take(run.id, run.who)
        self._records = self._of(run.id)
        try:
            self._records.begin(run, epoch)
        except JournalError:
            with suppress(JournalError):  # the lease then runs out by itself; report the first error
                self.lease.free()
            raise

    def take_over(self, run: str, who: str, seen: Sighting | None) -> RecordedRun | None:
        """Take a run over from a dead holder, and fence it off; return the run, or None where it recorded nothing.

        `seen` is the last sighting of the lease, None where nobody holds it. Raises Refused where another run has the
        lease. Raises JournalError, and takes nothing, where the records are invalid.
        """
        records = self._of(run)
        known = records.recorded()  # raises on invalid records, before the takeover
        must_be_all(known, seen, run)
        epoch = self.lease.take_over(seen, run, who) if seen else self.lease.take(run, who)
        recorded = records.fence(who, epoch)
        self._records = records if recorded else None
        return recorded

    def is_ours(self) -> bool:
        """Return whether the run is ours to undo: false only where another machine is known to have taken it over."""
        try:
            self.must_be_sure()
        except LeaseLost:
            with suppress(JournalError):  # a store that does not answer must not prevent the undo
                self.lease.renew()
        return not self.lease.is_taken_over

    def must_be_sure(self) -> None:
        """Raise LeaseLost where another run may have the workload now."""
        self.lease.must_be_sure()

    def intend(self, entries: Sequence[Entry]) -> None:
        """Record intents before their calls; raises LeaseLost where another machine has taken the run over."""
        records = self._taken_records()
        records.intend(entries)
        self.lease.renew(records.length)

    def settle(self, ends: Mapping[int, tuple[End, str]]) -> None:
        """Record how entries ended."""
        self._taken_records().settle(ends)

    def end(self, note: str) -> None:
        """Close the run, and free its workload."""
        if self._records:
            self._records.close(note)
        self.lease.free()

    def _taken_records(self) -> Records:
        if self._records is None:
            raise JournalError(f"no run has taken workload {self._workload} in the store", "take it first")
        return self._records

    def _of(self, run: str) -> Records:
        return Records(self._objects, self._workload, self._account, run)


def must_be_all(known: RecordedRun | None, seen: Sighting | None, run: str) -> None:
    """Raise JournalError where a run has fewer records than its lease counts."""
    wanted, length = seen.holding.records if seen else 0, known.length if known else 0
    if length < wanted:
        raise JournalError(
            f"the store has {length} records of run {run}, and its lease counts {wanted}: what it must undo is lost",
            "restore the run on its own machine, and let no lifecycle rule remove objects below the prefix",
            gd_code="GD-E305",
        )
