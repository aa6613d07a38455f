"""Where a run's journal is kept besides this machine: nowhere for the twin, in the team's store for an account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from gameday.engine.journal import Journal
from gameday.errors import InvalidInput, Refused
from gameday.plan.plan import RunRequest
from gameday.run.stop import StopRequest
from gameday.store.halt import forget, halted_here
from gameday.store.opening import open_store
from gameday.store.team import TeamStore


@contextmanager
def shared(journal: Journal, request: RunRequest, *, local: bool) -> Iterator[TeamStore | None]:
    """While this lasts, an account run's journal and lease are also in its workload's store, unless `local` is said.

    Raises Refused where neither is there, InvalidInput where both are.
    """
    workload = request.workload
    if request.place == "twin":
        yield None
    elif local and workload.store:
        raise InvalidInput(
            f"workload {workload.name} keeps its journal in {workload.store}: with --local-journal two machines could"
            " hold it at once",
            "leave --local-journal out",
            gd_code="GD-E115",
        )
    elif local:
        yield None
    elif not workload.store:
        reason = f"workload {workload.name} names no `store`, where its team's machines find journal and lease"
        raise Refused(
            (reason,),
            "add `store: s3://bucket/prefix` to it; or say --local-journal, and restore only here",
            gd_code="GD-E205",
        )
    else:
        with open_store(workload.store, request.region) as objects:
            team = TeamStore(objects, workload.name, workload.account)
            with journal.shared_with(team):
                yield team


@contextmanager
def stoppable(journal: Journal, team: TeamStore | None, run: str, stop: StopRequest) -> Iterator[None]:
    """While this lasts, `gameday halt` and a lost lease end the run."""
    stop.halted = lambda: halted_here(journal.runs_folder, run)
    beating: AbstractContextManager[object] = team.heartbeat(run, stop.ask) if team else nullcontext()
    try:
        with beating:
            yield
    finally:
        stop.halted = lambda: None
        forget(journal.runs_folder, run)
