"""What a source could not read, until somebody reads it."""

from __future__ import annotations

import threading


class Remarks:
    """Lines that are each said once, whichever thread says them; `take` hands over those that are new."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._new: list[str] = []
        self._lock = threading.Lock()

    def add(self, line: str, about: str | None = None) -> None:
        """Say a line, unless it, or another one about the same thing, was said already."""
        with self._lock:
            if (about or line) not in self._said:
                self._said.add(about or line)
                self._new.append(line)

    def take(self) -> tuple[str, ...]:
        """The lines since the last time."""
        with self._lock:
            new, self._new = self._new, []
        return tuple(new)
