"""KPIs from CloudWatch: the keys of the file, and the reading by GetMetricData, 500 metrics a call.

Sources: Amazon CloudWatch API Reference, "GetMetricData" (500 queries a call; NextToken; StartTime inclusive, EndTime
exclusive, both rounded) and User Guide, "CloudWatch statistics definitions": `PR(:300)` is the percentage, 0 to 100, of
values of 300 or less, https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Any, ClassVar, Literal

from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import FOREIGN, Kind, Reading, Source, SourceContext, SourceSpec, Unanswered
from gameday.steady_state.kpi.units import Period
from gameday.steady_state.samples import CLOSE, Sample, Series, reading_of, share_of
from gameday.steady_state.sources.remarks import Remarks
from pydantic import Field, model_validator

QUERIES_A_CALL = 500

LAG = 60.0
"""Seconds after the end of a bin before its first read: CloudWatch publishes late."""


class CloudWatchSpec(SourceSpec):
    """A metric of CloudWatch."""

    name: ClassVar[str] = "cloudwatch"
    title: ClassVar[str] = "CloudWatch"
    example: ClassVar[str] = "{cloudwatch: AWS/Lambda/Errors, dimensions: {FunctionName: orders}}"
    calls: ClassVar[tuple[str, ...]] = ("cloudwatch.get_metric_data",)
    has_past: ClassVar[bool] = True
    on_twin: ClassVar[bool] = True

    cloudwatch: str = Field(
        pattern=r"^[^/].*/[^/]+$",
        title="Namespace/MetricName",
        description="Namespace/MetricName, like AWS/Lambda/Errors",
        examples=["AWS/Lambda/Errors"],
    )
    dimensions: dict[str, str] = Field(
        {}, description="all dimensions of the metric; without one, CloudWatch reads another metric"
    )
    statistic: Literal["Sum", "Average", "Minimum", "Maximum", "SampleCount"] = Field(
        "Sum", description="of each period"
    )
    period: Period = Field(60.0, gt=0, description="the metric's resolution: 1s, 5s, 10s, 20s, 30s or whole minutes")
    missing: Literal["unknown", "zero"] = Field(
        "unknown",
        description="zero: for a metric published only when nonzero; counts only where the denominator reported",
    )
    unit: Literal["s", "ms"] = Field("s", description="latency only: the metric's unit (AWS/Lambda Duration: ms)")

    @model_validator(mode="after")
    def _has_a_period_of_cloudwatch(self) -> CloudWatchSpec:
        if self.period not in (1, 5, 10, 20, 30) and self.period % 60:
            msg = "CloudWatch has periods of 1s, 5s, 10s, 20s, 30s and whole minutes"
            raise ValueError(msg)
        return self

    @property
    def interval(self) -> float:
        """Seconds between two readings."""
        return self.period

    @property
    def lag(self) -> float:
        """Seconds from the end of a bin to its first read."""
        return LAG

    @property
    def zero_if_missing(self) -> bool:
        """Whether a missing number counts as zero."""
        return self.missing == "zero"

    @property
    def unit_seconds(self) -> float:
        """Seconds in the metric's unit of latency."""
        return 0.001 if self.unit == "ms" else 1.0

    @property
    def metric_name(self) -> str:
        """The metric, as Namespace/MetricName; the namespace may hold slashes itself (AWS/Lambda)."""
        return self.cloudwatch

    def misfit(self, kind: Kind) -> str | None:
        """Explain why a KPI of this kind cannot use it; None where it can."""
        if kind == "latency" and self.statistic != "Sum":
            return "latency takes no statistic: it counts the requests over the bound (percentiles cannot be averaged)"
        return None

    @classmethod
    def open(cls, kpis: Mapping[str, Kpi], context: SourceContext) -> AbstractContextManager[Source]:
        """Open the source of these KPIs."""
        del kpis

        def get_metric_data(params: dict[str, Any]) -> Any:
            return context.call("cloudwatch.get_metric_data", params)

        return nullcontext(CloudWatchSource(get_metric_data, 0.0 if context.on_twin else LAG))


