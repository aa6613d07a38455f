"""Watch KPIs during a run: new samples become events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from gameday.events import Remark, Sampled
from gameday.run.arrivals import Arrivals
from gameday.steady_state.clock import Clock
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import read_or_gap
from gameday.steady_state.kpi.units import show_duration
from gameday.steady_state.samples import Sample, Series, inside

if TYPE_CHECKING:
    from gameday.steady_state.kpi.source import Source

RELOOK = 180.0
"""Seconds that each read of an account goes back, for late points: CloudWatch may add to a minute for some minutes."""


class Sampler:
    """Hold all settled samples of the KPIs so far, and all remarks of sources; each look yields new and changed ones.

    With a `relook`, it measures how late the bins of late sources are, from the time before it began.
    """

    def __init__(
        self, kpis: Mapping[str, Kpi], source: Source, clock: Clock, relook: float, least_lag: float = 0.0
    ) -> None:
        self.kpis = kpis
        self.remarks: tuple[str, ...] = ()
        self._source = source
        self._clock = clock
        self._relook = relook
        self._least_lag = least_lag
        self._from = clock.now()
        self.arrivals = Arrivals(name for name, kpi in kpis.items() if relook and kpi.source.is_late)
        self._seen: dict[str, dict[float, Sample]] = {name: {} for name in kpis}
        self._until: dict[str, float] = dict.fromkeys(kpis, self._from)

    def look(self, only: tuple[str, ...] | None = None) -> Iterator[Sampled | Remark]:
        """Read the KPIs (or some of them); yield new and changed samples, and remarks about failed reads."""
        kpis = {name: kpi for name, kpi in self.kpis.items() if only is None or name in only}
        if not kpis:
            return
        now = self._clock.now()
        start = max(self._from, min(self._until[name] for name in kpis)) - self._relook
        reading = read_or_gap(self._source, kpis, start, now)
        for name, series in reading.samples.items():
            seen = self._seen[name]
            self.arrivals.note(name, series, now)
            settled = self.arrivals.settled(name, series, now)
            fresh = tuple(sample for sample in inside(settled, self._from, now) if seen.get(sample.start) != sample)
            seen.update((sample.start, sample) for sample in fresh)
            if series:
                self._until[name] = max(self._until[name], series[-1].end)
            if fresh:
                yield Sampled(now, name, fresh)
        yield from self.remark(reading.remarks)

    def remark(self, lines: tuple[str, ...]) -> Iterator[Remark]:
        """Record lines about what a source could not read; yield each as a remark, once."""
        fresh = tuple(line for line in dict.fromkeys(lines) if line not in self.remarks)
        self.remarks += fresh
        yield from (Remark(self._clock.now(), line) for line in fresh)

    @property
    def lag(self) -> float:
        """The seconds after their end until all bins are settled, by what is known."""
        return max(self._least_lag, *self.arrivals.lags.values(), 0.0)

    @property
    def readable(self) -> float:
        """Until when the samples are complete, in seconds since the epoch."""
        return self._clock.now() - self.lag

    @property
    def lags(self) -> dict[str, float]:
        """KPI → seconds after its end until a bin is settled: what its source says, or what the run has measured."""
        return {name: kpi.source.lag for name, kpi in self.kpis.items()} | self.arrivals.lags

    @property
    def series(self) -> dict[str, Series]:
        """All samples so far, in order of time."""
        return {name: tuple(seen[start] for start in sorted(seen)) for name, seen in self._seen.items()}


def late_guards(guarded: Iterable[str], sampler: Sampler, now: float) -> Iterator[Remark]:
    """Say how late a guard sees its KPI, where the run has measured that."""
    for name in guarded:
        if (lag := sampler.arrivals.lags.get(name)) is not None:
            period = sampler.kpis[name].interval
            settled = f"its bins of {show_duration(period)} are settled {show_duration(lag)} after their end"
            yield Remark(now, f"the guard on {name} sees a failure up to {show_duration(period + lag)} late: {settled}")
