"""Whether a fault still stands: one that somebody else ended early has tested nothing."""

from __future__ import annotations

from gameday.aws.account import Account
from gameday.change import Observation
from gameday.change.words import brief
from gameday.engine.entries import setting_changes
from gameday.engine.journal import Journal
from gameday.engine.settings import read_settings
from gameday.errors import AwsError


def undone_early(run: str, journal: Journal, account: Account) -> str | None:
    """Which setting no longer stands as the run set it, in words; reads only. What is changing or gone is not said."""
    changes = setting_changes(journal.entries(run))
    try:
        found = read_settings(changes, account)
    except AwsError:
        return None  # the undo reads again, and says what it cannot read
    for position, change in changes.items():
        now = found[position]
        if isinstance(now, Observation) and now.ready and not now.gone and not change.stands_at("after", now):
            return f"{change.subject} reads {brief(now.value)} before the undo: somebody else ended the fault"
    return None
