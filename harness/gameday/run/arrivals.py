"""How late a source's bins come, and how long they still grow: measured from what the reads of a baseline show."""

from __future__ import annotations

from collections.abc import Iterable

from gameday.steady_state.samples import CLOSE, Sample, Series


class Arrivals:
    """Measure for each KPI how many seconds after its end a bin last changed. Before the first read, nothing is known.

    CloudWatch promises no time in which a metric is complete (User Guide, "Publish custom metrics"): it may come
    minutes late, and grow until then. The first read shows what was there already, so it measures nothing.
    """

    def __init__(self, kpis: Iterable[str]) -> None:
        self._bins: dict[str, dict[float, Sample] | None] = dict.fromkeys(kpis)
        self._lags: dict[str, float] = dict.fromkeys(self._bins, 0.0)
        self._is_final = False

    @property
    def lags(self) -> dict[str, float]:
        """KPI → seconds after its end until a bin is settled, as far as is known."""
        return dict(self._lags)

    def finish(self) -> None:
        """End the measuring: while a fault lasts, late data are a sign of it."""
        self._is_final = True

    def note(self, kpi: str, series: Series, now: float) -> None:
        """Take what a read has shown of a KPI."""
        if kpi not in self._bins or self._is_final:
            return
        known = self._bins[kpi]
        if known is None:
            self._bins[kpi] = {sample.start: sample for sample in series}
            return
        for sample in series:
            if known.get(sample.start) != sample:
                known[sample.start] = sample
                self._lags[kpi] = max(self._lags[kpi], now - sample.end)

    def settled(self, kpi: str, series: Series, now: float) -> Series:
        """Return the bins that no longer change, by what is known; all bins of a KPI that is not measured."""
        until = now - self._lags.get(kpi, 0.0) + CLOSE
        return tuple(sample for sample in series if sample.end <= until)
