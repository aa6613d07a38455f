"""The lease: one object in the store names the run that has a workload, and its counter shows that the run lives.

- A run takes only a free lease. The workload of a dead run must be restored first.
- The holder renews its lease, and each renewal increments the counter. It may send calls only while its last renewal,
  timed from before the request, is younger than LASTS.
- A rescuer takes over a lease whose counter has not moved for LASTS plus the longest call, by the rescuer's own
  monotonic clock. No call of the holder can arrive after that. Clocks of two machines are never compared.
  Source: AWS Compute Blog, "Building Distributed Locks with the DynamoDB Lock Client".
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from gameday.aws.account import LONGEST_CALL
from gameday.errors import JournalError, LeaseLost, Refused
from gameday.store.s3 import NEW, Objects, Stored

LASTS = 60.0
"""Seconds for which a renewal is valid."""
RENEW = LASTS / 3
"""Seconds between two renewals, so that two may fail."""
UNMOVED = LASTS + LONGEST_CALL
"""Seconds without a renewal after which a lease can be taken over."""

LEASES = "leases/"
FAR = 2**33
"""More than any time or count that Gameday writes."""

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Holding:
    """The content of a lease."""

    workload: str
    account: str
    run: str  # empty: free
    who: str  # user@host
    since: Annotated[
        float, Field(ge=0, le=FAR)
    ]  # seconds since the epoch, by the holder's wall clock: shown, never compared
    epoch: Annotated[int, Field(ge=1, le=FAR)]  # counts up with every holder
    count: Annotated[int, Field(ge=0, le=FAR)]  # counts up with every renewal
    nonce: str  # makes every write different
    records: Annotated[int, Field(ge=0, le=FAR)] = 0  # that the run has written to the store

    def in_words(self) -> str:
        """Return which run has the workload, who started it, and since when."""
        when = datetime.fromtimestamp(self.since, UTC).isoformat(timespec="seconds")
        return f"run {self.run} ({self.who}) has workload {self.workload} since {when}"


_HOLDING = TypeAdapter(Holding)


def key_of(workload: str, account: str) -> str:
    """Return the key of a workload's lease."""
    return f"{LEASES}{account}/{workload}.json"


def read(stored: Stored, key: str) -> Holding:
    """Return the content of a lease; raises JournalError where the object is not a lease."""
    try:
        return _HOLDING.validate_json(stored.body)
    except ValidationError as error:
        raise JournalError(
            f"{key} in the store is not a lease: {error.errors()[0]['msg']}",
            "check the object, and remove it if it is not a lease",
            gd_code="GD-E305",
        ) from error


