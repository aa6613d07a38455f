"""Progress while a run lasts: a live display on a terminal, plain lines everywhere else."""

from __future__ import annotations

import os
from typing import Protocol, TextIO

from gameday.events import Event
from gameday.plan.plan import Plan
from gameday.report import phrases
from gameday.report.event_lines import clock, fitted, lines_of, speaks_unicode
from gameday.text import printable


class Progress(Protocol):
    """Show runs in progress, one after the other."""

    def begin(self, plan: Plan, run: str) -> None:
        """Open the display of a run."""
        ...

    def on_event(self, event: Event) -> None:
        """Show an event of the run."""
        ...

    def shows(self, line: str) -> bool:
        """Show a line in the display and return true, if a display is open. Signal handlers call this."""
        ...

    def close(self) -> None:
        """Close the display; a second call does nothing."""
        ...


def progress(stream: TextIO) -> Progress:
    """Return a live display if the stream is a terminal that can move its cursor, else plain lines."""
    if stream.isatty() and os.environ.get("TERM") not in ("dumb", "", None) and speaks_unicode(stream):
        from gameday.report.live_display import LiveProgress

        return LiveProgress(stream)
    return PlainProgress(stream)


class PlainProgress:
    """Write a line for each phase and each notable event, with the run's own time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def begin(self, plan: Plan, run: str) -> None:
        """Write the name of the run, and the warnings of its plan."""
        self._plan = plan
        self._start: float | None = None
        self._write(f"{plan.experiment.name} ({plan.place}), run {run}: {plan.experiment.hypothesis}")
        for warning in phrases.warnings(plan):
            self._write(f"  warning {warning}")

    def on_event(self, event: Event) -> None:
        """Write the lines of an event."""
        if self._start is None:
            self._start = event.at
        for line in lines_of(event, self._plan):
            self._write(f"  {clock(event.at - self._start):>6}  {line}")

    def shows(self, line: str) -> bool:  # noqa: ARG002 - there is no display
        """Return false: the caller writes the line to stderr."""
        return False

    def close(self) -> None:
        """Do nothing: every line is already written."""

    def _write(self, line: str) -> None:
        self._stream.write(fitted(printable(line), self._stream) + "\n")
        self._stream.flush()
