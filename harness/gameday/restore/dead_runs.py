"""Restore: the undo of runs whose process died, from the journal alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gameday.aws.account import Account, whoami
from gameday.engine.calls import Emit
from gameday.engine.entries import End, Run
from gameday.engine.journal import Journal
from gameday.engine.undo import PATIENCE, undo
from gameday.errors import Refused
from gameday.events import ChangeClosed
from gameday.steady_state.clock import Clock


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of a run that was looked at."""

    run: Run
    settled: tuple[ChangeClosed, ...]
    closed: bool  # nothing is owed any more
    about: str


def dead_runs(journal: Journal) -> list[Run]:
    """The runs that were never closed and that no process holds, the oldest first."""
    return [run for run in journal.unended() if not journal.is_alive(run.id)]


def restore(
    run: Run,
    journal: Journal,
    clock: Clock,
    emit: Emit,
    open_account: Callable[[], Account],
    *,
    patience: float = PATIENCE,
    closes: bool = True,
) -> Restored:
    """Undo a dead run, close it, and free its workload; a run that lives is left alone.

    Without `closes` it is undone and stays open: its team's store does not know of it yet.

    `open_account` is asked only where there is something to undo in an account. Raises Refused where its credentials
    belong to another account, AwsError where they cannot be told, and JournalError.
    """
    if not journal.hold(run.id):
        return Restored(run, (), closed=False, about=f"is running ({run.who}, process {run.pid}): left alone")
    try:
        owed = [entry for entry in journal.entries(run.id) if entry.is_open]
        if run.place == "twin":
            about = "died with its twin"
            ends: dict[int, tuple[End, str]] = {entry.position: ("untouched", about) for entry in owed}
            journal.settle(run.id, ends)
            settled = [ChangeClosed(clock.now(), position, *end) for position, end in ends.items()]
        elif owed:
            account = open_account()
            _is_the_same(run, account)
            settled = undo(run.id, account, journal, clock, emit, patience=patience)
            about = "put back" if all(one.state != "stuck" for one in settled) else "not all could be put back"
        else:
            settled, about = [], "had nothing left to undo"
    finally:
        closed = journal.end(run.id, "restored later") if closes else journal.let_go(run.id)
    return Restored(run, tuple(settled), closed, about)


def _is_the_same(run: Run, account: Account) -> None:
    found, _ = whoami(account, run.region)
    if found != run.account:
        reason = f"run {run.id} is in account {run.account}, the credentials are for {found}"
        raise Refused((reason,), f"use credentials for account {run.account}", gd_code="GD-E206")
