"""KPIs from Prometheus: range queries, asked again and again in threads of their own, so that no run waits for them.

Source: Prometheus, "HTTP API", https://prometheus.io/docs/prometheus/latest/querying/api/ (`query_range`: start and end
inclusive; `lookback_delta`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from math import floor
from time import monotonic
from typing import Self
from urllib.parse import unquote

import urllib3
from gameday.steady_state.clock import Clock
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.masks import masked_url
from gameday.steady_state.kpi.reading import SourceSpec
from gameday.steady_state.kpi.units import show_duration
from gameday.steady_state.samples import CLOSE, Sample, Series, inside
from gameday.steady_state.skew import Clocks
from gameday.steady_state.sources import Unfit, once
from gameday.steady_state.sources.counters import Lines, must_count, parse, queries, samples, with_limits
from gameday.steady_state.sources.pace import Paced, Ticker

HISTORY = 3600.0
"""Seconds that are read when it begins: what guards are armed by."""

RELOOK = 180.0
"""Seconds back that are read each time: scrapes that came late, and what was missed while nobody answered."""

LATEST = 10.0
"""Seconds that a scrape may take at most (Prometheus' `scrape_timeout`), or half a period where that is shorter."""

LARGEST = 32 * 2**20
"""Bytes of an answer that are read: an hour of some 10,000 series."""

Fetch = Callable[[SourceSpec, int, int], bytes]
"""Asks a query for the values at so many periods since the epoch, from one number to another."""


@dataclass
class _Answered:
    name: str
    kpi: Kpi
    bins: dict[int, Sample] = field(default_factory=dict)
    answered: bool = False


class PrometheusSource(Paced):
    """Asks every KPI's queries from `with` on until the block ends; `read` tells the bins that are known.

    A bin is read when half a period, at most 10 s, has passed since its end. No answer, an error and a warning leave a
    gap that is said once, and filled when it answers within three minutes. Raises Unfit in `with` where a KPI asks what
    the first answer shows to be impossible.
    """

    def __init__(
        self, kpis: Mapping[str, Kpi], clock: Clock, say: Callable[[str], None], ask: Fetch | None = None
    ) -> None:
        self._clock = clock
        self._say = once(say)
        self._ask = ask or PrometheusServer()
        self._lock = threading.Lock()
        self._asked = {name: _Answered(name, kpi) for name, kpi in kpis.items()}
        super().__init__(
            Ticker(one.kpi.interval / 2, clock, lambda due, one=one: self._again(one, due), f"prometheus-{name}")  # type: ignore[misc]
            for name, one in self._asked.items()
        )

    def __enter__(self) -> Self:
        now = self._clock.now()
        looks: dict[str, Future[None]] = {name: Future() for name in self._asked}
        for name, done in looks.items():
            told = (name, now, done)
            threading.Thread(target=self._first, args=told, name=f"prometheus-{name}", daemon=True).start()
        longest = max((one.kpi.reading.prometheus.timeout for one in self._asked.values()), default=0.0)  # type: ignore[union-attr]
        wait(looks.values(), timeout=2 * longest + LATEST)
        for name, done in looks.items():
            if done.done():
                done.result()
            else:
                self._say(f"{name} has a gap: no answer yet")
        return super().__enter__()

    def _first(self, name: str, now: float, done: Future[None]) -> None:
        try:
            self.look(name, now, HISTORY)
            done.set_result(None)
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to who waits
            done.set_exception(error)

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> dict[str, Series]:
        """The bins of each KPI between two instants."""
        return {name: self._known(one, kpis[name], start, end) for name, one in self._asked.items() if name in kpis}

    def look(self, name: str, now: float, back: float) -> None:
        """Ask for a KPI's bins of so many seconds before now. Raises Unfit."""
        one = self._asked[name]
        length = one.kpi.interval
        last = floor((now - min(LATEST, length / 2)) / length + CLOSE)
        first = max(1, last - int(back / length))
        try:
            answers = tuple(self._lines(reading, first, last) for reading in queries(one.kpi))
            if not any(line.points for line in answers[-1]):
                what = "no number" if answers[-1] else "no series"
                self._say(f"{name} has a gap: its query answers with {what}")
            elif not one.answered:
                must_count(one.kpi, answers)
                one.answered = True
            found = samples(one.kpi, answers, first + 1, last)
        except Unfit as error:
            msg = f"{name}: {error}"
            raise Unfit(msg) from None
        except ValueError as error:
            self._say(f"{name} has a gap: {error}")
            return
        with self._lock:
            for number in range(first + 1, last + 1):
                one.bins.pop(number, None)
            one.bins.update((round(sample.end / length), sample) for sample in found)

    def _lines(self, reading: SourceSpec, first: int, last: int) -> Lines:
        assert reading.prometheus is not None, "only what names a Prometheus is asked"  # noqa: S101
        try:
            return parse(self._ask(reading, first, last), reading.period)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            late = isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError)
            broken = isinstance(error, urllib3.exceptions.ProtocolError)
            why = "its answer broke off, or is no HTTP" if broken else "it cannot be reached"
            why = f"no answer in {show_duration(reading.prometheus.timeout)}" if late else why
            msg = f"{masked_url(reading.prometheus.url)}: {why}"
            raise ValueError(msg) from None
        except ValueError as error:
            msg = f"{masked_url(reading.prometheus.url)}: {error}"
            raise ValueError(msg) from None

    def _again(self, one: _Answered, due: float) -> None:
        try:
            self.look(one.name, due, RELOOK)
        except Unfit as error:
            self._say(str(error))

    def _known(self, one: _Answered, kpi: Kpi, start: float, end: float) -> Series:
        with self._lock:
            bins = tuple(one.bins[number] for number in sorted(one.bins))
        found = tuple(with_limits(kpi, each) for each in inside(bins, start, end))
        counted = {limit for each in found[-1:] for limit, _ in each.over}
        for limit in kpi.other_limits if found else ():
            if limit not in counted:
                edges = ", ".join(show_duration(edge) for edge, _ in bins[-1].over)
                self._say(f"{one.name}: its limit of {show_duration(limit)} is no edge; others are: {edges}")
        return found


