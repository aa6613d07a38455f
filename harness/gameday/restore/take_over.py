"""Rescue: any machine can undo the runs of a dead machine, from their team's store.

A machine counts as dead if its lease does not change, by our own clock, for the time of a lease plus the longest call.
For a run of this machine, the kernel shows it at once. The rescuer first takes the lease over and fences the run off.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from gameday.engine.journal import Journal
from gameday.engine.process_lock import who
from gameday.errors import JournalError, Refused
from gameday.store.lease import LEASES, RENEW, Sighting, key_of, read, watch
from gameday.store.run_records import RecordedRun, Records, RunLocation, open_runs
from gameday.store.s3 import Objects
from gameday.store.team import TeamStore

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Waited:
    """A run of the store, and the last sighting of its lease: None where nobody holds it."""

    place: RunLocation
    seen: Sighting | None
    is_dead: bool
    is_quiet: bool = False  # the lease was unchanged for so long that no call of the dead machine can still arrive


def held_by(objects: Objects) -> list[RunLocation]:
    """Return the runs that hold a lease; skip invalid leases, which still keep others out. Raises JournalError."""
    held = []
    for key in objects.keys(LEASES):
        stored = objects.get(key)
        with suppress(JournalError):
            if stored and (holding := read(stored, key)).run and key_of(holding.workload, holding.account) == key:
                held.append(RunLocation(holding.run, holding.workload, holding.account))
    return held


def unfinished(objects: Objects) -> list[RunLocation]:
    """Return the open runs of a store, and the runs that hold a lease, the oldest first. Raises JournalError."""
    return sorted({*open_runs(objects), *held_by(objects)})


def recorded(objects: Objects, place: RunLocation) -> RecordedRun | None:
    """Return a run as its records describe it; None where it has none. Raises JournalError."""
    return Records(objects, place.workload, place.account, place.run).recorded()


def watched(
    objects: Objects,
    places: list[RunLocation],
    died_here: Callable[[str], bool],
    sleep: Callable[[float], None],
    monotonic: Monotonic = time.monotonic,
) -> Iterator[Waited]:
    """Watch the leases of runs until each proves alive or dead; yield runs known to be dead first.

    `died_here` returns whether a run belongs to this machine and its process is dead. Raises JournalError.
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
    """Return the sighting of the lease, if this run holds it."""
    seen = watch(objects, place.workload, place.account, before, now)
    return seen if seen and seen.holding.run == place.run else None


def caught_up(objects: Objects, place: RunLocation, journal: Journal) -> bool:
    """Return whether the store shows the run as closed and, if the journal has the run, close it there too."""
    records = Records(objects, place.workload, place.account, place.run)
    known = records.recorded() if records.is_closed else None
    if known is None:
        return False
    ends = {entry.position: (entry.state, entry.note) for entry in known.entries if entry.state != "open"}
    if journal.run(place.run) and journal.hold(place.run):
        journal.settle(place.run, ends)
        return journal.end(place.run, "restored by another machine")
    return True


def was_taken_over(objects: Objects, place: RunLocation) -> bool:
    """Return whether a rescuer has had the run before: its own machine's death then does not show who holds it now."""
    try:
        known = recorded(objects, place)
    except JournalError:
        return True
    return known is not None and known.is_fenced


@contextmanager
def taken_over(objects: Objects, found: Waited, journal: Journal) -> Iterator[None]:
    """Within this block, the dead run is ours to restore, and the journal holds its open changes.

    Raises Refused where another machine has the run, or has renewed its lease since.
    """
    place = found.place
    team = TeamStore(objects, place.workload, place.account)
    owed = team.take_over(place.run, who(), found.seen)
    if owed is None:
        team.end("recorded nothing")
        yield
        return
    now = time.time()
    entries = [replace(entry, answered=now) if found.is_quiet and entry.is_open else entry for entry in owed.entries]
    journal.adopt(owed.run, entries)
    stops: list[str] = []
    with journal.shared_with(team), team.heartbeat(place.run, lambda _, why: stops.append(why)):
        yield
    if stops and team.lease.is_taken_over:
        raise Refused((stops[0],))
