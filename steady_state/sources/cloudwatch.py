"""KPIs from CloudWatch: the keys of the file, and the bins made of the metrics' values.

Source: Amazon CloudWatch User Guide, "CloudWatch statistics definitions": `PR(:300)` is the percentage, 0 to 100, of
values of 300 or less, https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import Kind, Reading, Source, SourceContext, SourceSpec
from gameday.steady_state.kpi.units import Period
from gameday.steady_state.samples import CLOSE, Sample, Series, reading_of, share_of
from gameday.steady_state.sources.metric_data import Answer, GetMetricData, MetricName, Points, Query, read_metrics
from gameday.steady_state.sources.metrics import Metrics
from gameday.steady_state.sources.remarks import Remarks
from pydantic import BeforeValidator, Field, model_validator

_FORMULA = re.compile(r"[A-Za-z0-9_.,+*/^<>=!&|() -]+")
_IDS = re.compile(r"\bm([1-9][0-9]*)\b")


def _no_percentile(raw: object) -> object:
    if isinstance(raw, str) and (match := re.fullmatch(r"p([0-9.]+)", raw)):
        msg = (
            f"percentiles cannot be averaged, so no KPI reads `statistic: {raw}`: write the metric as `latency`, with "
            f"a bound like `p{match[1]}: 300ms`"
        )
        raise ValueError(msg)
    return raw


Statistic = Annotated[Literal["Sum", "Average", "Minimum", "Maximum", "SampleCount"], BeforeValidator(_no_percentile)]


class CloudWatchSpec(SourceSpec):
    """A metric of CloudWatch, the sum of several, or an expression over them."""

    name: ClassVar[str] = "cloudwatch"
    title: ClassVar[str] = "CloudWatch"
    example: ClassVar[str] = "{cloudwatch: AWS/Lambda/Errors, dimensions: {FunctionName: orders}}"
    calls: ClassVar[tuple[str, ...]] = ("cloudwatch.get_metric_data",)
    has_past: ClassVar[bool] = True
    is_late: ClassVar[bool] = True
    on_twin: ClassVar[bool] = True

    cloudwatch: Metrics = Field(
        title="Namespace/MetricName",
        description="Namespace/MetricName, like AWS/Lambda/Errors; {namespace, metric} for a name with a slash; "
        "a list of metrics is summed",
    )
    expression: str | None = Field(
        None,
        min_length=1,
        max_length=1024,
        description="metric math over the list: m1 is its first metric, like `m1 / m2 * 100`; without it, the sum",
    )
    dimensions: dict[str, str] = Field(
        {}, description="all dimensions of the metric; without one, CloudWatch reads another metric"
    )
    statistic: Statistic = Field("Sum", description="of each period")
    period: Period = Field(60.0, gt=0, description="the metric's resolution: 1s, 5s, 10s, 20s, 30s or whole minutes")
    missing: Literal["unknown", "zero"] = Field(
        "unknown",
        description="zero: for a metric published only when nonzero; counts only where the denominator reported",
    )
    unit: Literal["s", "ms"] = Field("s", description="latency only: the metric's unit (AWS/Lambda Duration: ms)")
    region: str | None = Field(None, description="where the metric is, like us-east-1; by default the run's region")
    account: str | None = Field(
        None,
        pattern=r"^[0-9]{12}$",
        title="an account id: twelve digits",
        examples=["111122223333"],
        description="the account that has the metric, where the run's account monitors it; by default the run's own",
        json_schema_extra={"type": ["string", "integer"]},
    )

    @model_validator(mode="after")
    def _has_a_period_of_cloudwatch(self) -> CloudWatchSpec:
        if self.period not in (1, 5, 10, 20, 30) and self.period % 60:
            msg = "CloudWatch has periods of 1s, 5s, 10s, 20s, 30s and whole minutes"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _can_be_computed(self) -> CloudWatchSpec:
        if self.expression is None:
            if len(self.cloudwatch) > 1 and self.statistic not in ("Sum", "SampleCount"):
                msg = f"a list of metrics is summed, and a sum of `{self.statistic}` means nothing: add `expression:`"
                raise ValueError(msg)
            return self
        if not _FORMULA.fullmatch(self.expression) or "METRICS" in self.expression:
            msg = "`expression` is metric math over m1, m2, … without texts in quotes, SEARCH or METRICS"
            raise ValueError(msg)
        known, used = set(range(1, len(self.cloudwatch) + 1)), set(map(int, _IDS.findall(self.expression)))
        if strange := used - known:
            listed = f"m1 to m{len(known)}" if len(known) > 1 else "m1 alone"
            msg = f"`expression` names m{min(strange)}, and the metrics of `cloudwatch` are {listed}"
            raise ValueError(msg)
        if unused := known - used:
            msg = f"`expression` does not name m{min(unused)}, which is {self.cloudwatch[min(unused) - 1].name}"
            raise ValueError(msg)
        return self

    @property
    def interval(self) -> float:
        """Seconds between two readings."""
        return self.period

    @property
    def zero_if_missing(self) -> bool:
        """Whether a missing number counts as zero."""
        return self.missing == "zero"

    @property
    def unit_seconds(self) -> float:
        """Seconds in the metric's unit of latency."""
        return 0.001 if self.unit == "ms" else 1.0

    @property
    def where(self) -> str | None:
        """The region that it reads in; None: the run's region."""
        return self.region

    @property
    def metric_name(self) -> str:
        """The metric, as Namespace/MetricName; the namespace may hold slashes itself (AWS/Lambda)."""
        return self.cloudwatch[0].name if len(self.cloudwatch) == 1 else ""

    def misfit(self, kind: Kind) -> str | None:
        """Explain why a KPI of this kind cannot use it; None where it can."""
        if kind == "latency" and self.statistic != "Sum":
            return "latency takes no statistic: it counts the requests over the bound (percentiles cannot be averaged)"
        if kind == "latency" and (len(self.cloudwatch) > 1 or self.expression is not None):
            return "latency reads one metric: the shares of requests over a limit cannot be summed"
        return None

    @classmethod
    def open(cls, kpis: Mapping[str, Kpi], context: SourceContext) -> AbstractContextManager[Source]:
        """Open the source of these KPIs."""
        del kpis

        def get_metric_data(params: dict[str, Any], region: str | None) -> Any:
            return context.call("cloudwatch.get_metric_data", params, region=region)

        return nullcontext(CloudWatchSource(get_metric_data))


