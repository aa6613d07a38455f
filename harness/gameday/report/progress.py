"""Progress while a run lasts: a live display on a terminal, plain lines everywhere else."""

from __future__ import annotations

import os
from typing import Protocol, TextIO

from gameday.events import Event
from gameday.plan.plan import Plan
from gameday.report import phrases
from gameday.report.event_lines import clock, fitted, speaks_unicode, told


class Progress(Protocol):
    """Shows runs as they happen, one after the other."""

    def begin(self, plan: Plan, run: str) -> None:
        """A run begins."""
        ...

    def on_event(self, event: Event) -> None:
        """An event of it."""
        ...

    def shows(self, line: str) -> bool:
        """Take a line into the display, if there is one; signal handlers call this."""
        ...

    def close(self) -> None:
        """The run is over; twice is harmless."""
        ...


def progress(stream: TextIO) -> Progress:
    """A live display where the stream is a terminal that can move its cursor, else plain lines."""
    if stream.isatty() and os.environ.get("TERM") not in ("dumb", "", None) and speaks_unicode(stream):
        from gameday.report.live_display import LiveProgress

        return LiveProgress(stream)
    return PlainProgress(stream)


class PlainProgress:
    """A line for each phase and each notable event, with the run's own time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def begin(self, plan: Plan, run: str) -> None:
        """Name the run."""
        self._plan = plan
        self._start: float | None = None
        self._say(f"{plan.experiment.name} ({plan.place}), run {run}: {plan.experiment.hypothesis}")
        for warning in phrases.warnings(plan):
            self._say(f"  warning {warning}")

    def on_event(self, event: Event) -> None:
        """Say what is worth a line."""
        if self._start is None:
            self._start = event.at
        for line in told(event, self._plan):
            self._say(f"  {clock(event.at - self._start):>6}  {line}")

    def shows(self, line: str) -> bool:  # noqa: ARG002 - there is no display
        """Leave the line to stderr."""
        return False

    def close(self) -> None:
        """Nothing is held back."""

    def _say(self, line: str) -> None:
        self._stream.write(fitted(phrases.printable(line), self._stream) + "\n")
        self._stream.flush()
