"""The copy of a run's journal off this machine: none for the twin, in the team's store for an account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext

from gameday.engine.journal import Journal
from gameday.engine.sqlite import home
from gameday.errors import InvalidInput
from gameday.files.workload import Workload
from gameday.plan.plan import RunRequest
from gameday.run.stop import StopRequest
from gameday.steady_state.deadline import Hurries, never
from gameday.store.halt import forget, halted_here
from gameday.store.opening import open_store
from gameday.store.team import TeamStore


@contextmanager
def shared(
    journal: Journal, request: RunRequest, *, local: bool, hurries: Hurries = never
) -> Iterator[TeamStore | None]:
    """Within this block, keep an account run's journal and lease in its workload's store, too.

    `local` is for a workload without a store. Raises InvalidInput where both are given; with neither, the plan refuses.
    """
    workload = request.workload
    if request.place == "twin":
        yield None
    elif local and workload.store:
        raise InvalidInput(
            f"workload {workload.name} keeps its journal in {workload.store}; with --local-journal, two machines could"
            " have the workload at once",
            "run without --local-journal",
            gd_code="GD-E115",
        )
    elif not workload.store:
        yield None
    else:
        with open_team(workload, request.region, hurries) as team, journal.shared_with(team):
            yield team


@contextmanager
def open_team(workload: Workload, region: str, hurries: Hurries = never) -> Iterator[TeamStore]:
    """Open the part of a team's store that belongs to a workload."""
    with open_store(workload.store or "", region, hurries) as objects:
        yield TeamStore(objects, workload.name, workload.account)


def must_be_free(request: RunRequest) -> None:
    """Check that no run has the workload, on this machine or in its team's store; take nothing.

    Raises Refused where a run has it, and JournalError where the journal or store cannot be read.
    """
    workload = request.workload
    if home().is_dir():
        with closing(Journal.open()) as journal:
            journal.must_be_free(workload.name, workload.account)
    if workload.store:
        with open_team(workload, request.region) as team:
            team.must_be_free()


@contextmanager
def stoppable(journal: Journal, team: TeamStore | None, run: str, stop: StopRequest) -> Iterator[None]:
    """Within this block, end the run on `gameday halt` and on a lost lease."""
    stop.is_undoing = False
    stop.halted = lambda: halted_here(journal.runs_folder, run)
    beating: AbstractContextManager[object] = team.heartbeat(run, stop.ask) if team else nullcontext()
    try:
        with beating:
            yield
    finally:
        stop.halted = lambda: None
        forget(journal.runs_folder, run)
