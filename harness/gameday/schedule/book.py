"""Which occurrences of a game day ran, or were skipped and why. The first who records an occurrence runs it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gameday.errors import InvalidInput, JournalError
from gameday.files.schedule_block import Schedule
from gameday.store.s3 import NEW, Objects

VERSION = 1
FOLDER = "occurrences/"
LOOK_BACK = 20
"""So many of the newest occurrences are read for what has no end."""

State = Literal["running", "done", "skipped", "interrupted"]


class Kept(BaseModel):
    """One occurrence as it is recorded; `running` has no end yet."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    version: int = VERSION
    id: str  # the scheduled instant: 20261201T0930Z
    schedule: str  # the identity of the schedule
    instant: float  # seconds since the epoch
    state: State
    reason: str = ""
    who: str
    holder: str  # of the process
    at: float  # when this was recorded
    exit: int | None = None
    findings: tuple[str, ...] = ()

    @property
    def is_unfinished(self) -> bool:
        """Return whether it neither ran to its end nor was skipped on purpose."""
        return self.state in ("running", "interrupted") or self.reason.startswith("late")


class Book:
    """The occurrences of one game day of a workload. Every method raises JournalError where it gets no answer."""

    def __init__(self, objects: Objects, account: str, workload: str, gameday: str) -> None:
        self._objects = objects
        self._prefix = f"{FOLDER}{account}/{workload}/{gameday}/"

    def ids(self) -> list[str]:
        """Return the ids of all recorded occurrences, in order of time."""
        keys = self._objects.keys(self._prefix)
        return [key.removeprefix(self._prefix).removesuffix(".json") for key in keys]

    def newest(self, ids: Sequence[str]) -> list[Kept]:
        """Return the newest of these occurrences, the latest last."""
        return [kept for at in ids[-LOOK_BACK:] if (kept := self.get(at))]

    def get(self, occurrence: str) -> Kept | None:
        """Return an occurrence, or None. Raises InvalidInput where a newer version of Gameday wrote it."""
        found = self._read(occurrence)
        return found[0] if found else None

    def claim(self, kept: Kept) -> bool:
        """Record an occurrence if nobody has; return whether it is ours."""
        return self._objects.put(self._key(kept.id), kept.model_dump_json(), NEW) is not None

    def end(self, kept: Kept) -> bool:
        """Record the end of an occurrence that its holder had claimed; return false where it has an end already."""
        found = self._read(kept.id)
        if found is None or found[0].state != "running" or found[0].holder != kept.holder:
            return False
        return self._objects.put(self._key(kept.id), kept.model_dump_json(), found[1]) is not None

    def _read(self, occurrence: str) -> tuple[Kept, str] | None:
        stored = self._objects.get(self._key(occurrence))
        return (self._parsed(stored.body, self._key(occurrence)), stored.tag) if stored else None

    def _parsed(self, body: str, key: str) -> Kept:
        try:
            raw = json.loads(body)
            version = raw.get("version") if isinstance(raw, dict) else None
            if isinstance(version, int) and version > VERSION:
                raise InvalidInput(
                    f"a newer version of Gameday wrote {key}", "update Gameday on this machine", gd_code="GD-E123"
                )
            return Kept.model_validate(raw)
        except (ValueError, ValidationError) as error:
            raise JournalError(
                f"{key} is not an occurrence of a game day",
                "move the object away; its game day then counts as not recorded",
                gd_code="GD-E321",
            ) from error

    def _key(self, occurrence: str) -> str:
        return f"{self._prefix}{occurrence}.json"


def identity(schedule: Schedule) -> str:
    """Return the identity of a schedule: its days, time and zone. Another one does not miss the starts of this one."""
    text = json.dumps([sorted(schedule.days), schedule.at, schedule.zone])
    return sha256(text.encode()).hexdigest()[:16]


def findings(known: Sequence[Kept]) -> tuple[str, ...]:
    """Return a line for each occurrence since the last good one that has no end, or that no machine started in time."""
    lines: list[str] = []
    for kept in reversed(known):
        if kept.state == "done":
            break
        if kept.is_unfinished:
            how = {"running": f"{kept.who} began it, and it has no end", "interrupted": f"interrupted: {kept.reason}"}
            lines.append(f"{kept.id}: {how.get(kept.state, f'overdue: no machine started it ({kept.reason})')}")
    return tuple(reversed(lines))
