"""The twin's virtual time: what the control plane will do, and when."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

Task = Callable[[], None]


class Timetable:
    """Actions, ordered by time and then by when they were planned. `now` is in seconds since the epoch."""

    def __init__(self, start: float) -> None:
        self.now = start
        self._planned: list[tuple[float, int, Task]] = []
        self._serial = count()

    @property
    def next(self) -> float:
        """When the next action is due; infinity where nothing is planned."""
        return self._planned[0][0] if self._planned else float("inf")

    def after(self, seconds: float, action: Task) -> None:
        """Plan an action for `seconds` from now."""
        heappush(self._planned, (self.now + seconds, next(self._serial), action))

    def every(self, seconds: float, action: Task) -> None:
        """Plan an action for every `seconds` from now on."""

        def again() -> None:
            action()
            self.after(seconds, again)

        self.after(seconds, again)

    def run_due(self) -> None:
        """Run every action that is due, including those that these actions plan for now."""
        while self._planned and self._planned[0][0] <= self.now:
            heappop(self._planned)[2]()