Points = dict[float, float]
"""Values by the start of their period, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Query:
    """A statistic of a metric."""

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    period: float


class CloudWatchSource:
    """Read KPIs with `get_metric_data`, which takes the operation's parameters and returns its parsed answer.

    Both have times in seconds since the epoch. `lag`: seconds after the end of a bin before its first read. A bin may
    still change for some minutes; another read shows that. A call without an answer leaves a gap.
    """

    def __init__(self, get_metric_data: Callable[[dict[str, Any]], Any], lag: float) -> None:
        self._get_metric_data = get_metric_data
        self._lag = lag
        self._remarks = Remarks()

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """Read the complete bins of each KPI; `end` is now, or an instant before it."""
        until = end - self._lag
        queries = {name: _queries(kpi) for name, kpi in kpis.items()}
        distinct = dict.fromkeys(query for some in queries.values() for query in some)
        try:
            values = self._values(distinct, start, until)
        except Unanswered as error:
            self._remarks.add(f"CloudWatch does not answer for metrics: {error}")
            return Reading({}, self._remarks.take())
        except FOREIGN as error:
            self._remarks.add(f"CloudWatch answers with something else than metrics: {type(error).__name__}: {error}")
            return Reading({}, self._remarks.take())
        samples = {
            name: _bins(kpi, [values[query] for query in queries[name]], start, until) for name, kpi in kpis.items()
        }
        return Reading(samples)

    def _values(self, queries: Iterable[Query], start: float, until: float) -> dict[Query, Points]:
        values: dict[Query, Points] = {}
        by_period: dict[float, list[Query]] = {}
        for query in queries:
            values[query] = {}
            by_period.setdefault(query.period, []).append(query)
        for period, group in by_period.items():
            first, last = ceil(start / period - CLOSE) * period, floor(until / period + CLOSE) * period
            for position in range(0, len(group) if last > first else 0, QUERIES_A_CALL):
                some = group[position : position + QUERIES_A_CALL]
                for index, at, value in self._call(some, first, last):
                    values[some[index]][at] = value
        return values

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
    """List a KPI's queries: (bad, total), (rank, ranks of other limits …, count), (events[, offered]) or (reading,)."""
    latency = kpi.latency
    if isinstance(latency, CloudWatchSpec) and kpi.bound.quantile:
        ranks = (_rank(limit, latency) for limit in (kpi.bound.quantile[1], *kpi.other_limits))
        return tuple(_query(latency, statistic) for statistic in (*ranks, "SampleCount"))
    read = (kpi.ratio.bad, kpi.ratio.total) if kpi.ratio else (kpi.rate or kpi.gauge, kpi.per)
    return tuple(_query(spec) for spec in read if isinstance(spec, CloudWatchSpec))


def _rank(limit: float, spec: CloudWatchSpec) -> str:
    return f"PR(:{limit * (1000 if spec.unit == 'ms' else 1):.9f}".rstrip("0").rstrip(".") + ")"


def _query(spec: CloudWatchSpec, statistic: str | None = None) -> Query:
    namespace, _, metric = spec.cloudwatch.rpartition("/")
    dimensions = tuple(sorted(spec.dimensions.items()))
    return Query(namespace, metric, dimensions, statistic or spec.statistic, spec.period)


def _bins(kpi: Kpi, values: list[Points], start: float, until: float) -> Series:
    length = kpi.interval
    within = (at for at in sorted(values[-1]) if at >= start - CLOSE and at + length <= until + CLOSE)
    bins = (_bin(kpi, at, length, [points.get(at) for points in values]) for at in within)
    return tuple(sample for sample in bins if sample is not None)


def _bin(kpi: Kpi, at: float, length: float, values: list[float | None]) -> Sample | None:
    """Make a bin from the values of a KPI's queries; None, a gap, where a needed value is missing."""
    last = values[-1]
    first = values[0]
    if last is None:
        return None
    if kpi.latency:
        slow = [None if rank is None else float(round(last * (100 - rank) / 100)) for rank in values[:-1]]
        sample = _share(at, length, last, slow[0])
        others = zip(kpi.other_limits, slow[1:], strict=True)
        return sample and replace(sample, over=tuple((limit, count) for limit, count in others if count is not None))
    if kpi.ratio:
        return _share(at, length, last, 0.0 if first is None and _zero(kpi.ratio.bad) else first)
    if kpi.gauge:
        return reading_of(at, length, last, kpi.bound.admits(last))
    if kpi.per is None:
        return Sample(at, length, last, 0.0, last / length)
    came = 0.0 if first is None and _zero(kpi.rate) else first
    return None if came is None else Sample(at, length, last, max(0.0, last - came), came / length)


def _zero(spec: SourceSpec | None) -> bool:
    return spec is not None and spec.zero_if_missing


def _share(at: float, length: float, total: float, bad: float | None) -> Sample | None:
    return None if bad is None and total else share_of(at, length, total, bad or 0.0)
