"""KPIs from CloudWatch Logs Insights: a query over what is new, asked when a bin is past its watermark.

Sources: CloudWatch Logs API Reference, "StartQuery" (start and end in seconds, both inclusive; 10,000 rows at most),
"GetQueryResults" (statuses) and "StopQuery"; User Guide, "CloudWatch Logs quotas" (5 GetQueryResults a second, 30
queries at once in an account, dashboards included) and "stats" (`bin`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import floor, isfinite
from typing import Any

from gameday.steady_state.clock import Clock
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.reading import LogsSpec as Spec
from gameday.steady_state.kpi.units import show_duration
from gameday.steady_state.samples import CLOSE, Sample, Series, inside, reading_of, share_of
from gameday.steady_state.sources import once
from gameday.steady_state.sources.pace import Paced, Ticker

LOOK = 1.0
"""Seconds between two looks whether a bin is past its watermark."""
POLL = 2.0
"""Seconds between two questions whether a query is done."""
AGAIN = 180.0
"""Seconds back, before the newest bin, for which a query that failed is made good by the next one."""
MOST_ROWS = 10_000

CallLogs = Callable[[str, dict[str, Any]], Any]
"""Calls an operation of the API: its parameters in, its answer out. Raises ValueError saying why there is none."""


@dataclass
class _QueryState:
    name: str
    kpi: Kpi
    spec: Spec
    next: int  # the first bin that is not known yet, by its number since the epoch
    tried: int = 0  # before which bin the last query ended
    samples: list[Sample] = field(default_factory=list)


class LogsSource(Paced):
    """Asks every KPI's query from `with` on until the block ends; `read` tells the bins that are known.

    Each line is scanned once. A query that fails or takes too long is stopped; it leaves a gap that is said once.
    So does a bin without a row, since no line is no number. Nothing is known of the time before.
    """

    def __init__(self, kpis: Mapping[str, Kpi], clock: Clock, say: Callable[[str], None], ask: CallLogs) -> None:
        self._clock = clock
        self._say = once(say)
        self._ask = ask
        self._lock = threading.Lock()
        self._asked = {
            name: _QueryState(name, kpi, kpi.reading.logs, floor(clock.now() / kpi.interval))
            for name, kpi in kpis.items()
            if kpi.reading.logs
        }
        super().__init__(
            Ticker(LOOK, clock, lambda _, name=name: self.look(name), f"logs-{name}")  # type: ignore[misc]
            for name in self._asked
        )

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> dict[str, Series]:
        """The bins of each KPI between two instants."""
        with self._lock:
            return {name: inside(tuple(one.samples), start, end) for name, one in self._asked.items() if name in kpis}

    def look(self, name: str) -> None:
        """Ask for a KPI's bins that are past their watermark, where there are any that were not asked for."""
        one = self._asked[name]
        length = one.kpi.interval
        last = floor((self._clock.now() - one.spec.late) / length + CLOSE)
        first = max(one.next, last - max(1, floor(AGAIN / length)))
        if last <= max(first, one.tried):
            return
        one.tried = last
        try:
            found = samples(one.kpi, self._answer(one.spec, first * length, last * length), first, last)
        except ValueError as error:
            self._gap(one, str(error))
            return
        if len(found) < last - first:
            self._gap(one, "a bin has no row with its numbers")
        with self._lock:
            one.samples += found
            one.next = last

    def _answer(self, spec: Spec, start: float, end: float) -> list[list[dict[str, str]]]:
        params = {"logGroupName": spec.group, "queryString": spec.query, "limit": MOST_ROWS}
        started = self._ask("start_query", {**params, "startTime": round(start), "endTime": round(end)})
        query = {"queryId": started["queryId"]}
        try:
            answer = self._wait(query, spec.timeout)
        except ValueError:
            # One that nobody waits for would go on for an hour, and the account may have 30 at once.
            with suppress(ValueError):
                self._ask("stop_query", query)
            raise
        if answer["status"] != "Complete":
            msg = f"its query ended as {answer['status']}"
            raise ValueError(msg)
        return list(answer["results"])

    def _wait(self, query: dict[str, str], timeout: float) -> Any:
        until = self._clock.now() + timeout
        while self._clock.now() < until:
            self._clock.sleep(min(POLL, until - self._clock.now()))
            answer = self._ask("get_query_results", query)
            if answer["status"] not in ("Scheduled", "Running"):
                return answer
        msg = f"its query was not done in {show_duration(timeout)}"
        raise ValueError(msg)

    def _gap(self, one: _QueryState, why: str) -> None:
        self._say(f"{one.name} has a gap: log group {one.spec.group}: {why}")


def samples(kpi: Kpi, rows: list[list[dict[str, str]]], first: int, last: int) -> Series:
    """The bins, by their numbers since the epoch from one to before the other, of which a row tells all numbers."""
    found: dict[int, Sample] = {}
    for row in rows:
        values = {cell["field"]: cell["value"] for cell in row if "value" in cell}
        start, numbers = _start(values), tuple(_numbers(values, kpi.columns))
        number = round((start or 0.0) / kpi.interval)
        if start == number * kpi.interval and first <= number < last and len(numbers) == len(kpi.columns):
            found[number] = _sample(kpi, start, numbers)
    return tuple(found[number] for number in sorted(found))


def _start(values: Mapping[str, str]) -> float | None:
    """When the bin of a row began: `2026-11-28 16:43:00.000`, in UTC, under the name of its function."""
    written = next((value for name, value in values.items() if name.startswith("bin(")), "")
    try:
        return datetime.fromisoformat(written).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _numbers(values: Mapping[str, str], columns: tuple[str, ...]) -> Iterator[float]:
    for name in columns:
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
