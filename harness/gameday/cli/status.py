"""Run `gameday status`: which runs are under way, on this machine by their locks, elsewhere by their leases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gameday.cli.history import FORMAT
from gameday.cli.output import tell
from gameday.engine.process_lock import Holds
from gameday.engine.sqlite import home
from gameday.errors import Exit, JournalError
from gameday.records.history.phase_file import read_phase
from gameday.text import printable

if TYPE_CHECKING:
    from gameday.store.run_records import RecordedRun
    from gameday.store.s3 import Objects

DEAD = "dead"
"""The phase of a run whose process died before its changes were undone or closed."""


@dataclass(frozen=True, slots=True)
class RunningRun:
    """A run that has not ended."""

    run: str
    workload: str
    account: str
    place: str
    who: str
    started: str | None  # ISO 8601 in UTC; None: its records cannot be read
    phase: str | None  # before, inject, during, undo, after; dead; None: unknown
    since: str | None  # of the phase
    seen_in: str  # "this machine", or the store


def show_status(store: str | None, as_json: bool) -> Exit:
    """Show what runs now. Exits 0, also where nothing runs; 3 where something cannot be read."""
    runs = list(here(home() / "runs"))
    if store is not None:
        known = {run.run for run in runs}
        runs += [run for run in in_store(store) if run.run not in known]
    code = Exit.UNKNOWN if any(run.started is None for run in runs) else Exit.HELD
    if as_json:
        tell(json.dumps({"format": FORMAT, "runs": [asdict(run) for run in runs]}))
        return code
    for run in runs:
        tell(printable(_line(run)))
    if not runs:
        tell("nothing runs" if store else "nothing runs on this machine; --store looks at other machines", err=True)
    return code


def here(folder: Path) -> Iterator[RunningRun]:
    """Yield the runs of this machine that have not ended, by the locks on their files."""
    if not folder.is_dir():
        return
    holds = Holds(folder)
    for name in holds.names():
        with suppress(OSError):  # the run has just ended
            known, is_alive, phase = holds.read(name).run, holds.is_alive(name), read_phase(folder, name)
            if known is None:
                yield RunningRun(name, "?", "?", "?", "?", None, None if is_alive else DEAD, None, "this machine")
                continue
            words = (phase.phase if phase else None) if is_alive else DEAD
            since = _utc(phase.since) if phase and is_alive else None
            place = known.workload, known.account, known.place, known.who
            yield RunningRun(name, *place, _utc(known.started), words, since, "this machine")


def in_store(store: str) -> list[RunningRun]:
    """Return the runs that hold a lease in a store. Raises InvalidInput and JournalError."""
    from gameday.cli.exchange import store_of
    from gameday.store.opening import open_store, region_of_buckets

    address = store_of(store)
    with open_store(address, region_of_buckets()) as objects:
        return list(elsewhere(objects, address))


def elsewhere(objects: Objects, address: str) -> Iterator[RunningRun]:
    """Yield the runs that hold a lease in a store: its holder may have died. Raises JournalError."""
    from gameday.restore.take_over import held_by, recorded

    for place in held_by(objects):
        known: RecordedRun | None = None
        with suppress(JournalError):
            known = recorded(objects, place)
        who, started = (known.run.who, _utc(known.run.started)) if known else ("?", None)
        phase = phase_of(known) if known else None
        yield RunningRun(place.run, place.workload, place.account, "aws", who, started, phase, None, address)


def phase_of(known: RecordedRun) -> str:
    """Return the phase that a run's records in a store show."""
    if not known.entries:
        return "before"
    if known.owed == len(known.entries):
        return "during"
    return "undo" if known.owed else "after"


def _line(run: RunningRun) -> str:
    phase = f"phase {run.phase or 'unknown'}" + (f" since {run.since}" if run.since else "")
    started = f"since {run.started}" if run.started else "since an unknown time"
    remedy = ": run `gameday restore`" if run.phase == DEAD else ""
    return f"{run.run}  {run.workload} on {run.place}, {started}, {phase}{remedy}, by {run.who}, seen in {run.seen_in}"


def _utc(seconds: float) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None
