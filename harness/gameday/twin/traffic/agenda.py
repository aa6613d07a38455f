"""The event loop of traffic: a heap of plain tuples, and queues of deadlines that rarely expire.

An event is (time, serial, handler, argument). Handlers are bound methods and arguments are slotted objects, so no event
makes a reference cycle for the garbage collector to find. A deadline costs one append: all deadlines of the same length
wait in one queue in order of time, and only its head is on the heap.

Why not a library: tests/benchmarks/bench_event_loops.py plays the same chain of queues on three loops, 10 minutes at
50 requests a second. simpy 4.1 took 1.7s of CPU, a heap of closures 0.33s, tuples with slotted objects 0.2s to 0.3s
(CPython 3.11, two shared cores).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappush
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gameday.twin.traffic.visit import Visit

Handler = Callable[[float, Any], None]
AgendaItem = tuple[float, int, Handler, Any]


class Agenda:
    """All events to come, by time and then in the order in which they were scheduled."""

    __slots__ = ("heap", "serial")

    def __init__(self) -> None:
        self.heap: list[AgendaItem] = []
        self.serial = count().__next__

    def at(self, time: float, handler: Handler, argument: object) -> None:
        """Schedule `handler(time, argument)`."""
        heappush(self.heap, (time, self.serial(), handler, argument))


class Deadlines:
    """Deadlines that all expire `length` seconds after they were set."""

    __slots__ = ("_agenda", "_expired", "_queue", "length")

    def __init__(self, agenda: Agenda, length: float, expired: Callable[[Visit, float], None]) -> None:
        self.length = length
        self._agenda = agenda
        self._expired = expired
        self._queue: deque[tuple[float, Visit, int]] = deque()

    def set(self, visit: Visit, now: float) -> None:
        """Set a deadline, which expires unless the visit's serial changes before."""
        queue = self._queue
        queue.append((now + self.length, visit, visit.serial))
        if len(queue) == 1:
            self._agenda.at(now + self.length, self._fire, None)

    def _fire(self, now: float, _: None) -> None:
        queue = self._queue
        while queue:
            deadline, visit, serial = queue[0]
            if visit.serial == serial:
                if deadline > now:
                    self._agenda.at(deadline, self._fire, None)
                    return
                self._expired(visit, now)
            queue.popleft()
