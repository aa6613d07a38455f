"""KPIs from CloudWatch, through GetMetricData: 500 metrics a call, page by page.

Sources: Amazon CloudWatch API Reference, "GetMetricData" (500 queries a call; NextToken; StartTime inclusive, EndTime
exclusive, both rounded) and User Guide, "CloudWatch statistics definitions": `PR(:300)` is the percentage, 0 to 100, of
values of 300 or less, https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Any

from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.reading import SourceSpec
from gameday.steady_state.samples import CLOSE, Sample, Series, reading_of, share_of

QUERIES_A_CALL = 500

Points = dict[float, float]
"""Values by the start of their period, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Query:
    """One statistic of one metric."""

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    period: float


class CloudWatchSource:
    """Reads KPIs with `get_metric_data`: the operation's parameters in, its parsed answer out.

    Times stand in both as seconds since the epoch. `lag`: how long CloudWatch is given before a bin is read at all; a
    bin may still change for some minutes, which reading it again shows.
    """

    def __init__(self, get_metric_data: Callable[[dict[str, Any]], Any], lag: float) -> None:
        self._get_metric_data = get_metric_data
        self._lag = lag

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> dict[str, Series]:
        """The complete bins of each KPI; `end` is now, or an instant before it."""
        until = end - self._lag
        queries = {name: _queries(kpi) for name, kpi in kpis.items()}
        values = self._values(dict.fromkeys(query for asked in queries.values() for query in asked), start, until)
        return {
            name: _bins(kpi, [values[query] for query in queries[name]], start, until) for name, kpi in kpis.items()
        }

    def _values(self, queries: Iterable[Query], start: float, until: float) -> dict[Query, Points]:
        found: dict[Query, Points] = {}
        by_period: dict[float, list[Query]] = {}
        for query in queries:
            found[query] = {}
            by_period.setdefault(query.period, []).append(query)
        for period, asked in by_period.items():
            first, last = ceil(start / period - CLOSE) * period, floor(until / period + CLOSE) * period
            for position in range(0, len(asked) if last > first else 0, QUERIES_A_CALL):
                some = asked[position : position + QUERIES_A_CALL]
                for index, at, value in self._call(some, first, last):
                    found[some[index]][at] = value
        return found

    def _call(self, queries: list[Query], start: float, end: float) -> Iterator[tuple[int, float, float]]:
        params: dict[str, Any] = {
            "MetricDataQueries": [_written(index, query) for index, query in enumerate(queries)],
            "StartTime": start,
            "EndTime": end,
            "ScanBy": "TimestampAscending",
        }
        while True:
            answer = self._get_metric_data(params)
            for result in answer["MetricDataResults"]:
                for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                    yield int(result["Id"].removeprefix("q")), float(at), float(value)
            if not answer.get("NextToken"):
                return
            params = {**params, "NextToken": answer["NextToken"]}


def _written(index: int, query: Query) -> dict[str, Any]:
    metric = {
        "Namespace": query.namespace,
        "MetricName": query.metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in query.dimensions],
    }
    stat = {"Metric": metric, "Period": int(query.period), "Stat": query.statistic}
    return {"Id": f"q{index}", "MetricStat": stat, "ReturnData": True}


def _queries(kpi: Kpi) -> tuple[Query, ...]:
    """What to ask: (bad, total), (rank, ranks of other limits …, count), (events[, offered]) or (reading,)."""
    if kpi.ratio and kpi.ratio.bad:
        return _query(kpi.ratio.bad), _query(kpi.ratio.total)
    if kpi.latency and kpi.bound.quantile:
        ranks = (_rank(limit, kpi.latency) for limit in (kpi.bound.quantile[1], *kpi.other_limits))
        return tuple(_query(kpi.latency, statistic) for statistic in (*ranks, "SampleCount"))
    return tuple(_query(reading) for reading in (kpi.rate or kpi.gauge, kpi.per) if reading)


def _rank(limit: float, reading: SourceSpec) -> str:
    return f"PR(:{limit * (1000 if reading.unit == 'ms' else 1):.9f}".rstrip("0").rstrip(".") + ")"


def _query(reading: SourceSpec, statistic: str | None = None) -> Query:
    dimensions = tuple(sorted(reading.dimensions.items()))
    return Query(reading.namespace, reading.metric, dimensions, statistic or reading.statistic, reading.period)


def _bins(kpi: Kpi, values: list[Points], start: float, until: float) -> Series:
    length = kpi.interval
    within = (at for at in sorted(values[-1]) if at >= start - CLOSE and at + length <= until + CLOSE)
    bins = (_bin(kpi, at, length, [of.get(at) for of in values]) for at in within)
    return tuple(one for one in bins if one is not None)


def _bin(kpi: Kpi, at: float, length: float, values: list[float | None]) -> Sample | None:
    """One bin; the last of `values` is there. None, a gap, where one that is needed is not."""
    last = values[-1]
    first = values[0]
    if last is None:
        return None
    if kpi.latency:
        slow = [None if rank is None else float(round(last * (100 - rank) / 100)) for rank in values[:-1]]
        found = _share(at, length, last, slow[0])
        others = zip(kpi.other_limits, slow[1:], strict=True)
        return found and replace(found, over=tuple((limit, count) for limit, count in others if count is not None))
    if kpi.ratio:
        return _share(at, length, last, 0.0 if first is None and _zero(kpi.ratio.bad) else first)
    if kpi.gauge:
        return reading_of(at, length, last, kpi.bound.admits(last))
    if kpi.per is None:
        return Sample(at, length, last, 0.0, last / length)
    came = 0.0 if first is None and _zero(kpi.rate) else first
    return None if came is None else Sample(at, length, last, max(0.0, last - came), came / length)


def _zero(reading: SourceSpec | None) -> bool:
    return reading is not None and reading.missing == "zero"


def _share(at: float, length: float, total: float, bad: float | None) -> Sample | None:
    return None if bad is None and total else share_of(at, length, total, bad or 0.0)
