"""A source of samples that never holds the run's thread, also where a source of another package waits by itself."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from gameday.aws.account import LONGEST_CALL
from gameday.steady_state.deadline import Hurries, IsAwaited, within
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import Reading, Source


class BoundedSource:
    """Read a source in another thread; a read that ends too late, or when the undo waits, is a gap with a remark."""

    def __init__(self, source: Source, hurries: Hurries) -> None:
        self._source = source
        self._hurries = hurries
        self._reading = threading.Lock()  # a read that was left behind keeps it: sources are not safe between threads

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """Read every KPI's complete bins, see `Source`. Raises what the source raises."""
        if not self._reading.acquire(blocking=False):
            return Reading({}, ())

        def read(_: IsAwaited) -> Reading:
            try:
                return self._source.read(kpis, start, end)
            finally:
                self._reading.release()

        (outcome,) = within(LONGEST_CALL, [read], hurries=self._hurries)
        if outcome.done():
            return outcome.result()
        return Reading({}, (f"{', '.join(kpis)}: no answer in time, so there is a gap",))
