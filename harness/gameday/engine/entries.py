"""The contents of the journal: runs, and an entry for each change of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gameday.change import AnyChange, Json, SettingChange

End = Literal["stuck", "restored", "healed", "not-healed", "conflict", "gone", "untouched"]
EntryState = Literal["open"] | End
OPEN = ("open", "stuck")
"""States of an entry that is not undone yet; all others are final."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run in the journal; times are seconds since the epoch, on the wall clock."""

    id: str
    workload: str
    account: str
    region: str
    place: str
    pid: int
    who: str  # user@host
    started: float
    plan: str  # JSON
    taken: float | None = None  # since when it has its workload; None: it has not taken it
    ended: float | None = None
    note: str = ""
    intents: int = 0  # entries written so far


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a run, with all that its undo needs; times are on the run's own clock."""

    position: int  # in the plan
    planned_fault: int  # position of the injection's first change
    stage: int
    change: AnyChange  # with the placeholders in its values filled
    was: Json = None  # for an irreversible action: what its probe read before it
    intended: float = 0.0
    sent: float | None = None  # when its last call went out; None until that is known
    answered: float | None = None  # when its last call was answered; None: it may still arrive
    error: str | None = None  # the error code of that answer
    made: str | None = None  # for a created resource: the new id
    state: EntryState = "open"
    note: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the change is not undone yet."""
        return self.state in OPEN


def setting_changes(entries: Iterable[Entry]) -> dict[int, SettingChange]:
    """Return the setting changes among entries, by position, so that their settings can be read in bulk."""
    return {entry.position: entry.change for entry in entries if isinstance(entry.change, SettingChange)}


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """The outcome of a change's calls."""

    sent: float
    answered: float | None
    error: str | None = None
    made: str | None = None
