"""What the control plane is going to do, and when: the twin's virtual time."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

Task = Callable[[], None]


class Timetable:
    """Actions in order of time, then in the order in which they were planned. `now` is in seconds since the epoch."""

    def __init__(self, start: float) -> None:
        self.now = start
        self._planned: list[tuple[float, int, Task]] = []
        self._serial = count()

    @property
    def next(self) -> float:
        """When the next action is due; infinity where nothing is planned."""
        return self._planned[0][0] if self._planned else float("inf")

    def after(self, seconds: float, action: Task) -> None:
        """Plan an action."""
        heappush(self._planned, (self.now + seconds, next(self._serial), action))

    def every(self, seconds: float, action: Task) -> None:
        """Plan an action again and again."""

        def again() -> None:
            action()
            self.after(seconds, again)

        self.after(seconds, again)

    def run_due(self) -> None:
        """Do all that is due by now, what that plans for now included."""
        while self._planned and self._planned[0][0] <= self.now:
            heappop(self._planned)[2]()
