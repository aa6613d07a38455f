"""KPIs from our own probes: a URL is asked at even times, whatever became of earlier questions (an open loop)."""

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
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.masks import keeps_secrets, masked_url
from gameday.steady_state.kpi.source import Kind, Reading, Source, SourceContext, SourceSpec
from gameday.steady_state.kpi.units import Duration
from gameday.steady_state.kpi.written import Written
from gameday.steady_state.samples import CLOSE, Sample, Series
from gameday.steady_state.sources.pace import Paced, Ticker
from pydantic import Field, SerializationInfo, field_serializer


class HttpProbe(Written):
    """A URL that is asked every so often; an answer of 400 and above, or none in time, is bad."""

    url: str = Field(
        pattern=r"^https?://",
        title="a URL that begins with http:// or https://",
        description="what to ask, with GET",
        examples=["https://example.com/health"],
    )
    every: Duration = Field(1.0, gt=0, description="how often")
    timeout: Duration = Field(1.0, gt=0, description="no answer for so long is bad, at that instant")

    @field_serializer("url")
    def _masked(self, url: str, info: SerializationInfo) -> str:
        return url if keeps_secrets(info) else masked_url(url)


class HttpSpec(SourceSpec):
    """A URL that is probed."""

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
        """The source of these KPIs, which probes until the block ends."""
        return HttpSource(kpis, context.clock)


Fetch = Callable[[HttpProbe], int]
"""Sends one request and answers with the HTTP status; raises OSError where none comes."""


@dataclass
class ProbeResult:
    """One request: when it was due, and when which answer came (seconds since the epoch; None so far)."""

    sent: float
    done: float | None = None
    good: bool = False


@dataclass
class _Probed:
    spec: HttpProbe
    since: float
    probes: list[ProbeResult] = field(default_factory=list)


class HttpSource(Paced):
    """Probes every KPI's URL from `with` on until the block ends; `read` counts what has come back.

    An answer of 400 and above, a refused or broken connection, and none within `timeout` are bad, each at the instant
    it is known: for a time-out that is when the time was up. Redirects are answers. The environment's proxies are not
    used.
    """

    def __init__(self, kpis: Mapping[str, Kpi], clock: Clock, ask: Fetch | None = None) -> None:
        self._clock = clock
        self._ask = ask or HttpPool()
        self._probed = {
            name: _Probed(kpi.source.http, clock.now())
            for name, kpi in kpis.items()
            if isinstance(kpi.source, HttpSpec)
        }
        self._lock = threading.Lock()
        # A probe that outlasts its time-out is counted as bad by `bins` all the same: two more threads than needed.
        self._threads = sum(ceil(one.spec.timeout / one.spec.every) + 2 for one in self._probed.values())
        self._due: SimpleQueue[tuple[HttpProbe, ProbeResult] | None] = SimpleQueue()
        super().__init__(
            Ticker(one.spec.every, clock, lambda due, one=one: self._send(one, due), f"probe-{name}")  # type: ignore[misc]
            for name, one in self._probed.items()
        )

    def __enter__(self) -> Self:
        # Daemons: a server whose header comes byte by byte holds a thread for as long as it likes, also at the end.
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
        """The complete bins of each KPI, as long as `every`; bins from before the first probe are gaps.

        Answers are counted over the limits that the KPIs name here, which may be more than when they were opened.
        """
        now = min(end, self._clock.now())
        with self._lock:
            samples = {
                name: bins(kpis[name], one.spec, one.probes, max(start, one.since), now)
                for name, one in self._probed.items()
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
        try:
            good = self._ask(spec) < 400
        except OSError:
            good = False
        with self._lock:
            probe.good = good
            probe.done = self._clock.now()


class HttpPool:
    """Asks with urllib3, which keeps connections open between probes."""

    def __init__(self) -> None:
        import urllib3  # late: who validates a file sends no request

        self._pool = urllib3.PoolManager(num_pools=32, maxsize=16, retries=False)

    def __call__(self, spec: HttpProbe) -> int:
        """The status of one GET; the body is not waited for. Raises OSError without an answer."""
        from http.client import HTTPException

        import urllib3

        timeout = urllib3.Timeout(total=spec.timeout)
        try:
            answer = self._pool.request("GET", spec.url, timeout=timeout, redirect=False, preload_content=False)
        except (urllib3.exceptions.HTTPError, HTTPException) as error:
            raise OSError(error) from error
        try:
            return int(answer.status)
        finally:
            answer.close()


def bins(kpi: Kpi, spec: HttpProbe, probes: list[ProbeResult], start: float, end: float) -> Series:
    """The probes whose outcome was known between two instants, in bins as long as `every`.

    ratio: bad is a bad answer or none in time; latency: bad is that, or an answer after the bound's limit.
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
