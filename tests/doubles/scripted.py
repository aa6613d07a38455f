"""Samples written down beforehand, for tests."""

from __future__ import annotations

from collections.abc import Mapping

from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import Reading
from gameday.steady_state.samples import Series, inside


class Scripted:
    """A source that knows its samples from the start; a KPI that is not in the script has none."""

    def __init__(self, script: Mapping[str, Series]) -> None:
        self._script = script

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """The script's bins between two instants."""
        return Reading({name: inside(self._script.get(name, ()), start, end) for name in kpis})
