"""A run's share in its team's store: the lease of its workload, and its records; a journal writes both through it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from gameday.engine.entries import End, Entry, Run
from gameday.errors import JournalError, LeaseLost
from gameday.store.heartbeat import AskToStop, Heartbeat
from gameday.store.lease import Lease, Monotonic, Sighting
from gameday.store.proof import prove
from gameday.store.run_records import Records, Told
from gameday.store.s3 import Objects


class TeamStore:
    """What a journal tells the store of one run. Every method raises JournalError where the store does not answer."""

    def __init__(self, objects: Objects, workload: str, account: str, monotonic: Monotonic = time.monotonic) -> None:
        self.lease = Lease(objects, workload, account, monotonic)
        self._objects = objects
        self._workload, self._account = workload, account
        self._records: Records | None = None
        self._is_proven = False

    def heartbeat(self, run: str, ask: AskToStop) -> Heartbeat:
        """What keeps the lease while a block lasts; `ask` is told why the run is to end."""
        return Heartbeat(self.lease, self._objects, run, ask)

    def must_be_free(self) -> None:
        """Raises Refused while a run has the workload."""
        self.lease.must_be_free()

    def prove(self) -> None:
        """Prove that the store keeps conditional writes; raises Refused where it does not.

        Only a run asks for it: a rescue must not depend on it.
        """
        if not self._is_proven:
            prove(self._objects)
            self._is_proven = True

    def take(self, run: Run) -> None:
        """Take the workload for a run; raises Refused while another run has it, or where nothing is proven."""
        self.prove()
        epoch = self.lease.take(run.id, run.who)
        self._records = self._of(run.id)
        try:
            self._records.begin(run, epoch)
        except JournalError:
            with suppress(JournalError):  # it then runs out by itself; what failed first is what counts
                self.lease.free()
            raise

    def take_over(self, run: str, who: str, seen: Sighting | None) -> Told | None:
        """Take a run over from a holder that is dead, and fence it off: what it owes; None where it noted nothing.

        `seen` is the lease as it was last seen, None where nobody holds it. Raises Refused where somebody else has it,
        and JournalError, with nothing taken, where the records cannot be understood.
        """
        records = self._of(run)
        records.tell()  # what cannot be understood is not taken over
        epoch = self.lease.take_over(seen, run, who) if seen else self.lease.take(run, who)
        told = records.fence(who, epoch)
        self._records = records if told else None
        return told

    def is_ours(self) -> bool:
        """Whether the run is still ours to undo: false only where another machine is known to have taken it over."""
        try:
            self.must_be_sure()
        except LeaseLost:
            with suppress(JournalError):  # a store that does not answer keeps nobody from undoing
                self.lease.renew()
        return not self.lease.is_taken_over

    def must_be_sure(self) -> None:
        """Raises LeaseLost unless nobody else can have the workload now."""
        self.lease.must_be_sure()

    def intend(self, entries: Sequence[Entry]) -> None:
        """Note intents, before their calls; raises LeaseLost where the run was taken over."""
        self._noted().intend(entries)

    def settle(self, ends: Mapping[int, tuple[End, str]]) -> None:
        """Note what became of rows."""
        self._noted().settle(ends)

    def end(self, note: str) -> None:
        """Close the run, and let its workload go."""
        if self._records:
            self._records.close(note)
        self.lease.free()

    def _noted(self) -> Records:
        if self._records is None:
            raise JournalError(f"no run has taken workload {self._workload} in the store", "take it first")
        return self._records

    def _of(self, run: str) -> Records:
        return Records(self._objects, self._workload, self._account, run)
