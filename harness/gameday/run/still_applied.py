"""Whether a fault still stands: one that somebody else ended early has tested nothing."""

from __future__ import annotations

from gameday.aws.account import Account
from gameday.change import Turn
from gameday.engine.journal import Journal
from gameday.engine.settings import Reading, read_turns, said, stands_at
from gameday.errors import AwsError


def lapsed(run: str, journal: Journal, account: Account) -> str | None:
    """Which setting no longer stands as the run set it, in words; reads only. What is changing or gone is not said."""
    turns = {row.position: row.change for row in journal.rows(run) if isinstance(row.change, Turn)}
    try:
        found = read_turns(turns, account)
    except AwsError:
        return None  # the undo reads again, and says what it cannot read
    for position, turn in turns.items():
        now = found[position]
        if isinstance(now, Reading) and now.ready and not now.gone and not stands_at(turn, "after", now):
            return (
                f"{turn.knob.name} of {turn.id} reads {said(now.value)} before the undo: somebody else ended the fault"
            )
    return None