class PrometheusServer:
    """Asks over HTTP with urllib3; a name and password in the URL are sent as basic authentication."""

    def __init__(self, clocks: Clocks | None = None) -> None:
        self._clocks = clocks
        self._pool = urllib3.PoolManager(num_pools=32, maxsize=16, retries=False)

    def __call__(self, reading: SourceSpec, first: int, last: int) -> bytes:
        """The body of the answer. Raises HTTPError or OSError without one, ValueError with another status."""
        spec, period = reading.prometheus, reading.period
        assert spec is not None, "only what names a Prometheus is asked"  # noqa: S101
        url = urllib3.util.parse_url(spec.url)
        fields = {
            "query": _fresh(reading),
            "start": _number(first * period),
            "end": _number(last * period),
            "step": _number(period),
            "timeout": f"{round(spec.timeout * 1000)}ms",
            "lookback_delta": _number(period),
        }
        until = monotonic() + spec.timeout
        sent = self._clocks.now() if self._clocks else 0.0
        answer = self._pool.request(
            "GET",
            f"{url._replace(auth=None).url.rstrip('/')}/api/v1/query_range",
            fields=fields,
            headers=urllib3.make_headers(basic_auth=unquote(url.auth)) if url.auth else None,
            timeout=urllib3.Timeout(total=spec.timeout),
            redirect=False,
            preload_content=False,
        )
        if self._clocks:
            self._clocks.heard(f"Prometheus {masked_url(spec.url)}", answer.headers.get("date"), sent)
        try:
            body = _body(answer, until)
        finally:
            answer.close()
        # Prometheus says what is wrong in the body of a 400, 422 or 503.
        if answer.status not in (200, 400, 422, 503):
            msg = f"it answers with status {answer.status}"
            raise ValueError(msg)
        return body


def _body(answer: urllib3.BaseHTTPResponse, until: float) -> bytes:
    """All of an answer, piece by piece: urllib3's time-outs are for each piece, and one that drips never ends."""
    body = bytearray()
    while piece := answer.read1(2**16, decode_content=False):
        body += piece
        if len(body) > LARGEST:
            msg = f"its answer is longer than {LARGEST // 2**20} MiB: select fewer series"
            raise ValueError(msg)
        if monotonic() > until:
            raise TimeoutError
    return bytes(body)


def _fresh(reading: SourceSpec) -> str:
    """The query, such that a value older than a period is none: by itself Prometheus repeats it for five minutes.

    Of an expression only `lookback_delta` says so, which some servers ignore.
    """
    assert reading.prometheus is not None, "only what names a Prometheus is asked"  # noqa: S101
    query = reading.prometheus.query
    return f"last_over_time({query}[{round(reading.period * 1000)}ms])" if reading.prometheus.selects else query


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
