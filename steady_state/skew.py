"""How far the clocks of sources are from ours, as the `Date` of their answers tells (RFC 9110, section 6.6.1).

A source stamps what it saw by its own clock, and a run its injection and undo by ours: where the two differ, onset and
recovery are told wrong by as much.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from gameday.steady_state.clock import Clock
from gameday.steady_state.kpi.units import show_duration

RESOLUTION = 1.0
"""Seconds that a `Date` stands for: it is written in whole ones."""


@dataclass(frozen=True, slots=True)
class Offset:
    """Between which bounds a clock is ahead of ours, in seconds; below zero it is behind."""

    low: float
    high: float

    @property
    def least(self) -> float:
        """Seconds by which the two differ for certain."""
        return max(self.low, -self.high, 0.0)

    @property
    def words(self) -> str:
        """`30s ahead of ours`, by the middle of its bounds."""
        middle = (self.low + self.high) / 2
        return f"{show_duration(round(abs(middle)))} {'ahead of' if middle > 0 else 'behind'} ours"


def offset(date: float, sent: float, received: float) -> Offset:
    """By one answer: its clock showed `date`, or less than a second more, after we sent and before we received."""
    return Offset(date - received, date + RESOLUTION - sent)


def narrowed(before: Offset, now: Offset) -> Offset:
    """What two answers say together; where they contradict each other a clock was set, and the later one counts."""
    low, high = max(before.low, now.low), min(before.high, now.high)
    return Offset(low, high) if low <= high else now


class Clocks:
    """The offsets of several sources by name, narrower with every answer. May be told by several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offsets: dict[str, Offset] = {}
        self._lock = threading.Lock()

    def now(self) -> float:
        """The time by our clock, in seconds since the epoch."""
        return self._clock.now()

    def heard(self, name: str, date: str | None, sent: float) -> None:
        """An answer to what was sent at that time has come; one without a date that can be read tells nothing."""
        received = self.now()
        try:
            shown = parsedate_to_datetime(date or "").timestamp()
        except (ValueError, TypeError, OverflowError):
            return
        found = offset(shown, sent, received)
        with self._lock:
            self._offsets[name] = narrowed(self._offsets.get(name, found), found)

    @property
    def offsets(self) -> dict[str, Offset]:
        """What is known so far, by name."""
        with self._lock:
            return dict(self._offsets)
