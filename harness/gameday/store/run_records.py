"""The records of a run in a team's store: numbered, only ever added, each on the condition that it is new.

So another machine fences a run off by writing the next number. The store then refuses the run's own next record, and
without that record the run sends nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from gameday.engine.entries import End, Entry, Run
from gameday.errors import JournalError, LeaseLost
from gameday.store.s3 import NEW, Objects


@dataclass(frozen=True, slots=True)
class Begun:
    """A run has taken its workload."""

    run: Run
    epoch: int
    nonce: str
    type: Literal["begun"] = "begun"


@dataclass(frozen=True, slots=True)
class Intended:
    """Changes that the run is about to send, with all that their undo needs."""

    entries: tuple[Entry, ...]
    nonce: str
    type: Literal["intended"] = "intended"


@dataclass(frozen=True, slots=True)
class Ends:
    """How entries ended."""

    ends: dict[int, tuple[End, str]]
    nonce: str
    type: Literal["ends"] = "ends"


@dataclass(frozen=True, slots=True)
class Fenced:
    """Another machine has taken the run over, and undoes it."""

    who: str
    epoch: int
    nonce: str
    type: Literal["fenced"] = "fenced"


@dataclass(frozen=True, slots=True)
class Closed:
    """Every change of the run is undone."""

    note: str
    nonce: str
    type: Literal["closed"] = "closed"


CLOSED = "closed.json"
MOST = 2**32
"""More than any number that Gameday writes: positions, process ids, seconds since the epoch."""
_LOOK = "check these objects in the store; the run's own machine can restore it without them"

StoreRecord = Annotated[Begun | Intended | Ends | Fenced | Closed, Field(discriminator="type")]
_RECORD: TypeAdapter[StoreRecord] = TypeAdapter(StoreRecord)


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run as its records describe it."""

    run: Run
    entries: tuple[Entry, ...]
    length: int  # records so far
    is_fenced: bool  # another machine has taken it over before

    @property
    def owed(self) -> int:
        """The number of changes that are not undone yet."""
        return sum(entry.is_open for entry in self.entries)


