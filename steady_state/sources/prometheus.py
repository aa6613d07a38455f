"""KPIs from Prometheus: range queries, asked again and again in threads of their own, so that no run waits for them."""

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
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.masks import keeps_secrets, masked_url
from gameday.steady_state.kpi.source import Kind, Reading, Source, SourceContext, SourceSpec, Unfit
from gameday.steady_state.kpi.units import Duration, show_duration
from gameday.steady_state.kpi.written import Written
from gameday.steady_state.samples import CLOSE, Sample, Series, inside
from gameday.steady_state.sources.counters import Lines, must_count, parse, queries, samples, with_limits
from gameday.steady_state.sources.pace import Paced, Ticker
from gameday.steady_state.sources.remarks import Remarks
from pydantic import Field, SerializationInfo, field_serializer

HISTORY = 3600.0
"""Seconds that are read when it begins: what guards are armed by."""

RELOOK = 180.0
"""Seconds back that are read each time: scrapes that came late, and what was missed while nobody answered."""

LATEST = 10.0
"""Seconds that a scrape may take at most (Prometheus' `scrape_timeout`), or half a period where that is shorter."""


class PrometheusQuery(Written):
    """A query to a Prometheus, or to what speaks its HTTP API; the answer is read in steps of the period."""

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
    timeout: Duration = Field(5.0, gt=0, description="no answer for so long is a gap")

    @field_serializer("url")
    def _masked(self, url: str, info: SerializationInfo) -> str:
        return url if keeps_secrets(info) else masked_url(url)

    @property
    def selects(self) -> bool:
        """Whether the query is a selector of series, not an expression over them."""
        return _SELECTOR.fullmatch(self.query) is not None

    @property
    def no_histogram(self) -> str | None:
        """Why a selector cannot be all buckets of a classic histogram, by its text alone; None: it may be."""
        equal = {label: text[1:-1] for label, operator, text in _MATCHER.findall(self.query) if operator == "="}
        name = self.query.partition("{")[0].strip() or equal.get("__name__", "")
        # A recording rule, with colons in its name, may be called anything.
        if name and ":" not in name and not name.endswith("_bucket"):
            base = re.sub("_(count|sum|total)$", "", name)
            return f"a latency is read from the buckets of a classic histogram, like {base}_bucket; found {name}"
        return 'a latency needs all buckets of its histogram: take le="…" out' if "le" in equal else None


