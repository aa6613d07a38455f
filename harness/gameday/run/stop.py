"""The request that a run end early and undo: from a signal, `gameday halt`, or a lost lease."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gameday.errors import ApplyFailed
from gameday.steady_state.clock import Clock

By = Literal["signal", "halt", "lease"]
LOOK = 1.0
"""Seconds between two checks for the request while waiting."""


@dataclass
class StopRequest:
    """The request to end a run; the first one counts. Signal handlers and threads set it, and the loop reads it."""

    why: str | None = None
    by: By = "signal"
    halted: Callable[[], str | None] = lambda: None  # the halt request of this machine, if any

    def ask(self, by: By, why: str) -> None:
        """Request the end of the run."""
        if self.why is None:
            self.by, self.why = by, why

    def request(self) -> str | None:
        """Return why the run must end; None where it need not."""
        if self.why is None and (request := self.halted()):
            self.ask("halt", request)
        return self.why

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
