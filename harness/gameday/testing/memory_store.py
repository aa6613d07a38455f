"""A store in memory to test the lease and the records: linearizable, with failing writes.

moto's conditional writes are not atomic under threads; these are. The test chooses how each write ends.
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
    LOST = "lost"  # the store writes, and the answer is lost; the S3 client retries
    CUT = "cut"  # the store writes, and the connection fails
    DOWN = "down"  # the store does not write


class Condition(StrEnum):
    """A condition of a write, as HTTP names it."""

    NEW = "If-None-Match"
    SAME = "If-Match"


class MemoryObjects:
    """Texts by key. `mood` decides how each write ends; `between` runs between a writer's read and its write.

    `ignores` are conditions that it accepts and does not check, like some servers that speak S3's protocol.
    """

    def __init__(self, ignores: frozenset[Condition] = frozenset()) -> None:
        self._ignores = ignores
        self.mood: Callable[[], Mood] = lambda: Mood.WELL
        self.between: Callable[[], None] = lambda: None
        self._objects: dict[str, Stored] = {}
        self._tags = itertools.count(1)
        self._lock = threading.Lock()

    def get(self, key: str) -> Stored | None:
        """Read the object of a key; None where there is none."""
        return self._objects.get(key)

    def put(self, key: str, body: str, tag: str) -> str | None:
        """Write if the object's tag is still `tag` ("": no object). Returns the new tag, or None where it is not.

        Raises JournalError where the mood makes the write fail.
        """
        self.between()
        mood = self.mood()
        if mood is Mood.DOWN:
            raise JournalError("the store does not answer", gd_code="GD-E304")
        written = self._put(key, body, tag)
        if mood is Mood.CUT:
            raise JournalError("the store does not answer any more", gd_code="GD-E304")
        if mood is Mood.LOST:
            again = self._put(key, body, tag)  # botocore retries, and its own first write makes the condition fail
            stored = self.get(key)
            return again or (stored.tag if stored and stored.body == body else None)
        return written

    def _put(self, key: str, body: str, tag: str) -> str | None:
        with self._lock:
            stored = self._objects.get(key)
            is_kept = (Condition.SAME if tag else Condition.NEW) not in self._ignores
            if is_kept and (stored.tag if stored else "") != tag:
                return None
            self._objects[key] = Stored(body, f'"{next(self._tags)}"')
            return self._objects[key].tag

    def remove(self, key: str) -> None:
        """Remove an object, where there is one."""
        self._objects.pop(key, None)

    def keys(self, prefix: str) -> list[str]:
        """List the keys with this prefix, in order."""
        return sorted(key for key in self._objects if key.startswith(prefix))