_TEXT = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)"""
_LABELS = rf"""\{{(?:[^{{}}"'`]|{_TEXT})*\}}"""
_SELECTOR = re.compile(rf"\s*(?:[a-zA-Z_:][\w:]*\s*(?:{_LABELS})?|{_LABELS})\s*", re.DOTALL)
"""`name{label="value"}`, where either part may be left out (Prometheus, "Time series selectors")."""
_MATCHER = re.compile(rf"(\w+)\s*(=~|!~|!=|=)\s*({_TEXT})", re.DOTALL)


class PrometheusSpec(SourceSpec):
    """A query to a Prometheus."""

    name: ClassVar[str] = "prometheus"
    title: ClassVar[str] = "Prometheus"
    example: ClassVar[str] = "{prometheus: {url: 'http://prometheus:9090', query: 'orders_total{job=\"shop\"}'}}"
    has_past: ClassVar[bool] = True

    prometheus: PrometheusQuery
    period: Duration = Field(60.0, gt=0, description="the step, at least twice the scrape interval")
    missing: Literal["unknown", "zero"] = Field(
        "unknown",
        description="zero: for a metric published only when nonzero; counts only where the denominator reported",
    )
    unit: Literal["s", "ms"] = Field("s", description="latency only: what the metric counts in")

    @property
    def interval(self) -> float:
        """Seconds of a step."""
        return self.period

    @property
    def zero_if_missing(self) -> bool:
        """Whether no number is zero."""
        return self.missing == "zero"

    @property
    def unit_seconds(self) -> float:
        """The seconds of one unit in which a latency is counted."""
        return 0.001 if self.unit == "ms" else 1.0

    def misfit(self, kind: Kind) -> str | None:
        """Why the query cannot be read as a KPI of this kind, by its text alone."""
        if kind != "gauge" and not self.prometheus.selects:
            return (
                'a query of counters is a selector like `name{label="value"}`, without functions: what rate() and '
                "increase() answer is estimated, and a sum() hides restarts"
            )
        return self.prometheus.no_histogram if kind == "latency" else None

    @classmethod
    def open(cls, kpis: Mapping[str, Kpi], context: SourceContext) -> AbstractContextManager[Source]:
        """The source of these KPIs, which asks until the block ends."""
        # Late: who validates a file sends no request.
        from gameday.steady_state.sources.prometheus_server import PrometheusServer

        return PrometheusSource(kpis, context.clock, PrometheusServer(context.clocks))


Fetch = Callable[[PrometheusSpec, int, int], bytes]
"""Asks a query for the values at so many periods since the epoch, from one number to another.

Raises OSError without an answer, ValueError for one that tells no values.
"""


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

    def __init__(self, kpis: Mapping[str, Kpi], clock: Clock, ask: Fetch) -> None:
        self._clock = clock
        self._remarks = Remarks()
        self._ask = ask
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
        timeouts = (spec.prometheus.timeout for one in self._asked.values() for spec in _specs(one.kpi))
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
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to who waits
            done.set_exception(error)

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """The bins of each KPI between two instants."""
        found = {name: self._known(one, kpis[name], start, end) for name, one in self._asked.items() if name in kpis}
        return Reading(found, self._remarks.take())

    def look(self, name: str, now: float, back: float) -> None:
        """Ask for a KPI's bins of so many seconds before now. Raises Unfit."""
        one = self._asked[name]
        length = one.kpi.interval
        last = floor((now - min(LATEST, length / 2)) / length + CLOSE)
        first = max(1, last - int(back / length))
        try:
            answers = tuple(self._lines(spec, first, last) for spec in _specs(one.kpi))
            if not any(line.points for line in answers[-1]):
                what = "no number" if answers[-1] else "no series"
                self._remarks.add(f"{name} has a gap: its query answers with {what}")
            elif not one.answered:
                must_count(one.kpi, answers)
                one.answered = True
            found = samples(one.kpi, answers, first + 1, last)
        except Unfit as error:
            msg = f"{name}: {error}"
            raise Unfit(msg) from None
        except ValueError as error:
            self._remarks.add(f"{name} has a gap: {error}")
            return
        with self._lock:
            for number in range(first + 1, last + 1):
                one.bins.pop(number, None)
            one.bins.update((round(sample.end / length), sample) for sample in found)

    def _lines(self, spec: PrometheusSpec, first: int, last: int) -> Lines:
        try:
            return parse(self._ask(spec, first, last), spec.period)
        except TimeoutError:
            why = f"no answer in {show_duration(spec.prometheus.timeout)}"
        except OSError:
            why = "it cannot be reached"
        except ValueError as error:
            why = str(error)
        msg = f"{masked_url(spec.prometheus.url)}: {why}"
        raise ValueError(msg)

    def _again(self, one: _Answered, due: float) -> None:
        try:
            self.look(one.name, due, RELOOK)
        except Unfit as error:
            self._remarks.add(str(error))

    def _known(self, one: _Answered, kpi: Kpi, start: float, end: float) -> Series:
        with self._lock:
            bins = tuple(one.bins[number] for number in sorted(one.bins))
        found = tuple(with_limits(kpi, each) for each in inside(bins, start, end))
        counted = {limit for each in found[-1:] for limit, _ in each.over}
        for limit in kpi.other_limits if found else ():
            if limit not in counted:
                edges = ", ".join(show_duration(edge) for edge, _ in bins[-1].over)
                self._remarks.add(f"{one.name}: its limit of {show_duration(limit)} is no edge; others are: {edges}")
        return found


def _specs(kpi: Kpi) -> tuple[PrometheusSpec, ...]:
    """What is asked, in the order of `queries`."""
    return tuple(spec for spec in queries(kpi) if isinstance(spec, PrometheusSpec))
