"""Restore: the undo of runs whose process died, from the journal alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gameday.aws.account import Account, whoami
from gameday.engine.apply import NOT_NOW
from gameday.engine.calls import Emit, is_later
from gameday.engine.entries import End, Run
from gameday.engine.journal import Journal
from gameday.engine.undo import PATIENCE, undo
from gameday.errors import AwsError, Refused
from gameday.events import ChangeClosed
from gameday.restore.lost_entries import must_show_no_other
from gameday.steady_state.clock import Clock

PAUSE = 2.0
"""Seconds between two tries to read whose credentials these are, while AWS throttles."""


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of restoring a run."""

    run: Run
    settled: tuple[ChangeClosed, ...]
    closed: bool  # every change is undone
    about: str
    alive: bool = False  # a process holds the run: nothing was touched


def dead_runs(journal: Journal) -> list[Run]:
    """Return the runs that were never closed and that no process holds, the oldest first."""
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
    """Undo a dead run, close it, and free its workload; leave a live run alone.

    Without `closes` the run stays open after its undo, since its team's store does not know of the undo yet.
    `open_account` is called only if there is something to undo in an account.

    Where the run's own file does not confirm what the database holds, the account must show no other change of the
    run's plan, or the run stays open.

    Raises Refused where its credentials belong to another account, AwsError where AWS does not answer, EntriesLost
    where the journal has lost what undo needs, and JournalError.
    """
    if not journal.hold(run.id):
        return Restored(
            run,
            (),
            closed=False,
            about=f"is still running ({run.who}, process {run.pid}): Gameday left it alone",
            alive=True,
        )
    try:
        entries = journal.entries(run.id)
        owed = [entry for entry in entries if entry.is_open]
        is_whole = journal.is_confirmed(run.id)
        settled: list[ChangeClosed] = []
        if run.place == "twin":
            about = "died with its twin"
            ends: dict[int, tuple[End, str]] = {entry.position: ("untouched", about) for entry in owed}
            journal.settle(run.id, ends)
            settled = [ChangeClosed(clock.now(), position, *end) for position, end in ends.items()]
        elif not owed and is_whole:
            about = "has nothing left to undo"
        else:
            account = open_account()
            _must_be_same_account(run, account, clock)
            settled = undo(run.id, account, journal, clock, emit, patience=patience)
            if not is_whole:
                must_show_no_other(run, {entry.position for entry in entries}, account)
            all_undone = all(change.state != "stuck" for change in settled)
            about = "is undone" if all_undone else "is not undone completely"
    except BaseException:
        journal.let_go(run.id)
        raise
    closed = journal.end(run.id, "restored later") if closes else journal.let_go(run.id)
    return Restored(run, tuple(settled), closed, about)


def _must_be_same_account(run: Run, account: Account, clock: Clock) -> None:
    current = _account_id(run, account, clock)
    if current != run.account:
        reason = f"run {run.id} is in account {run.account}, but the credentials belong to account {current}"
        raise Refused((reason,), f"use credentials for account {run.account}", gd_code="GD-E206")


def _account_id(run: Run, account: Account, clock: Clock) -> str:
    """Return the account of the credentials; wait while AWS throttles, since the undo can wait, too."""
    end = clock.now() + NOT_NOW
    while True:
        try:
            return whoami(account, run.region)[0]
        except AwsError as error:
            if not is_later(error, ()) or clock.now() >= end:
                raise
        clock.sleep(PAUSE)
