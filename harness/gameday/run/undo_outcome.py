"""The undo of a run, which ends in an outcome for every change, also where it raises an error."""

from __future__ import annotations

from collections.abc import Iterable

from gameday.aws.account import Account
from gameday.engine.calls import Emit
from gameday.engine.entries import Entry
from gameday.engine.journal import Journal
from gameday.engine.undo import undo
from gameday.errors import in_words
from gameday.events import ChangeClosed, Remark
from gameday.plan.plan import Plan
from gameday.steady_state.clock import Clock

TRIES = 2
"""How often a run begins its undo, if the undo raises; `gameday restore` tries again later."""


def undo_to_the_end(
    run: str, plan: Plan, account: Account, journal: Journal, clock: Clock, emit: Emit
) -> tuple[list[ChangeClosed], Exception | None]:
    """Undo a run; where the undo raises, try again, then tell from the journal what became of each change.

    A change without a known end is *stuck*. Returns the outcomes, and the last error that the undo raised.
    """
    raised: Exception | None = None
    for _ in range(TRIES):
        try:
            settled = undo(run, account, journal, clock, emit)
        except Exception as error:  # noqa: BLE001 - the run must tell what became of its changes
            emit(Remark(clock.now(), f"the undo raised an error: {in_words(error)}"))
            raised = error
        else:
            return (
                merged(_by_journal(run, plan, journal, clock.now(), raised), settled) if raised else settled
            ), raised
    assert raised, "TRIES is at least one"  # noqa: S101
    return _by_journal(run, plan, journal, clock.now(), raised), raised


def outcomes(entries: Iterable[Entry], at: float, open_because: str) -> list[ChangeClosed]:
    """Return what became of each entry of a journal; an open entry is *stuck*, for this reason."""
    return [
        ChangeClosed(at, entry.position, "stuck", f"{entry.change.about}: {open_because}")
        if entry.state == "open" or entry.is_open
        else ChangeClosed(at, entry.position, entry.state, entry.note)
        for entry in entries
    ]


def _by_journal(run: str, plan: Plan, journal: Journal, at: float, raised: Exception) -> list[ChangeClosed]:
    try:
        return outcomes(journal.entries(run), at, f"the undo raised an error: {in_words(raised)}")
    except Exception as error:  # noqa: BLE001 - without the journal, every planned change may be in force
        about = f"Gameday cannot read what became of it: {in_words(error)}"
        changes = [change for planned_fault in plan.planned_faults for change in planned_fault.changes]
        return [ChangeClosed(at, number, "stuck", f"{change.about}: {about}") for number, change in enumerate(changes)]


def merged(earlier: list[ChangeClosed], later: list[ChangeClosed]) -> list[ChangeClosed]:
    """Return the outcomes in the order of the plan; a later one of the same change replaces an earlier one."""
    by_position = {closed.position: closed for closed in (*earlier, *later)}
    return [by_position[position] for position in sorted(by_position)]
