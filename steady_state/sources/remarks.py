"""Remarks about what a source could not read."""

from __future__ import annotations

import threading


class Remarks:
    """Lines from any thread, each added only once; `take` returns the new ones."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._new: list[str] = []
        self._lock = threading.Lock()

    def add(self, line: str, about: str | None = None) -> None:
        """Add a line, unless it or another about the same thing was added before."""
        with self._lock:
            if (about or line) not in self._seen:
                self._seen.add(about or line)
                self._new.append(line)

    def take(self) -> tuple[str, ...]:
        """Return the lines since the last call."""
        with self._lock:
            new, self._new = self._new, []
        return tuple(new)