class Records:
    """The records of one run in a store. Every method raises JournalError where the store does not answer."""

    def __init__(self, objects: Objects, workload: str, account: str, run: str) -> None:
        self._objects = objects
        self._folder = f"runs/{account}/{workload}/{run}/"
        self._place = account, workload, run
        self._next = 0

    @property
    def length(self) -> int:
        """The number of records up to the last that this machine wrote."""
        return self._next

    @property
    def is_closed(self) -> bool:
        """Whether the run is closed: every change of it is undone."""
        return self._objects.get(f"{self._folder}{CLOSED}") is not None

    def begin(self, run: Run, epoch: int) -> None:
        """Record that a run has taken its workload."""
        self._add(Begun(run, epoch, _nonce()))

    def intend(self, entries: Sequence[Entry]) -> None:
        """Record intents before their calls; raises LeaseLost where another machine has fenced the run off."""
        self._add(Intended(tuple(entries), _nonce()))

    def settle(self, ends: Mapping[int, tuple[End, str]]) -> None:
        """Record how entries ended."""
        self._add(Ends(dict(ends), _nonce()))

    def close(self, note: str) -> None:
        """Record that the run is closed, and write a marker, so that a list of keys shows which runs are open.

        Raises LeaseLost where another machine has fenced the run off: that machine then closes it.
        """
        self._add(Closed(note, _nonce()))
        self._objects.put(f"{self._folder}{CLOSED}", written(f"{self._folder}{CLOSED}", Closed(note, _nonce())), NEW)

    def fence(self, who: str, epoch: int) -> RecordedRun | None:
        """Fence the run off: its writer until now can add no more records.

        Returns the run as recorded so far; None where it has no records, and so no writer to fence off.
        """
        record = Fenced(who, epoch, _nonce())
        while run := self.recorded():
            key = self._key(run.length)
            if self._objects.put(key, written(key, record), NEW) is not None:
                self._next = run.length + 1
                return run
        return None

    def recorded(self) -> RecordedRun | None:
        """Return the run as its records describe it; None where it has none.

        Raises JournalError where records are missing or invalid.
        """
        numbered = [key for key in self._objects.keys(self._folder) if not key.endswith(CLOSED)]
        records = list(self._read())
        if len(records) < len(numbered):
            raise JournalError(
                f"record {len(records)} of {self._folder} is missing in the store: the run's open changes are unknown",
                "restore the run on its own machine, and let no lifecycle rule remove objects below the prefix",
                gd_code="GD-E305",
            )
        if not records:
            return None
        run, entries = self._run(records[0]), dict[int, Entry]()
        for record in records:
            if isinstance(record, Intended):
                entries |= {entry.position: entry for entry in record.entries}
            elif isinstance(record, Ends):
                if odd := sorted(record.ends.keys() - entries.keys()):
                    raise JournalError(
                        f"{self._folder} in the store ends change {odd[0]}, which it never intended",
                        _LOOK,
                        gd_code="GD-E305",
                    )
                entries |= {
                    at: replace(entries[at], state=state, note=note) for at, (state, note) in record.ends.items()
                }
        if entries and not 0 <= min(entries) <= max(entries) < MOST:
            raise JournalError(
                f"{self._folder} in the store has a change with an invalid position", _LOOK, gd_code="GD-E305"
            )
        fenced = any(isinstance(record, Fenced) for record in records)
        return RecordedRun(run, tuple(entries[position] for position in sorted(entries)), len(records), fenced)

    def _run(self, first: StoreRecord) -> Run:
        run = first.run if isinstance(first, Begun) else None
        where = (run.account, run.workload, run.id, run.place) if run else ()
        if run is None or where != (*self._place, "aws") or not 0 <= run.pid < MOST or not 0 <= run.started < MOST:
            raise JournalError(f"{self._folder} in the store does not begin with that run", _LOOK, gd_code="GD-E305")
        return run

    def _read(self) -> Iterator[StoreRecord]:
        number = 0
        while record := self._at(number):
            yield record
            number += 1

    def _at(self, number: int) -> StoreRecord | None:
        stored = self._objects.get(self._key(number))
        if stored is None:
            return None
        checksum, _, text = stored.body.partition(" ")
        if checksum != _checksum(self._key(number), text):
            raise JournalError(f"{self._key(number)} in the store was cut short or changed", _LOOK, gd_code="GD-E305")
        try:
            return _RECORD.validate_json(text)
        except ValidationError as error:
            raise JournalError(
                f"this version of Gameday cannot read {self._key(number)} in the store: {error.errors()[0]['msg']}",
                "restore the run with the version that wrote it",
                gd_code="GD-E305",
            ) from error

    def _add(self, record: StoreRecord) -> None:
        if not self._put(record):
            raise LeaseLost(
                "another machine has taken this run over and undoes it", "list open runs: gameday restore --list"
            )

    def _put(self, record: StoreRecord) -> bool:
        while self._objects.put(key := self._key(self._next), written(key, record), NEW) is None:
            if isinstance(self._at(self._next), Fenced):
                return False
            self._next += 1  # ours, with a lost answer: only a rescuer writes here besides us, and it fences first
        self._next += 1
        return True

    def _key(self, number: int) -> str:
        return f"{self._folder}{number:06d}.json"


@dataclass(frozen=True, slots=True, order=True)
class RunLocation:
    """The location of a run's records in a store."""

    run: str
    workload: str
    account: str


def open_runs(objects: Objects) -> list[RunLocation]:
    """Return the runs of a store that are not closed, the oldest first; raises JournalError."""
    open_by_place: dict[RunLocation, bool] = {}
    for key in objects.keys("runs/"):
        if key.count("/") != 4 or key.endswith("/"):
            continue  # not ours
        _, account, workload, run, name = key.split("/")
        place = RunLocation(run, workload, account)
        open_by_place[place] = open_by_place.get(place, True) and name != CLOSED
    return sorted(place for place, is_open in open_by_place.items() if is_open)


def written(key: str, record: StoreRecord) -> str:
    """Return the body of a record's object: its checksum, which holds for this key alone, and JSON."""
    text = _RECORD.dump_json(record).decode()
    return f"{_checksum(key, text)} {text}"


def _checksum(key: str, text: str) -> str:
    return sha256(f"{key} {text}".encode()).hexdigest()


def _nonce() -> str:
    return secrets.token_hex(8)
