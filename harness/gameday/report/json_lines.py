"""Events as JSON lines, for programs that follow a run."""

from __future__ import annotations

import json
from typing import TextIO

from gameday import __version__
from gameday.events import Event, to_json
from gameday.plan.plan import Plan

FORMAT = 1
"""The version of the lines, in the first line of a run. A reader should refuse another version."""


class JsonLines:
    """Write one JSON object a line: first the run, then its events.

    Only the first line differs between two runs of the same seed: it holds the run's id.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def begin(self, plan: Plan, run: str) -> None:
        """Write the first line, which names the run."""
        head = {"format": FORMAT, "gameday": __version__, "run": run, "experiment": plan.experiment.name}
        self._write({**head, "place": plan.place, "seed": plan.seed, "plan": plan.digest})

    def on_event(self, event: Event) -> None:
        """Write one event."""
        self._write(to_json(event))

    def close(self) -> None:
        """Do nothing: every line is already written."""

    def _write(self, line: dict[str, object]) -> None:
        self._out.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._out.flush()
