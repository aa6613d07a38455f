"""KPIs from probes: requests to a URL at even times, however earlier requests fare (an open loop)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import ceil, floor, inf
from queue import SimpleQueue
from types import TracebackType
from typing import ClassVar, Self

from gameday.steady_state.clock import Clock
from gameday.steady_state.deadline import within
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import Kind, Reading, Source, SourceContext, SourceSpec
from gameday.steady_state.samples import CLOSE, Sample, Series
from gameday.steady_state.sources.http_probe import HttpAnswer, HttpPool, HttpProbe
from gameday.steady_state.sources.pace import Paced, Ticker


class HttpSpec(SourceSpec):
    """A URL to probe."""

    name: ClassVar[str] = "http"
    title: ClassVar[str] = "a probe"
    example: ClassVar[str] = "{http: {url: 'https://example.com/health', every: 1s}}"
    kinds: ClassVar[tuple[Kind, ...]] = ("ratio", "latency")
    counts_both: ClassVar[bool] = True

    http: HttpProbe

    @property
    def interval(self) -> float:
        """Seconds between two readings."""
        return self.http.every

    @classmethod
    def open(cls, kpis: Mapping[str, Kpi], context: SourceContext) -> AbstractContextManager[Source]:
        """Open the source of these KPIs, which probes until the block ends."""
        return HttpSource(kpis, context.clock)


Fetch = Callable[[HttpProbe], HttpAnswer]
"""Sends a request and returns its answer; raises OSError without one."""


@dataclass
class ProbeResult:
    """A request: when it was due, when its answer came, and whether that is good. Times: seconds since the epoch."""

    sent: float
    done: float | None = None
    good: bool = False


@dataclass
class _Probed:
    spec: HttpProbe
    since: float
    probes: list[ProbeResult] = field(default_factory=list)


class HttpSource(Paced):
    """Probe every KPI's URL while the block lasts; `read` counts the outcomes.

    Bad are an answer that the probe does not admit, a refused or broken connection, and no answer within `timeout`.
    Each counts at the instant at which it is known; a time-out counts when the time is up. Redirects are answers. It
    does not use the environment's proxies.
    """

    def __init__(self, kpis: Mapping[str, Kpi], clock: Clock, fetch: Fetch | None = None) -> None:
        self._clock = clock
        self._fetch = fetch or HttpPool()
        self._probed = {
            name: _Probed(kpi.source.http, clock.now())
            for name, kpi in kpis.items()
            if isinstance(kpi.source, HttpSpec)
        }
        self._lock = threading.Lock()
        # A probe may outlast its time-out, so there are two more threads than needed. `bins` counts that probe as bad.
        specs = [probed.spec for probed in self._probed.values()]
        self._threads = sum(ceil(spec.timeout / spec.every) + 2 for spec in specs)
        self._due: SimpleQueue[tuple[HttpProbe, ProbeResult] | None] = SimpleQueue()
        super().__init__(
            Ticker(probed.spec.every, clock, lambda due, probed=probed: self._send(probed, due), f"probe-{name}")  # type: ignore[misc]
            for name, probed in self._probed.items()
        )

    def __enter__(self) -> Self:
        for number in range(self._threads):
            threading.Thread(target=self._work, name=f"probe-{number}", daemon=True).start()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        while not self._due.empty():
            self._due.get()
        for _ in range(self._threads):
            self._due.put(None)

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """Return the complete bins of each KPI, of length `every`; bins before the first probe are gaps.

        It counts answers over the limits of the given KPIs, which may be more than those at `open`.
        """
        now = min(end, self._clock.now())
        with self._lock:
            samples = {
                name: bins(kpis[name], probed.spec, probed.probes, max(start, probed.since), now)
                for name, probed in self._probed.items()
                if name in kpis
            }
        return Reading(samples)

    def _send(self, probed: _Probed, due: float) -> None:
        probe = ProbeResult(due)
        with self._lock:
            probed.probes.append(probe)
        self._due.put((probed.spec, probe))

    def _work(self) -> None:
        while (due := self._due.get()) is not None:
            self._await(*due)

    def _await(self, spec: HttpProbe, probe: ProbeResult) -> None:
        # urllib3's time-outs count for each read alone: a header that comes byte by byte would hold this thread.
        (outcome,) = within(spec.timeout, [lambda _: self._fetch(spec)])
        good = outcome.done() and outcome.exception() is None and spec.admits(outcome.result())
        with self._lock:
            probe.good = good
            probe.done = self._clock.now()


def bins(kpi: Kpi, spec: HttpProbe, probes: list[ProbeResult], start: float, end: float) -> Series:
    """Count the probes whose outcome was known between two instants, in bins of length `every`.

    For a ratio, bad is a bad answer or none in time. For a latency, an answer after the bound's limit is bad, too.
    """
    first, last = ceil(start / spec.every - CLOSE), floor(end / spec.every + CLOSE)
    known: dict[int, list[float]] = {number: [] for number in range(first, last)}
    for probe in probes:
        took = probe.done - probe.sent if probe.done is not None else inf
        number = floor((probe.sent + min(spec.timeout, took)) / spec.every + CLOSE)
        if number in known:
            known[number].append(took if probe.good and took <= spec.timeout else inf)
    return tuple(_sample(kpi, spec, number, taken) for number, taken in known.items())


def _sample(kpi: Kpi, spec: HttpProbe, number: int, taken: list[float]) -> Sample:
    def over(limit: float) -> float:
        return float(sum(took > limit for took in taken))

    total, bad = float(len(taken)), over(kpi.bound.quantile[1] if kpi.bound.quantile else spec.timeout)
    others = tuple((limit, over(limit)) for limit in kpi.other_limits)
    return Sample(number * spec.every, spec.every, total, bad, 1 - bad / total if total else None, others)
