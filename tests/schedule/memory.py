"""Objects in memory, processes by name, and game days for the tests of schedules."""

from __future__ import annotations

from itertools import count

from gameday.files.schedule_block import Schedule
from gameday.store.s3 import Stored


class MemoryObjects:
    """A store that keeps its conditions; `before` and `after` each write may raise."""

    def __init__(self) -> None:
        self.there: dict[str, Stored] = {}
        self.writes = 0
        self._tags = count(1)

    def get(self, key: str) -> Stored | None:
        return self.there.get(key)

    def put(self, key: str, body: str, tag: str) -> str | None:
        there = self.there.get(key)
        if (there.tag if there else "") != tag:
            return None
        self.writes += 1
        self.there[key] = Stored(body, f"t{next(self._tags)}")
        return self.there[key].tag

    def remove(self, key: str) -> None:
        self.there.pop(key, None)

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.there if key.startswith(prefix))


class Processes:
    """The processes of all machines, by name."""

    def __init__(self, me: str, dead: set[str]) -> None:
        self.me, self._dead = me, dead

    def is_dead(self, holder: str) -> bool:
        return holder in self._dead


def schedule(**values: object) -> Schedule:
    """A schedule of Tuesdays at 10:30 in Berlin, with other values."""
    return Schedule.model_validate({"days": ["tue"], "at": "10:30", "zone": "Europe/Berlin", **values})
