"""The wish that a run end early, and undo: left by a signal, by `gameday halt`, or by a lease that was lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gameday.errors import ApplyFailed
from gameday.steady_state.clock import Clock

By = Literal["signal", "halt", "lease"]
LOOK = 1.0
"""Seconds between two looks for the wish while waiting."""


@dataclass
class StopRequest:
    """A wish to end the run: the first one counts. Set from signal handlers and threads, read by the loop."""

    why: str | None = None
    by: By = "signal"
    halted: Callable[[], str | None] = lambda: None  # whether somebody on this machine wishes so

    def ask(self, by: By, why: str) -> None:
        """Wish the run to end."""
        if self.why is None:
            self.by, self.why = by, why

    def request(self) -> str | None:
        """Why the run is to end, if it is."""
        if self.why is None and (request := self.halted()):
            self.ask("halt", request)
        return self.why

    @property
    def is_signal(self) -> bool:
        """Whether it was this process that was told to end."""
        return self.why is not None and self.by == "signal"


@dataclass(frozen=True)
class Stoppable:
    """A clock whose sleep ends with ApplyFailed once the run is to stop: an injection that waits is not waited for."""

    clock: Clock
    stop: StopRequest

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.clock.now()

    def sleep(self, seconds: float) -> None:
        """Let time pass; raises ApplyFailed within LOOK of the wish to stop."""
        end = self.clock.now() + seconds
        while (left := end - self.clock.now()) > 0:
            if why := self.stop.request():
                raise ApplyFailed(why)
            self.clock.sleep(min(LOOK, left))
