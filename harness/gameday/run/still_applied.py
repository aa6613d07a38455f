"""Whether a fault still stands: one that somebody else ended early has tested nothing."""

from __future__ import annotations

from gameday.aws.account import Account
from gameday.change import SettingChange
from gameday.engine.journal import Journal
from gameday.engine.settings import SettingValue, read_settings, said, stands_at
from gameday.errors import AwsError


def undone_early(run: str, journal: Journal, account: Account) -> str | None:
    """Which setting no longer stands as the run set it, in words; reads only. What is changing or gone is not said."""
    changes = {
        entry.position: entry.change for entry in journal.entries(run) if isinstance(entry.change, SettingChange)
    }
    try:
        found = read_settings(changes, account)
    except AwsError:
        return None  # the undo reads again, and says what it cannot read
    for position, setting_change in changes.items():
        now = found[position]
        if isinstance(now, SettingValue) and now.ready and not now.gone and not stands_at(setting_change, "after", now):
            return f"{setting_change.subject} reads {said(now.value)} before the undo: somebody else ended the fault"
    return None