class CloudWatchSource:
    """Read KPIs with `get_metric_data`.

    A bin may still change for some minutes; another read shows that. What CloudWatch did not read whole is a gap.
    """

    def __init__(self, get_metric_data: GetMetricData) -> None:
        self._get_metric_data = get_metric_data
        self._remarks = Remarks()

    def read(self, kpis: Mapping[str, Kpi], start: float, end: float) -> Reading:
        """Read the complete bins of each KPI; `end` is now, or an instant before it."""
        queries = {name: _queries(kpi) for name, kpi in kpis.items()}
        answer = read_metrics((query for some in queries.values() for query in some), start, end, self._get_metric_data)
        for failure in answer.failures:
            self._remarks.add(failure)
        samples = {}
        for name, kpi in kpis.items():
            if unread := [query for query in queries[name] if query in answer.unread]:
                self._remark(name, unread[0], answer)
            else:
                samples[name] = _bins(kpi, [answer.values[query] for query in queries[name]], start, end)
        return Reading(samples, self._remarks.take())

    def _remark(self, name: str, query: Query, answer: Answer) -> None:
        if not (why := answer.unread[query]):
            return
        remedy = "; allow Gameday `cloudwatch:GetMetricData` there" if why.startswith("Forbidden") else ""
        self._remarks.add(f"{name} has a gap: CloudWatch did not read {query.about} whole: {why}{remedy}")


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
    def name(namespace: str, metric: str, dimensions: Mapping[str, str]) -> MetricName:
        return MetricName(namespace, metric, tuple(sorted(dimensions.items())))

    return Query(
        metrics=tuple(
            name(each.namespace, each.metric, spec.dimensions if each.dimensions is None else each.dimensions)
            for each in spec.cloudwatch
        ),
        statistic=statistic or spec.statistic,
        period=spec.period,
        expression=spec.expression or "",
        zero_if_missing=spec.zero_if_missing,
        region=spec.region,
        account=spec.account,
    )


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
