"""What a team's store knows of a run: numbered records that are only ever added, each on the condition that it is new.

So the record that another machine puts at the next number fences a run off: its own next one is refused, and without
it nothing is sent.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
    """What is about to be sent, with all that its undo needs."""

    entries: tuple[Entry, ...]
    nonce: str
    type: Literal["intended"] = "intended"


@dataclass(frozen=True, slots=True)
class Ends:
    """What became of rows."""

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
    """Nothing is owed any more."""

    note: str
    nonce: str
    type: Literal["closed"] = "closed"


CLOSED = "closed.json"
MOST = 2**32
"""More than any number of ours: positions, process ids, seconds since the epoch."""
_LOOK = "look at what is there; its own machine can restore the run without it"

StoreRecord = Annotated[Begun | Intended | Ends | Fenced | Closed, Field(discriminator="type")]
_RECORD: TypeAdapter[StoreRecord] = TypeAdapter(StoreRecord)


@dataclass(frozen=True, slots=True)
class Told:
    """A run as its records tell it."""

    run: Run
    entries: tuple[Entry, ...]
    length: int  # records so far
    is_fenced: bool  # another machine has taken it over before

    @property
    def owed(self) -> int:
        """How many changes are not settled."""
        return sum(entry.is_open for entry in self.entries)


class Records:
    """One run's records in a store; every method raises JournalError where the store does not answer."""

    def __init__(self, objects: Objects, workload: str, account: str, run: str) -> None:
        self._objects = objects
        self._folder = f"runs/{account}/{workload}/{run}/"
        self._place = account, workload, run
        self._next = 0

    @property
    def is_closed(self) -> bool:
        """Whether nothing is owed any more."""
        return self._objects.get(f"{self._folder}{CLOSED}") is not None

    def begin(self, run: Run, epoch: int) -> None:
        """Note that a run has taken its workload."""
        self._add(Begun(run, epoch, _nonce()))

    def intend(self, entries: Sequence[Entry]) -> None:
        """Note intents, before their calls; raises LeaseLost where another machine has fenced the run off."""
        self._add(Intended(tuple(entries), _nonce()))

    def settle(self, ends: Mapping[int, tuple[End, str]]) -> None:
        """Note what became of rows."""
        self._add(Ends(dict(ends), _nonce()))

    def close(self, note: str) -> None:
        """Note that nothing is owed any more; once more apart, so that a list of keys tells which runs are open.

        Raises LeaseLost where another machine has fenced the run off: closing it is theirs.
        """
        self._add(Closed(note, _nonce()))
        self._objects.put(f"{self._folder}{CLOSED}", _RECORD.dump_json(Closed(note, _nonce())).decode(), NEW)

    def fence(self, who: str, epoch: int) -> Told | None:
        """Fence the run off: whoever wrote its records until now can add none any more.

        What they tell until here; None where there are none, and nobody to fence off.
        """
        body = _RECORD.dump_json(Fenced(who, epoch, _nonce())).decode()
        while told := self.tell():
            if self._objects.put(self._key(told.length), body, NEW) is not None:
                self._next = told.length + 1
                return told
        return None

    def tell(self) -> Told | None:
        """What the records tell; None where there are none. Raises JournalError where some are missing or odd."""
        numbered = [key for key in self._objects.keys(self._folder) if not key.endswith(CLOSED)]
        found = list(self._read())
        if len(found) < len(numbered):
            raise JournalError(
                f"record {len(found)} of {self._folder} is missing in the store: what the run owes is not known there",
                "restore it on its own machine; and let no lifecycle rule remove what is below the prefix",
                gd_code="GD-E305",
            )
        if not found:
            return None
        run, entries = self._run(found[0]), dict[int, Entry]()
        for record in found:
            if isinstance(record, Intended):
                entries |= {entry.position: entry for entry in record.entries}
            elif isinstance(record, Ends):
                if odd := sorted(record.ends.keys() - entries.keys()):
                    raise JournalError(
                        f"{self._folder} in the store settles change {odd[0]}, which it never had",
                        _LOOK,
                        gd_code="GD-E305",
                    )
                entries |= {
                    at: replace(entries[at], state=state, note=note) for at, (state, note) in record.ends.items()
                }
        if entries and not 0 <= min(entries) <= max(entries) < MOST:
            raise JournalError(f"{self._folder} in the store counts its changes oddly", _LOOK, gd_code="GD-E305")
        fenced = any(isinstance(record, Fenced) for record in found)
        return Told(run, tuple(entries[position] for position in sorted(entries)), len(found), fenced)

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
        try:
            return _RECORD.validate_json(stored.body)
        except ValidationError as error:
            raise JournalError(
                f"{self._key(number)} in the store cannot be read by this version: {error.errors()[0]['msg']}",
                "restore the run with the version that wrote it",
                gd_code="GD-E305",
            ) from error

    def _add(self, record: StoreRecord) -> None:
        if not self._put(record):
            raise LeaseLost(
                "another machine has taken this run over, and undoes it", "gameday restore --list says what is owed"
            )

    def _put(self, record: StoreRecord) -> bool:
        body = _RECORD.dump_json(record).decode()
        while self._objects.put(self._key(self._next), body, NEW) is None:
            if isinstance(self._at(self._next), Fenced):
                return False
            self._next += 1  # ours, though its answer never came: nobody but a rescuer writes here, who fences first
        self._next += 1
        return True

    def _key(self, number: int) -> str:
        return f"{self._folder}{number:06d}.json"


@dataclass(frozen=True, slots=True, order=True)
class RunLocation:
    """Where a run's records stand."""

    run: str
    workload: str
    account: str


def open_runs(objects: Objects) -> list[RunLocation]:
    """The runs of a store that are not closed, the oldest first; raises JournalError."""
    found: dict[RunLocation, bool] = {}
    for key in objects.keys("runs/"):
        if key.count("/") != 4 or key.endswith("/"):
            continue  # not ours
        _, account, workload, run, name = key.split("/")
        place = RunLocation(run, workload, account)
        found[place] = found.get(place, True) and name != CLOSED
    return sorted(place for place, is_open in found.items() if is_open)


def _nonce() -> str:
    return secrets.token_hex(8)
