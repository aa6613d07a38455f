"""A store in memory, linearizable and as moody as a network: what the lease and the records are tested on.

moto's conditional writes are not atomic under threads; these are, and every way a write can end is chosen by the test.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from enum import StrEnum

from gameday.errors import JournalError
from gameday.store.s3 import Stored


class Mood(StrEnum):
    """How the next write ends."""

    WELL = "well"
    LOST = "lost"  # it happens, and its answer is lost; what asked reads again, as the S3 client does
    CUT = "cut"  # it happens, and nobody can be reached any more
    DOWN = "down"  # it does not happen


class Condition(StrEnum):
    """A condition of a write, as HTTP names it."""

    NEW = "If-None-Match"
    SAME = "If-Match"


class MemoryObjects:
    """Texts by key; `mood` says how each write ends, `between` is called between a writer's read and its write.

    `ignores` are conditions that it takes and does not keep, as some servers do that speak S3's protocol.
    """

    def __init__(self, ignores: frozenset[Condition] = frozenset()) -> None:
        self._ignores = ignores
        self.mood: Callable[[], Mood] = lambda: Mood.WELL
        self.between: Callable[[], None] = lambda: None
        self._stands: dict[str, Stored] = {}
        self._tags = itertools.count(1)
        self._lock = threading.Lock()

    def get(self, key: str) -> Stored | None:
        """What stands under a key."""
        return self._stands.get(key)

    def put(self, key: str, body: str, tag: str) -> str | None:
        """Write on a condition; raises JournalError as the mood says."""
        self.between()
        mood = self.mood()
        if mood is Mood.DOWN:
            raise JournalError("the store does not answer", gd_code="GD-E304")
        written = self._put(key, body, tag)
        if mood is Mood.CUT:
            raise JournalError("the store does not answer any more", gd_code="GD-E304")
        if mood is Mood.LOST:
            again = self._put(key, body, tag)  # botocore asks once more, and is refused by its own first write
            there = self.get(key)
            return again or (there.tag if there and there.body == body else None)
        return written

    def _put(self, key: str, body: str, tag: str) -> str | None:
        with self._lock:
            stands = self._stands.get(key)
            is_kept = (Condition.SAME if tag else Condition.NEW) not in self._ignores
            if is_kept and (stands.tag if stands else "") != tag:
                return None
            self._stands[key] = Stored(body, f'"{next(self._tags)}"')
            return self._stands[key].tag

    def remove(self, key: str) -> None:
        """Remove an object, where there is one."""
        self._stands.pop(key, None)

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so, in order."""
        return sorted(key for key in self._stands if key.startswith(prefix))
