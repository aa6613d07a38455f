"""The team's history in its store: an object for each version of a run, and one for the evidence of a run.

The name of an object contains the hash of what it holds, and no object is ever replaced. So any number of machines may
write at once, and a list of names shows a machine what it lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256

from gameday.errors import JournalError
from gameday.records.history.kept_run import KeptRun, from_json, to_json
from gameday.store.s3 import NEW, Objects

RUNS, EVIDENCE = "history/runs/", "history/evidence/"
AT_ONCE = 10
"""Objects that are read at the same time: the connections that a session keeps open."""

ReadEvidence = Callable[[KeptRun], str | None]
"""Returns the text of a run's evidence on this machine; None where it is gone or has changed."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did."""

    sent: int
    fetched: tuple[KeptRun, ...]
    unreadable: tuple[str, ...]  # names of objects that are damaged, or that a newer version wrote
    without_evidence: tuple[str, ...]  # runs that were sent without their evidence, which this machine no longer has


def key_of(kept: KeptRun) -> str:
    """Return the name of a version's object."""
    return f"{RUNS}{kept.run}.{kept.digest}.json"


def evidence_key(kept: KeptRun) -> str | None:
    """Return the name of the evidence's object; None for a run without evidence."""
    return f"{EVIDENCE}{kept.run}.{kept.evidence_hash}.json" if kept.evidence_hash else None


def sync(objects: Objects, mine: Mapping[tuple[str, str], KeptRun], evidence: ReadEvidence) -> Synced:
    """Send what the store lacks, and return what this machine lacks. Raises JournalError.

    The start of a run that has ended here stays here: its end says all that its start says.
    """
    there = set(objects.keys(RUNS))
    here = {key_of(kept): kept for kept in mine.values()}
    ended = {kept.run for kept in mine.values() if kept.state == "ended"}
    missing = {
        key: kept for key, kept in here.items() if key not in there and (kept.state != "begun" or kept.run not in ended)
    }
    lost = send(objects, (missing[key] for key in sorted(missing)), evidence)
    wanted = sorted(there - here.keys())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = dict(zip(wanted, pool.map(lambda key: _read(objects, key), wanted), strict=True))
    return Synced(
        sent=len(missing),
        fetched=tuple(kept for kept in found.values() if kept),
        unreadable=tuple(key for key, kept in found.items() if kept is None),
        without_evidence=lost,
    )


def send(objects: Objects, kept: Iterable[KeptRun], evidence: ReadEvidence) -> tuple[str, ...]:
    """Write versions of runs with their evidence; return the runs whose evidence is gone. Raises JournalError."""
    lost = []
    for each in kept:
        key, text = evidence_key(each), evidence(each)
        if key and text is not None:
            objects.put(key, text, NEW)  # None: it is there already
        elif key:
            lost.append(each.run)
        objects.put(key_of(each), to_json(replace(each, evidence=None)).decode(), NEW)
    return tuple(lost)


def fetch_evidence(objects: Objects, kept: KeptRun) -> str | None:
    """Return the evidence of a run from the store; None where it has none, or another one. Raises JournalError."""
    key = evidence_key(kept)
    stored = objects.get(key) if key else None
    if stored is None or sha256(stored.body.encode()).hexdigest() != kept.evidence_hash:
        return None
    return stored.body


def _read(objects: Objects, key: str) -> KeptRun | None:
    """Return the version that an object holds; None where its name does not fit it."""
    stored = objects.get(key)
    if stored is None:
        raise JournalError(f"{key} was removed from the store during the sync", "sync again", gd_code="GD-E304")
    kept = from_json(stored.body.encode())
    return kept if kept and key_of(kept) == key else None
