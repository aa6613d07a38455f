"""The lease: one object in the store says which run has a workload, and its counter says that the run lives.

- A run takes a lease that is free, never one that is held: a dead run's workload is restored first.
- The holder renews it, and each renewal counts one up. It may send only while its last renewal, timed from before it
  was asked for, is younger than LASTS.
- Whoever restores takes over a lease whose counter has not moved, by the observer's own monotonic clock, for LASTS and
  the longest call: nothing that the holder sent can arrive any more then. No clock is compared with another machine's.
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
"""Seconds for which a renewal holds."""
RENEW = LASTS / 3
"""Seconds between two renewals: two may fail."""
UNMOVED = LASTS + LONGEST_CALL
"""Seconds without a renewal after which a lease can be taken over."""

LEASES = "leases/"
FAR = 2**33
"""More than any time or count of ours."""

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Holding:
    """What the object of a lease says."""

    workload: str
    account: str
    run: str  # empty: free
    who: str  # user@host
    since: Annotated[float, Field(ge=0, le=FAR)]  # seconds since the epoch, by the holder's wall: shown, never compared
    epoch: Annotated[int, Field(ge=1, le=FAR)]  # counts up with every holder
    count: Annotated[int, Field(ge=0, le=FAR)]  # counts up with every renewal
    nonce: str  # no two writes are alike

    def said(self) -> str:
        """Who has taken the workload, for which run, since when."""
        when = datetime.fromtimestamp(self.since, UTC).isoformat(timespec="seconds")
        return f"workload {self.workload} is taken by run {self.run} ({self.who}) since {when}"


_HOLDING = TypeAdapter(Holding)


def key_of(workload: str, account: str) -> str:
    """Where a workload's lease stands."""
    return f"{LEASES}{account}/{workload}.json"


def read(stored: Stored, key: str) -> Holding:
    """What a lease says; raises JournalError where it is none."""
    try:
        return _HOLDING.validate_json(stored.body)
    except ValidationError as error:
        raise JournalError(
            f"{key} in the store is not a lease: {error.errors()[0]['msg']}",
            "look at it, and remove it if it is not",
            gd_code="GD-E305",
        ) from error


class Lease:
    """A workload's lease as one run holds it; safe between the loop's thread and the heartbeat's."""

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
        """Raises Refused while a run has the workload: which, whose, and since when; and JournalError."""
        before, _ = self._standing()
        if before and before.run:
            raise _taken(before)

    def take(self, run: str, who: str) -> int:
        """Take the workload; its new epoch. Raises Refused while another run has it, and JournalError."""
        before, tag = self._standing()
        if before and before.run:
            raise _taken(before)
        return self._claim(run, who, before, tag)

    def take_over(self, seen: Sighting, run: str, who: str) -> int:
        """Take a workload from a holder that was seen not to live; its new epoch. Raises Refused where it moved."""
        return self._claim(run, who, seen.holding, seen.tag)

    def _claim(self, run: str, who: str, before: Holding | None, tag: str) -> int:
        epoch = before.epoch + 1 if before else 1
        with self._lock:
            asked = self._monotonic()
            mine = Holding(self._workload, self._account, run, who, time.time(), epoch, 0, secrets.token_hex(8))
            now = self._write(mine, tag)
            if now is None:
                other, _ = self._standing()
                if other and other.run:
                    raise _taken(other)
                raise Refused(
                    (f"workload {self._workload} is being taken by somebody else right now",),
                    "try again",
                    gd_code="GD-E202",
                )
            self._mine, self._tag, self._renewed, self._lost = mine, now, asked, None
            return epoch

    def renew(self) -> None:
        """Say that the run lives. Raises LeaseLost where it was taken over, JournalError where nobody answers."""
        with self._lock:
            mine = self._held()
            asked = self._monotonic()
            more = replace(mine, count=mine.count + 1, nonce=secrets.token_hex(8))
            tag = self._write(more, self._tag)
            if tag is None and self._is_still_ours(mine):
                tag = self._write(more, self._tag)
            if tag is None:
                raise self._lose()
            self._mine, self._tag, self._renewed = more, tag, asked

    def must_be_sure(self) -> None:
        """Raises LeaseLost unless nobody can have taken the workload over by now."""
        with self._lock:
            mine = self._held()
            silent = self._monotonic() - self._renewed
            if silent >= LASTS:
                raise LeaseLost(
                    f"run {mine.run} could not renew its lease of workload {self._workload} for {silent:.0f} s",
                    "see why the store does not answer",
                )

    @property
    def is_due(self) -> bool:
        """Whether it is time to renew."""
        return self._mine is not None and self._lost is None and self._monotonic() - self._renewed >= RENEW

    @property
    def is_taken_over(self) -> bool:
        """Whether another is known to have the workload by now: what is owed is then for them to undo."""
        return self._lost is not None

    def free(self) -> None:
        """Let the workload go, where it is still ours; raises JournalError."""
        with self._lock:
            if self._mine is None or self._lost:
                return
            free = replace(self._mine, run="", nonce=secrets.token_hex(8))
            self._write(free, self._tag)
            self._mine = None

    def _standing(self) -> tuple[Holding | None, str]:
        """What the lease says, and its tag; None and NEW where there is none."""
        stored = self._objects.get(self._key)
        return (read(stored, self._key), stored.tag) if stored else (None, NEW)

    def _write(self, holding: Holding, tag: str) -> str | None:
        return self._objects.put(self._key, _HOLDING.dump_json(holding).decode(), tag)

    def _held(self) -> Holding:
        if self._lost:
            raise self._lost
        if self._mine is None:
            raise LeaseLost(f"workload {self._workload} is not taken", "take it first")
        return self._mine

    def _is_still_ours(self, mine: Holding) -> bool:
        """Whether nobody has taken over: what stands is a write of ours whose answer never came, or nothing."""
        stands, tag = self._standing()
        # Removed by hand: whoever is the first to write it anew has it.
        is_ours = stands is None or (stands.epoch, stands.run) == (mine.epoch, mine.run)
        self._tag = tag if is_ours else self._tag
        return is_ours

    def _lose(self) -> LeaseLost:
        stands, _ = self._standing()
        now = f": {stands.said()}" if stands and stands.run else ""
        self._lost = LeaseLost(f"the lease of workload {self._workload} was taken over{now}", "gameday restore --list")
        return self._lost


@dataclass(frozen=True, slots=True)
class Sighting:
    """A lease as an observer saw it, and since when it has not moved by the observer's monotonic clock."""

    holding: Holding
    tag: str
    since: float

    def is_dead(self, now: float) -> bool:
        """Whether its holder can neither send nor have anything under way any more."""
        return now - self.since >= UNMOVED


def watch(objects: Objects, workload: str, account: str, before: Sighting | None, now: float) -> Sighting | None:
    """Look at a lease once more; None where nobody holds it. Raises JournalError."""
    key = key_of(workload, account)
    stored = objects.get(key)
    if stored is None or not (holding := read(stored, key)).run:
        return None
    if before and before.tag == stored.tag:
        return before
    return Sighting(holding, stored.tag, now)


def _taken(holding: Holding) -> Refused:
    return Refused(
        (holding.said(),),
        "wait until it has ended; if its machine is dead: gameday restore --store s3://…",
        gd_code="GD-E202",
    )