class Lease:
    """A workload's lease as one run holds it; the loop's thread and the heartbeat's thread may share it."""

    def __init__(self, objects: Objects, workload: str, account: str, monotonic: Monotonic = time.monotonic) -> None:
        self._objects = objects
        self._key = key_of(workload, account)
        self._workload, self._account = workload, account
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._mine: Holding | None = None
        self._tag = NEW
        self._renewed = float("-inf")
        self._lost: LeaseLost | None = None

    def must_be_free(self) -> None:
        """Raise Refused while a run has the workload, with that run, its user and the time; or JournalError."""
        before, _ = self._current()
        if before and before.run:
            raise _taken(before)

    def take(self, run: str, who: str) -> int:
        """Take the workload; return its new epoch. Raises Refused while another run has it, and JournalError."""
        before, tag = self._current()
        if before and before.run:
            raise _taken(before)
        return self._claim(run, who, before, tag)

    def take_over(self, seen: Sighting, run: str, who: str) -> int:
        """Take a workload from a dead holder; return its new epoch. Raises Refused where the lease has changed."""
        return self._claim(run, who, seen.holding, seen.tag)

    def _claim(self, run: str, who: str, before: Holding | None, tag: str) -> int:
        epoch = before.epoch + 1 if before else 1
        with self._lock:
            began = self._monotonic()
            records = before.records if before and before.run == run else 0
            place = self._workload, self._account, run, who
            mine = Holding(*place, time.time(), epoch, 0, secrets.token_hex(8), records)
            now = self._write(mine, tag)
            if now is None:
                other, _ = self._current()
                if other and other.run:
                    raise _taken(other)
                raise Refused(
                    (f"another run is taking workload {self._workload} right now",),
                    "try again",
                    gd_code="GD-E202",
                )
            self._mine, self._tag, self._renewed, self._lost = mine, now, began, None
            return epoch

    def renew(self, records: int = 0) -> None:
        """Renew the lease; `records` counts the run's records in the store, and the highest count stays.

        Raises LeaseLost where it was taken over, JournalError where the store does not answer.
        """
        with self._lock:
            mine = self._held()
            began = self._monotonic()
            records = max(records, mine.records)
            more = replace(mine, count=mine.count + 1, nonce=secrets.token_hex(8), records=records)
            tag = self._write(more, self._tag)
            if tag is None and self._is_still_ours(mine):
                tag = self._write(more, self._tag)
            if tag is None:
                raise self._lose()
            self._mine, self._tag, self._renewed = more, tag, began

    def must_be_sure(self) -> None:
        """Raise LeaseLost where another run may have taken the workload over by now."""
        # Without the lock: a renewal holds it while it waits for the store, and nothing may wait for that.
        mine = self._held()
        silent = self._monotonic() - self._renewed
        if silent >= LASTS:
            raise LeaseLost(
                f"run {mine.run} could not renew its lease of workload {self._workload} for {silent:.0f} s",
                "find out why the store does not answer",
            )

    @property
    def is_due(self) -> bool:
        """Whether it is time to renew."""
        return self._mine is not None and self._lost is None and self._monotonic() - self._renewed >= RENEW

    @property
    def is_taken_over(self) -> bool:
        """Whether another run is known to have the workload: it then undoes the open changes."""
        return self._lost is not None

    def free(self) -> None:
        """Free the workload, if it is still ours; raises JournalError."""
        with self._lock:
            if self._mine is None or self._lost:
                return
            free = replace(self._mine, run="", nonce=secrets.token_hex(8), records=0)
            self._write(free, self._tag)
            self._mine = None

    def _current(self) -> tuple[Holding | None, str]:
        """Return the lease's content and tag; None and NEW where there is no lease."""
        stored = self._objects.get(self._key)
        return (read(stored, self._key), stored.tag) if stored else (None, NEW)

    def _write(self, holding: Holding, tag: str) -> str | None:
        return self._objects.put(self._key, _HOLDING.dump_json(holding).decode(), tag)

    def _held(self) -> Holding:
        if self._lost:
            raise self._lost
        if self._mine is None:
            raise LeaseLost(f"this run has not taken workload {self._workload}", "take it first")
        return self._mine

    def _is_still_ours(self, mine: Holding) -> bool:
        """Return whether the lease is ours: the store has a write of ours whose answer was lost, or no lease."""
        current, tag = self._current()
        # If somebody removed the lease by hand, the first run to write it has it.
        is_ours = current is None or (current.epoch, current.run) == (mine.epoch, mine.run)
        self._tag = tag if is_ours else self._tag
        return is_ours

    def _lose(self) -> LeaseLost:
        current, _ = self._current()
        now = f": {current.in_words()}" if current and current.run else ""
        self._lost = LeaseLost(
            f"another machine took over the lease of workload {self._workload}{now}",
            "list open runs: gameday restore --list",
        )
        return self._lost


@dataclass(frozen=True, slots=True)
class Sighting:
    """A lease as an observer saw it, and since when it is unchanged, by the observer's monotonic clock."""

    holding: Holding
    tag: str
    since: float

    def is_dead(self, now: float) -> bool:
        """Return whether its holder can no longer send, nor have any call under way."""
        return now - self.since >= UNMOVED


def watch(objects: Objects, workload: str, account: str, before: Sighting | None, now: float) -> Sighting | None:
    """Read a lease again; return the sighting, or None where nobody holds it. Raises JournalError."""
    key = key_of(workload, account)
    stored = objects.get(key)
    if stored is None or not (holding := read(stored, key)).run:
        return None
    if before and before.tag == stored.tag:
        return before
    return Sighting(holding, stored.tag, now)


def _taken(holding: Holding) -> Refused:
    return Refused(
        (holding.in_words(),),
        "wait until that run has ended; if its machine is dead: gameday restore --store s3://…",
        gd_code="GD-E202",
    )
