"""The offsets of sources' clocks from ours, by the `Date` of their answers (RFC 9110, section 6.6.1).

A source stamps its samples by its own clock. A run stamps its injection and undo by ours. A difference between the two
shifts the measured onset and recovery by as much.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from gameday.steady_state.clock import Clock
from gameday.steady_state.kpi.units import show_duration

RESOLUTION = 1.0
"""The resolution of a `Date` in seconds."""


@dataclass(frozen=True, slots=True)
class Offset:
    """The bounds of a clock's lead over ours, in seconds; below zero it is behind."""

    low: float
    high: float

    @property
    def least(self) -> float:
        """The seconds by which the two certainly differ."""
        return max(self.low, -self.high, 0.0)

    @property
    def words(self) -> str:
        """The middle of the bounds in words, such as `30s ahead of ours`."""
        middle = (self.low + self.high) / 2
        return f"{show_duration(round(abs(middle)))} {'ahead of' if middle > 0 else 'behind'} ours"


def offset(date: float, sent: float, received: float) -> Offset:
    """Return the offset that one answer shows.

    The other clock showed `date`, or less than a second more, between our sending and our receiving.
    """
    return Offset(date - received, date + RESOLUTION - sent)


def narrowed(before: Offset, now: Offset) -> Offset:
    """Combine the offsets of two answers; if they contradict each other, a clock was set, and `now` counts."""
    low, high = max(before.low, now.low), min(before.high, now.high)
    return Offset(low, high) if low <= high else now


class Clocks:
    """The offsets of several sources by name; every answer narrows them. Safe for use by several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offsets: dict[str, Offset] = {}
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the time by our clock, in seconds since the epoch."""
        return self._clock.now()

    def heard(self, name: str, date: str | None, sent: float) -> None:
        """Record that an answer came to the request sent at `sent`; an answer without a readable date is ignored."""
        received = self.now()
        try:
            shown = parsedate_to_datetime(date or "").timestamp()
        except (ValueError, TypeError, OverflowError):
            return
        reading = offset(shown, sent, received)
        with self._lock:
            self._offsets[name] = narrowed(self._offsets.get(name, reading), reading)

    @property
    def offsets(self) -> dict[str, Offset]:
        """The offsets known so far, by name."""
        with self._lock:
            return dict(self._offsets)
