"""A line on stderr while a command works without any other output: after two seconds, then every ten."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from gameday.events import Event
from gameday.plan.plan import Plan
from gameday.report.event_lines import clock
from gameday.steady_state.clock import Clock

FIRST, EVERY = 2.0, 10.0
"""Seconds until the first line, and between two lines."""


class StillWorking:
    """Write lines from a thread until the block ends. A run may listen to it: a live display makes the lines pause.

    `about` returns what the command does right now. Times are of the wall clock, except those of the twin.
    """

    def __init__(self, stream: TextIO, about: Callable[[], str] | None = None, pauses: bool = False) -> None:
        self._stream = stream
        self._about = about or self._of_the_twin
        self._pauses = pauses  # while a run is on, something else shows its progress
        self._paused = False
        self._twin: Clock | None = None
        self._start = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: self.work(self._ended.wait), name="still-working", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def watch(self, twin: Clock) -> None:
        """Show the time of a twin from now on, in seconds since it began."""
        self._twin, self._start = twin, twin.now()

    def work(self, wait: Callable[[float], bool]) -> None:
        """Write the lines; `wait` returns after so many seconds, or true where the work is over."""
        began, pause = time.monotonic(), FIRST
        while not wait(pause):
            pause = EVERY
            if not self._paused and not self._wrote(time.monotonic() - began):
                return

    def _wrote(self, seconds: float) -> bool:
        """Write one line; a closed stream loses it, and all later ones."""
        try:
            self._stream.write(f"  still working after {seconds:.0f} s: {self._about()}\n")
            self._stream.flush()
        except (OSError, ValueError):
            return False
        return True

    def _of_the_twin(self) -> str:
        passed = self._twin.now() - self._start if self._twin else 0.0
        return f"the twin is at {clock(passed)} of its own time" if passed else "the twin is being built"

    # a listener of runs -----------------------------------------------------------------------------------------------

    def begin(self, plan: Plan, run: str) -> None:  # noqa: ARG002 - every listener takes them
        """Pause, if a live display shows the run."""
        self._paused = self._pauses

    def on_event(self, event: Event) -> None:
        """Do nothing: the thread writes."""

    def close(self) -> None:
        """Go on, between two runs."""
        self._paused = False
