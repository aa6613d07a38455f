"""Time, handed in: the wall on an account, virtual on the twin and in tests."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since the epoch, and a sleep that lets the observed world live on."""

    def now(self) -> float:
        """The time in seconds since the epoch."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class WallClock:
    """The machine's clock: monotonic since it was made, so that a jump of the wall does not stretch a window."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """The time in seconds since the epoch."""
        return time.monotonic() + self._offset

    def sleep(self, seconds: float) -> None:
        """Sleep; a signal handler that raises ends it early."""
        if seconds > 0:
            time.sleep(seconds)


class TestClock:
    """A clock that moves only when told to, for tests of experiments and of your own faults."""

    __test__ = False

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """The time in seconds since the epoch."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Jump ahead by `seconds`."""
        self._now += max(0.0, seconds)
