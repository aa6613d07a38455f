"""KPIs from CloudWatch Logs Insights: a query over the new bins, once they are past their watermark.

Sources: CloudWatch Logs API Reference, "StartQuery" (start and end in seconds, both inclusive; 10,000 rows at most),
"GetQueryResults" (statuses) and "StopQuery"; User Guide, "CloudWatch Logs quotas" (5 GetQueryResults a second, 30
queries at once in an account, dashboards included) and "stats" (`bin`).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import floor, isfinite
from typing import Any, ClassVar

from gameday.steady_state.clock import Clock
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.masks import keeps_secrets, masked_text
from gameday.steady_state.kpi.source import FOREIGN, Kind, Reading, Source, SourceContext, SourceSpec
from gameday.steady_state.kpi.units import Period, Wait, exact_duration, parse_duration
from gameday.steady_state.kpi.written import Written
from gameday.steady_state.samples import CLOSE, Sample, Series, inside, reading_of, share_of
from gameday.steady_state.sources.pace import Paced, Ticker
from gameday.steady_state.sources.remarks import Remarks
from pydantic import Field, SerializationInfo, field_serializer

LOOK = 1.0
"""Seconds between two checks whether a bin is past its watermark."""
POLL = 2.0
"""Seconds between two checks whether a query is done."""
AGAIN = 180.0
"""Seconds before the newest bin for which the next query repeats a failed one."""
MOST_ROWS = 10_000

CallLogs = Callable[[str, dict[str, Any]], Any]
"""Calls an operation of the API with its parameters. Raises ValueError with the reason without an answer."""


ANSWER = 10.0
"""Seconds within which a query over a few minutes of lines should answer."""
_BINNED = re.compile(r"(?i:\bstats\b[^|]*\bby\s+bin)\(\s*([0-9]{1,9})\s*([smh])\s*\)\s*\Z")


class LogsQuery(Written):
    """A query of CloudWatch Logs Insights; its rows are bins with the KPI's columns: bad and total, or a value."""

    group: str = Field(
        pattern=r"^[a-zA-Z0-9_/.#-]{1,512}$",
        title="the name of a log group",
        description="the log group",
        examples=["/shop/web"],
    )
    query: str = Field(
        min_length=1,
        description="ends in `| stats … by bin(1m)`, where 1m is the period; a ratio's stats are named by "
        "`as total` and `as bad`, a rate's by `as total`, a gauge's by `as value`",
    )
    late: Wait = Field(60.0, ge=0, description="how late lines may arrive; a bin is read after that time")
    timeout: Wait = Field(
        30.0, gt=0, description="how long a query may take; a slower query is stopped and leaves a gap"
    )

    @field_serializer("query")
    def _masked(self, query: str, info: SerializationInfo) -> str:
        return query if keeps_secrets(info) else masked_text(query)


class LogsSpec(SourceSpec):
    """A query of CloudWatch Logs Insights."""

    name: ClassVar[str] = "logs"
    title: ClassVar[str] = "CloudWatch Logs"
    example: ClassVar[str] = "{logs: {group: /shop/web, query: 'stats count(*) as total by bin(1m)'}}"
    kinds: ClassVar[tuple[Kind, ...]] = ("ratio", "rate", "gauge")
    counts_both: ClassVar[bool] = True
    calls: ClassVar[tuple[str, ...]] = ("logs.start_query", "logs.get_query_results", "logs.stop_query")

    logs: LogsQuery
    period: Period = Field(60.0, gt=0, description="the query's bins")

    @property
    def interval(self) -> float:
        """Seconds of a bin."""
        return self.period

    @property
    def lag(self) -> float:
        """Seconds from the end of a bin until it is known."""
        return self.logs.late + ANSWER

    @property
    def cost(self) -> str:
        """Describe what AWS charges for."""
        often = f"every {exact_duration(self.period)} of the run"
        return f"queries log group {self.logs.group} {often}: AWS charges each GB that it scans"

    def misfit(self, kind: Kind) -> str | None:
        """Explain why a KPI of this kind cannot use its rows; None where it can."""
        binned = _BINNED.search(self.logs.query)
        if not binned or parse_duration(binned[1] + binned[2]) != self.period:
            bins = f"{self.period:g}s" if self.period % 60 else f"{self.period / 60:g}m"
            return f"a query of logs must end in `stats … by bin({bins})`, with the period as its bin"
        missing = [name for name in columns(kind) if not re.search(rf"\bas\s+{name}\b", binned[0], re.IGNORECASE)]
        return f"the query names none of its stats `as {missing[0]}`" if missing else None

    @classmethod
    def open(cls, kpis: Mapping[str, Kpi], context: SourceContext) -> AbstractContextManager[Source]:
        """Open the source of these KPIs, which queries until the block ends."""

        def call(operation: str, params: dict[str, Any]) -> Any:
            return context.call(f"logs.{operation}", params)

        return LogsSource(kpis, context.clock, call)


def columns(kind: Kind) -> tuple[str, ...]:
    """List the columns that a query's rows must have for a kind of KPI."""
    return {"ratio": ("total", "bad"), "rate": ("total",)}.get(kind, ("value",))


