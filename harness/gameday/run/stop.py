"""The request that a run end early and undo: from a signal, `gameday halt`, or a lost lease."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Literal

from gameday.errors import ApplyFailed
from gameday.steady_state.clock import Clock

By = Literal["signal", "halt", "lease"]
LOOK = 1.0
"""Seconds between two checks for the request while waiting."""
GRACE = 0.5
"""Seconds for which calls under way may still be answered after the request, so that the last samples are read."""


@dataclass
class StopRequest:
    """The request to end a run; the first one counts. Signal handlers and threads set it, and the loop reads it."""

    why: str | None = None
    by: By = "signal"
    halted: Callable[[], str | None] = lambda: None  # the halt request of this machine, if any
    asked: float = inf  # when, by the monotonic clock
    is_undoing: bool = False  # from the begin of the undo on, calls get their time again

    def ask(self, by: By, why: str) -> None:
        """Request the end of the run."""
        if self.why is None:
            self.by, self.why, self.asked = by, why, monotonic()

    def request(self) -> str | None:
        """Return why the run must end; None where it need not."""
        if self.why is None and (request := self.halted()):
            self.ask("halt", request)
        return self.why

    def hurries(self) -> bool:
        """Return whether the undo waits for the run's thread: no answer may hold that thread any longer."""
        return not self.is_undoing and self.request() is not None and monotonic() - self.asked >= GRACE

    @property
    def is_signal(self) -> bool:
        """Whether a signal to this process made the request."""
        return self.why is not None and self.by == "signal"


@dataclass(frozen=True)
class Stoppable:
    """A clock whose sleep raises ApplyFailed once the run must end, so that no injection delays the undo by waiting."""

    clock: Clock
    stop: StopRequest

    def now(self) -> float:
        """Return the seconds since the epoch."""
        return self.clock.now()

    def sleep(self, seconds: float) -> None:
        """Let time pass; raises ApplyFailed within LOOK seconds of the request."""
        end = self.clock.now() + seconds
        while (left := end - self.clock.now()) > 0:
            if why := self.stop.request():
                raise ApplyFailed(why)
            self.clock.sleep(min(LOOK, left))
