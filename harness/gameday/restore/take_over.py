"""Rescue: the runs of dead machines, undone by any other from their team's store.

A machine is dead where its lease does not move for as long as a lease lasts and a call can take, by our own clock; of a
run of this machine the kernel tells at once. Whoever rescues takes the lease over and fences the run off first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from gameday.engine.journal import Journal, who
from gameday.errors import JournalError, Refused
from gameday.store.lease import LEASES, RENEW, Sighting, key_of, read, watch
from gameday.store.run_records import Records, RunLocation, Told, open_runs
from gameday.store.s3 import Objects
from gameday.store.team import TeamStore

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Waited:
    """A run of the store, and how its lease was last seen: None where nobody holds it."""

    place: RunLocation
    seen: Sighting | None
    is_dead: bool
    is_quiet: bool = False  # the lease was watched: nothing that the dead machine sent can arrive any more


def held_by(objects: Objects) -> list[RunLocation]:
    """The runs that hold a lease; raises JournalError. A lease that is none holds nothing, but keeps others out."""
    held = []
    for key in objects.keys(LEASES):
        stored = objects.get(key)
        with suppress(JournalError):
            if stored and (holding := read(stored, key)).run and key_of(holding.workload, holding.account) == key:
                held.append(RunLocation(holding.run, holding.workload, holding.account))
    return held


def unfinished(objects: Objects) -> list[RunLocation]:
    """The runs that a store holds open, and those that hold a lease, the oldest first; raises JournalError."""
    return sorted({*open_runs(objects), *held_by(objects)})


def told(objects: Objects, place: RunLocation) -> Told | None:
    """What a run's records tell; None where it noted nothing. Raises JournalError."""
    return Records(objects, place.workload, place.account, place.run).tell()


def watched(
    objects: Objects,
    places: list[RunLocation],
    died_here: Callable[[str], bool],
    sleep: Callable[[float], None],
    monotonic: Monotonic = time.monotonic,
) -> Iterator[Waited]:
    """Watch the leases of runs until each is seen to live or to be dead; those known to be dead come first.

    `died_here` says whether a run was of this machine, and its process is dead. Raises JournalError.
    """
    waiting = {place: look(objects, place, None, monotonic()) for place in places}
    while waiting:
        for place, before in list(waiting.items()):
            now = monotonic()
            seen = look(objects, place, before, now)
            is_dead = seen is None or seen.is_dead(now) or died_here(place.run)
            if is_dead or before is None or seen is not before:
                yield Waited(place, seen, is_dead, is_quiet=seen is not None and seen.is_dead(now))
                del waiting[place]
        if waiting:
            sleep(RENEW / 4)


def look(objects: Objects, place: RunLocation, before: Sighting | None, now: float) -> Sighting | None:
    """The lease, where this run holds it."""
    seen = watch(objects, place.workload, place.account, before, now)
    return seen if seen and seen.holding.run == place.run else None


def caught_up(objects: Objects, place: RunLocation, journal: Journal) -> bool:
    """Whether nothing is owed any more: the store says so, and a journal that knew more changes learns it of each."""
    records = Records(objects, place.workload, place.account, place.run)
    known = records.tell() if records.is_closed else None
    if known is None:
        return False
    ends = {entry.position: (entry.state, entry.note) for entry in known.entries if entry.state != "open"}
    if journal.run(place.run) and journal.hold(place.run):
        journal.settle(place.run, ends)
        return journal.end(place.run, "restored by another machine")
    return True


def was_taken_over(objects: Objects, place: RunLocation) -> bool:
    """Whether another rescuer has had a run: then its own machine's death says nothing of who holds it now."""
    try:
        known = told(objects, place)
    except JournalError:
        return True
    return known is not None and known.is_fenced


@contextmanager
def taken_over(objects: Objects, found: Waited, journal: Journal) -> Iterator[None]:
    """While this lasts, the dead run is ours to restore, and the journal has what it owes.

    Raises Refused where somebody else has it, or has renewed it meanwhile.
    """
    place = found.place
    team = TeamStore(objects, place.workload, place.account)
    owed = team.take_over(place.run, who(), found.seen)
    if owed is None:
        team.end("noted nothing")
        yield
        return
    now = time.time()
    entries = [replace(entry, answered=now) if found.is_quiet and entry.is_open else entry for entry in owed.entries]
    journal.adopt(owed.run, entries)
    asked: list[str] = []
    with journal.shared_with(team), team.heartbeat(place.run, lambda _, why: asked.append(why)):
        yield
    if asked and team.lease.is_taken_over:
        raise Refused((asked[0],))
