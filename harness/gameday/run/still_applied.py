"""Whether a fault still applies at the end of its time: a fault that somebody ended early has tested nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gameday.aws.account import Account
from gameday.change import Observation, SettingChange
from gameday.change.words import brief
from gameday.engine.entries import setting_changes
from gameday.engine.journal import Journal
from gameday.engine.settings import read_settings
from gameday.errors import GamedayError, in_words


@dataclass(frozen=True)
class StillApplied:
    """What the settings of a run read just before the undo."""

    undone: str | None = None  # the first setting that no longer reads as the run set it, in words
    unread: str | None = None  # the first setting that could not be read, and why


def still_applied(run: str, journal: Journal, account: Account, faults: Collection[int] | None = None) -> StillApplied:
    """Read every setting that a run has changed, or that some of its faults have; reads only.

    `faults`: the positions of their first changes in the plan.

    It skips resources that are changing, and those that are gone where something replaces them.
    """
    try:
        entries = journal.entries(run)
        changes = setting_changes(entry for entry in entries if faults is None or entry.planned_fault in faults)
        readings = sorted(read_settings(changes, account).items())
    except Exception as error:  # noqa: BLE001 - a read that fails is a gap, and the undo follows
        return StillApplied(unread=in_words(error))
    unread = (f"{changes[at].subject}: {now.what}" for at, now in readings if isinstance(now, GamedayError))
    undone = (ended for at, now in readings if isinstance(now, Observation) and (ended := _ended(changes[at], now)))
    return StillApplied(next(undone, None), next(unread, None))


def _ended(change: SettingChange, now: Observation) -> str:
    """Return in words how somebody else ended the fault; empty where it still applies."""
    if now.gone:
        return "" if change.replaced_by else f"{change.id} no longer exists before the undo: somebody else destroyed it"
    if not now.ready or change.reads_as("after", now):
        return ""
    return f"{change.subject} already reads {brief(now.value)} before the undo: somebody else ended the fault"
