"""Clocks: wall time on an account, virtual time on the twin and in tests."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tell the time and wait; while it waits, the observed world goes on."""

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class WallClock:
    """The machine's clock: monotonic from its creation on, so a jump of the wall clock does not stretch a window."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        return time.monotonic() + self._offset

    def sleep(self, seconds: float) -> None:
        """Sleep for `seconds`; a signal handler that raises ends the sleep early."""
        if seconds > 0:
            time.sleep(seconds)


class TestClock:
    """A clock that only `sleep` moves, for tests of experiments and of your own faults."""

    __test__ = False

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Jump ahead by `seconds`."""
        self._now += max(0.0, seconds)
