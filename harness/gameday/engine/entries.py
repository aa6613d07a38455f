"""What stands in the journal: runs, and a row for each change of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gameday.change import AnyChange, Json, SettingChange

End = Literal["stuck", "restored", "healed", "not-healed", "conflict", "untouched"]
EntryState = Literal["open"] | End
OPEN = ("open", "stuck")
"""States of a row that still owes something; all others are final."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the journal knows it; times in seconds since the epoch, by the wall."""

    id: str
    workload: str
    account: str
    region: str
    place: str
    pid: int
    who: str  # user@host
    started: float
    plan: str  # JSON
    ended: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a run, with what is needed to undo it; times on the run's own clock."""

    position: int  # in the plan
    planned_fault: int  # position of the injection's first change
    stage: int
    change: AnyChange  # placeholders in values filled
    was: Json = None  # of an irreversible action: what its probe read before
    intended: float = 0.0
    sent: float | None = None  # when its last call went out, once that is known
    answered: float | None = None  # when its last call was answered; None: it may still arrive
    error: str | None = None  # the code it was answered with
    made: str | None = None  # of a created resource: the new id
    state: EntryState = "open"
    note: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it still owes something."""
        return self.state in OPEN


def setting_changes(entries: Iterable[Entry]) -> dict[int, SettingChange]:
    """Return the setting changes among entries, by position: their settings are read in bulk."""
    return {entry.position: entry.change for entry in entries if isinstance(entry.change, SettingChange)}


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What became of a change's calls."""

    sent: float
    answered: float | None
    error: str | None = None
    made: str | None = None
