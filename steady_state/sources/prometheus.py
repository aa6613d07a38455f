"""KPIs from Prometheus: repeated range queries in threads of their own, so that no run waits for them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import floor
from typing import ClassVar, Literal, Self

from gameday.steady_state.clock import Clock
from gameday.steady_state.deadline import within
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.masks import keeps_secrets, masked_text, masked_url
from gameday.steady_state.kpi.source import Kind, Reading, Source, SourceContext, SourceSpec, Unfit
from gameday.steady_state.kpi.units import Period, Wait, exact_duration, show_duration
from gameday.steady_state.kpi.written import Written
from gameday.steady_state.samples import CLOSE, Sample, Series, inside
from gameday.steady_state.sources.counters import Lines, must_count, parse, queries, samples, with_limits
from gameday.steady_state.sources.pace import Paced, Ticker
from gameday.steady_state.sources.remarks import Remarks
from pydantic import Field, SerializationInfo, field_serializer

HISTORY = 3600.0
"""Seconds of history that the first query reads: guards are armed by them."""

RELOOK = 180.0
"""Seconds of history that each query reads: late scrapes, and gaps of failed queries."""

LATEST = 10.0
"""Seconds that a scrape may take (Prometheus' `scrape_timeout`), or half a period where that is shorter."""


class PrometheusQuery(Written):
    """A query to a Prometheus or a server with its HTTP API, read in steps of the period."""

    url: str = Field(
        pattern=r"^https?://[^?#\s]+$",
        title="the address of a Prometheus",
        description="its address, without /api/v1",
        examples=["http://prometheus:9090"],
    )
    query: str = Field(
        min_length=1,
        description="counters (ratio, rate) or a classic histogram's buckets (latency), as they are: name{labels}, "
        "without rate() and sum(); a gauge: any expression with one answer",
    )
    timeout: Wait = Field(5.0, gt=0, description="how long to wait; no answer by then is a gap")

    @field_serializer("url")
    def _masked(self, url: str, info: SerializationInfo) -> str:
        return url if keeps_secrets(info) else masked_url(url)

    @field_serializer("query")
    def _without_secrets(self, query: str, info: SerializationInfo) -> str:
        return query if keeps_secrets(info) else masked_text(query)

    @property
    def selects(self) -> bool:
        """Whether the query is a selector of series, and not an expression over them."""
        return _SELECTOR.fullmatch(self.query) is not None

    @property
    def no_histogram(self) -> str | None:
        """Why the query's text cannot select all buckets of a classic histogram; None where it may."""
        equal = {label: text[1:-1] for label, operator, text in _MATCHER.findall(self.query) if operator == "="}
        name = self.query.partition("{")[0].strip() or equal.get("__name__", "")
        # A recording rule, with colons in its name, may have any name.
        if name and ":" not in name and not name.endswith("_bucket"):
            base = re.sub("_(count|sum|total)$", "", name)
            return f"a latency needs the buckets of a classic histogram, like {base}_bucket; the query names {name}"
        return 'a latency needs all buckets of its histogram: remove le="…"' if "le" in equal else None


_TEXT = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)"""
_LABELS = rf"""\{{(?:[^{{}}"'`]|{_TEXT})*\}}"""
_SELECTOR = re.compile(rf"\s*(?:[a-zA-Z_:][\w:]*\s*(?:{_LABELS})?|{_LABELS})\s*", re.DOTALL)
"""`name{label="value"}`; either part may be missing (Prometheus, "Time series selectors")."""
_MATCHER = re.compile(rf"(\w+)\s*(=~|!~|!=|=)\s*({_TEXT})", re.DOTALL)


class PrometheusSpec(SourceSpec):
    """A query to a Prometheus."""

    name: ClassVar[str] = "prometheus"
    title: ClassVar[str] = "Prometheus"
    example: ClassVar[str] = "{prometheus: {url: 'http://prometheus:9090', query: 'orders_total{job=\"shop\"}'}}"
    has_past: ClassVar[bool] = True

    prometheus: PrometheusQuery
    period: Period = Field(60.0, ge=0.1, description="the step, at least twice the scrape interval")
    missing: Literal["unknown", "zero"] = Field(
        "unknown",
        description="zero: for a metric published only when nonzero; counts only where the denominator reported",
    )
    unit: Literal["s", "ms"] = Field("s", description="latency only: the metric's unit")

    @property
    def interval(self) -> float:
        """Seconds of a step."""
        return self.period

    @property
    def zero_if_missing(self) -> bool:
        """Whether a missing number counts as zero."""
        return self.missing == "zero"

    @property
    def unit_seconds(self) -> float:
        """Seconds in the metric's unit of latency."""
        return 0.001 if self.unit == "ms" else 1.0

    def misfit(self, kind: Kind) -> str | None:
        """Explain why the query's text does not suit a KPI of this kind; None where it does."""
        if kind != "gauge" and not self.prometheus.selects:
            return (
                'a query of counters must be a selector like `name{label="value"}`, without functions: rate() and '
                "increase() estimate, and sum() hides restarts"
            )
        return self.prometheus.no_histogram if kind == "latency" else None

    @classmethod
    def open(cls, kpis: Mapping[str, Kpi], context: SourceContext) -> AbstractContextManager[Source]:
        """Open the source of these KPIs, which queries until the block ends."""
        # Late: validating a file sends no request.
        from gameday.steady_state.sources.prometheus_server import PrometheusServer

        return PrometheusSource(kpis, context.clock, PrometheusServer(context.clocks))


Fetch = Callable[[PrometheusSpec, int, int], bytes]
"""Reads a query's values at the ends of bins, from one bin number since the epoch to another.

Raises OSError without an answer, ValueError for an answer without values.
"""


@dataclass
class _QueryState:
    name: str
    kpi: Kpi
    bins: dict[int, Sample] = field(default_factory=dict)
    answered: bool = False


class PrometheusSource(Paced):
    """Run every KPI's queries while the block lasts; `read` returns the bins that are known.

    It reads a bin half a period, at most 10 s, after its end. No answer, an error or a warning leaves a gap, with a
    remark once; an answer within three minutes fills it. Entering raises Unfit where the first answer shows that the
    query can never answer the KPI.
    """

    def __init__(self, kpis: Mapping[str, Kpi], clock: Clock, fetch: Fetch) -> None:
        self._clock = clock
        self._remarks = Remarks()
        self._fetch = fetch
        self._lock = threading.Lock()
        self._queries = {name: _QueryState(name, kpi) for name, kpi in kpis.items()}
        super().__init__(
            Ticker(state.kpi.interval / 2, clock, lambda due, name=name: self._again(name, due), f"prometheus-{name}")  # type: ignore[misc]
            for name, state in self._queries.items()
        )

    def __enter__(self) -> Self:
        now = self._clock.now()
        looks: dict[str, Future[None]] = {name: Future() for name in self._queries}
        for name, done in looks.items():
            args = (name, now, done)
            threading.Thread(target=self._first, args=args, name=f"prometheus-{name}", daemon=True).start()
        timeouts = (spec.prometheus.timeout for state in self._queries.values() for spec in _specs(state.kpi))
        wait(looks.values(), timeout=2 * max(timeouts, default=0.0) + LATEST)
        for name, done in looks.items():
            if done.done():
                done.result()
            else:
                self._remarks.add(f"{name} has a gap: no answer yet")
        return super().__enter__()

    def _first(self, name: str, now: float, done: Future[None]) -> None:
        try:
            self.look(name, now, HISTORY)
            done.set_result(None)
        except Exception as error:  # noqa: BLE001 - the thread that waits raises every error
            done.set_exception(error)

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """Return the bins of each KPI between two instants."""
        known = {
            name: self._known(state, kpis[name], start, end) for name, state in self._queries.items() if name in kpis
        }
        return Reading(known, self._remarks.take())

    def look(self, name: str, now: float, back: float) -> None:
        """Query a KPI's bins in the last `back` seconds before `now`. Raises Unfit."""
        state = self._queries[name]
        length = state.kpi.interval
        last = floor((now - min(LATEST, length / 2)) / length + CLOSE)
        first = max(1, last - int(back / length))
        try:
            answers = tuple(self._lines(spec, first, last) for spec in _specs(state.kpi))
            if not any(line.points for line in answers[-1]):
                missing = "no number" if answers[-1] else "no series"
                self._remarks.add(f"{name} has a gap: its query answers with {missing}")
            elif not state.answered:
                must_count(state.kpi, answers)
                state.answered = True
            new = samples(state.kpi, answers, first + 1, last)
        except Unfit as error:
            msg = f"{name}: {error}"
            raise Unfit(msg) from None
        except ValueError as error:
            self._remarks.add(f"{name} has a gap: {error}")
            return
        with self._lock:
            for number in range(first + 1, last + 1):
                state.bins.pop(number, None)
            state.bins.update((round(sample.end / length), sample) for sample in new)

    def _lines(self, spec: PrometheusSpec, first: int, last: int) -> Lines:
        try:
            (outcome,) = within(spec.prometheus.timeout, [lambda _: self._fetch(spec, first, last)])
            if not outcome.done():
                raise TimeoutError
            return parse(outcome.result(), spec.period)
        except TimeoutError:
            why = f"no answer in {exact_duration(spec.prometheus.timeout)}"
        except OSError:
            why = "no connection"
        except ValueError as error:
            why = masked_text(str(error))  # a server's message may quote the query
        msg = f"{masked_url(spec.prometheus.url)}: {why}"
        raise ValueError(msg)

    def _again(self, name: str, due: float) -> None:
        try:
            self.look(name, due, RELOOK)
        except Unfit as error:
            self._remarks.add(str(error))

    def _known(self, state: _QueryState, kpi: Kpi, start: float, end: float) -> Series:
        with self._lock:
            bins = tuple(state.bins[number] for number in sorted(state.bins))
        known = tuple(with_limits(kpi, sample) for sample in inside(bins, start, end))
        counted = {limit for sample in known[-1:] for limit, _ in sample.over}
        for limit in kpi.other_limits if known else ():
            if limit not in counted:
                edges = ", ".join(show_duration(edge) for edge, _ in bins[-1].over)
                self._remarks.add(
                    f"{state.name}: its limit of {exact_duration(limit)} is no edge; the edges are: {edges}"
                )
        return known


def _specs(kpi: Kpi) -> tuple[PrometheusSpec, ...]:
    """List a KPI's queries, in the order of `queries`."""
    return tuple(spec for spec in queries(kpi) if isinstance(spec, PrometheusSpec))