@dataclass
class _QueryState:
    name: str
    kpi: Kpi
    spec: LogsQuery
    next: int  # the first bin that is not known yet, by its number since the epoch
    tried: int = 0  # the end of the last query, as a bin number
    samples: list[Sample] = field(default_factory=list)


class LogsSource(Paced):
    """Run every KPI's query while the block lasts; `read` returns the bins that are known.

    A query scans each line once, and repeats only what failed. A query that fails or takes too long is stopped, and
    leaves a gap with a remark once. So does a bin without a row. Bins before the block are unknown.
    """

    def __init__(self, kpis: Mapping[str, Kpi], clock: Clock, call: CallLogs) -> None:
        self._clock = clock
        self._remarks = Remarks()
        self._call = call
        self._lock = threading.Lock()
        self._queries = {
            name: _QueryState(name, kpi, kpi.source.logs, floor(clock.now() / kpi.interval))
            for name, kpi in kpis.items()
            if isinstance(kpi.source, LogsSpec)
        }
        super().__init__(
            Ticker(LOOK, clock, lambda _, name=name: self.look(name), f"logs-{name}")  # type: ignore[misc]
            for name in self._queries
        )

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """Return the bins of each KPI between two instants."""
        with self._lock:
            known = {name: tuple(state.samples) for name, state in self._queries.items() if name in kpis}
        samples = {name: inside(series, start, end) for name, series in known.items()}
        return Reading(samples, self._remarks.take())

    def look(self, name: str) -> None:
        """Query a KPI's new bins that are past their watermark, if there are any."""
        state = self._queries[name]
        length = state.kpi.interval
        last = floor((self._clock.now() - state.spec.late) / length + CLOSE)
        first = max(state.next, last - max(1, floor(AGAIN / length)))
        if last <= max(first, state.tried):
            return
        state.tried = last
        try:
            new = samples(state.kpi, self._answer(state.spec, first * length, last * length), first, last)
        except ValueError as error:
            self._gap(state, str(error))
            return
        except FOREIGN as error:
            self._gap(state, f"it answers with something else than rows: {type(error).__name__}: {error}")
            return
        if len(new) < last - first:
            self._gap(state, "a bin has no row with its numbers")
        with self._lock:
            state.samples += new
            state.next = last

    def _answer(self, spec: LogsQuery, start: float, end: float) -> list[list[dict[str, str]]]:
        params = {"logGroupName": spec.group, "queryString": spec.query, "limit": MOST_ROWS}
        started = self._call("start_query", {**params, "startTime": round(start), "endTime": round(end)})
        query = {"queryId": started["queryId"]}
        try:
            answer = self._wait(query, spec.timeout)
        except ValueError:
            # Otherwise the query would run for up to an hour, and an account may run 30 at once.
            with suppress(ValueError):
                self._call("stop_query", query)
            raise
        if answer["status"] != "Complete":
            msg = f"its query ended as {answer['status']}"
            raise ValueError(msg)
        return list(answer["results"])

    def _wait(self, query: dict[str, str], timeout: float) -> Any:
        until = self._clock.now() + timeout
        while self._clock.now() < until:
            self._clock.sleep(min(POLL, until - self._clock.now()))
            answer = self._call("get_query_results", query)
            if answer["status"] not in ("Scheduled", "Running"):
                return answer
        msg = f"its query was not done in {exact_duration(timeout)}"
        raise ValueError(msg)

    def _gap(self, state: _QueryState, why: str) -> None:
        self._remarks.add(f"{state.name} has a gap: log group {state.spec.group}: {why}")


def samples(kpi: Kpi, rows: list[list[dict[str, str]]], first: int, last: int) -> Series:
    """Make the bins in [first, last), numbered since the epoch, from the rows that have all their columns."""
    by_number: dict[int, Sample] = {}
    wanted = columns(kpi.kind)
    for row in rows:
        values = {cell["field"]: cell["value"] for cell in row if "value" in cell}
        start, numbers = _start(values), tuple(_numbers(values, wanted))
        number = round((start or 0.0) / kpi.interval)
        if start == number * kpi.interval and first <= number < last and len(numbers) == len(wanted):
            by_number[number] = _sample(kpi, start, numbers)
    return tuple(by_number[number] for number in sorted(by_number))


def _start(values: Mapping[str, str]) -> float | None:
    """Read when a row's bin began: `2026-11-28 16:43:00.000`, in UTC, in the column named after its function."""
    written = next((value for name, value in values.items() if name.startswith("bin(")), "")
    try:
        return datetime.fromisoformat(written).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _numbers(values: Mapping[str, str], wanted: tuple[str, ...]) -> Iterator[float]:
    for name in wanted:
        try:
            number = float(values[name])
        except (KeyError, ValueError):
            return
        if isfinite(number):
            yield number


def _sample(kpi: Kpi, start: float, numbers: tuple[float, ...]) -> Sample:
    length = kpi.interval
    if kpi.gauge:
        return reading_of(start, length, numbers[0], kpi.bound.admits(numbers[0]))
    if kpi.rate:
        return Sample(start, length, numbers[0], 0.0, numbers[0] / length)
    return share_of(start, length, *numbers)
