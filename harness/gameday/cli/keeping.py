"""How commands keep their runs in the history: nothing that fails here changes a run, an undo or an exit code."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gameday.engine.sqlite import home
from gameday.errors import in_words
from gameday.files.workload import Workload
from gameday.plan.plan import RunRequest
from gameday.records.history.entries import of_record
from gameday.records.history.evidence import hashed, text_of
from gameday.records.history.history import History
from gameday.records.history.keeper import Keeper
from gameday.records.history.kept_run import KeptRun, with_evidence
from gameday.records.history.log import folder_of_history
from gameday.records.history.sync import send
from gameday.records.origin import Origin
from gameday.records.record import Record
from gameday.records.suite import Refusal
from gameday.run.experiment import new_run_id
from gameday.store.opening import open_store

log = logging.getLogger("gameday.history")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Keeping:
    """The history of one command: its keeper, which listens to runs, and what becomes of records and refusals."""

    keeper: Keeper
    workload: Workload
    place: str
    region: str
    say: Say

    def keep(self, entry: Record | Refusal, evidence: Path | None) -> None:
        """Keep a record or a refusal; a run on an account goes to its team's store too."""
        with _going_on(f"the history lacks {entry.name}", self.say):
            kept = self.keeper.keep(entry, new_run_id(), evidence)
            if self.place == "aws":
                share(kept, self.workload.store, self.region, self.say)


def keeping(requests: Sequence[RunRequest], origin: Origin, command: str, say: Say) -> Keeping:
    """Return what keeps the runs of these requests, all of one workload."""
    keeper = Keeper(History(folder_of_history(), say), home() / "runs", requests, origin, command)
    return Keeping(keeper, requests[0].workload, requests[0].place, requests[0].region, say)


def keep_restored(record: Record, evidence: Path | None, store: str | None, say: Say) -> None:
    """Keep the record of a killed run, which completes what its start has left in the history."""
    with _going_on(f"the history lacks {record.name}", say):
        kept = with_evidence(of_record(record), evidence, hashed(evidence) if evidence else None)
        History(folder_of_history(), say).keep(kept)
        if record.place == "aws":
            share(kept, store, record.plan.region, say)


def share(kept: KeptRun, store: str | None, region: str, say: Say) -> None:
    """Send a run to its team's store, if it has one; a failure is a line, and `gameday runs sync` sends it later."""
    if store is None:
        return
    late = f"run {kept.run} is not in {store} yet: run `gameday runs sync {store}`"
    with _going_on(late, say), open_store(store, region) as objects:
        send(objects, [kept], lambda each: text_of(each, folder_of_history()))


@contextmanager
def _going_on(what: str, say: Say) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        log.warning("%s", what, exc_info=error)
        say(f"gameday: {what}: {in_words(error)}")
