"""The values of CloudWatch's metrics by GetMetricData, and which of them could not be read.

Sources: Amazon CloudWatch API Reference, "GetMetricData" (500 queries a call; NextToken; StartTime inclusive, EndTime
exclusive, both rounded; Messages: only as much of the operation as possible was executed) and "MetricDataResult"
(StatusCode: only Complete has all values; InternalError asks to go on with NextToken, if there is one).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from math import ceil, floor
from typing import Any

from gameday.steady_state.kpi.source import FOREIGN, Unanswered
from gameday.steady_state.samples import CLOSE

QUERIES_A_CALL = 500

GetMetricData = Callable[[dict[str, Any], str | None], Any]
"""Calls GetMetricData in a region (None: the run's); times are in seconds since the epoch. Raises Unanswered."""
Points = dict[float, float]
"""Values by the start of their period, in seconds since the epoch."""

_MATH_ID = re.compile(r"\bm([1-9][0-9]*)\b")


@dataclass(frozen=True, slots=True)
class MetricName:
    """A metric: its namespace, its name and its dimensions."""

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A statistic of a metric, of the sum of several, or of an expression over them (m1 is the first)."""

    metrics: tuple[MetricName, ...]
    statistic: str
    period: float  # seconds
    expression: str = ""
    zero_if_missing: bool = False  # in a sum, a metric without a value counts as zero
    region: str | None = None  # None: the run's
    account: str | None = None  # None: the run's

    @property
    def about(self) -> str:
        """The query in words."""
        names = " + ".join(f"{metric.namespace}/{metric.metric}" for metric in self.metrics)
        where = f" of account {self.account}" if self.account else ""
        return names + where + (f" in {self.region}" if self.region else "")

    @property
    def size(self) -> int:
        """How many of the queries of a call it takes."""
        return len(self.metrics) + bool(self.expression)


@dataclass
class Answer:
    """What CloudWatch answered to queries: values, and why a query has none. What is not complete has no values."""

    values: dict[Query, Points] = field(default_factory=dict)
    unread: dict[Query, str] = field(default_factory=dict)  # empty: its whole call got no answer
    failures: list[str] = field(default_factory=list)  # why calls got none


@dataclass
class _Series:
    """What pages said of one metric or expression."""

    points: Points = field(default_factory=dict)
    status: str = ""
    messages: list[str] = field(default_factory=list)


def read_metrics(queries: Iterable[Query], start: float, until: float, call: GetMetricData) -> Answer:
    """Read the whole periods between two instants, in as few calls as regions, periods and their size allow."""
    answer = Answer()
    by_call = sorted(dict.fromkeys(queries), key=lambda query: (query.period, query.region or ""))
    for (period, region), alike in groupby(by_call, key=lambda query: (query.period, query.region)):
        first, last = ceil(start / period - CLOSE) * period, floor(until / period + CLOSE) * period
        if last <= first:
            answer.values |= {query: {} for query in alike}
            continue
        for chunk in _chunks(alike):
            _read(chunk, first, last, lambda params, at=region: call(params, at), answer)  # type: ignore[misc]
    return answer


def _chunks(queries: Iterable[Query]) -> Iterable[list[Query]]:
    chunk: list[Query] = []
    for query in queries:
        if chunk and sum(each.size for each in chunk) + query.size > QUERIES_A_CALL:
            yield chunk
            chunk = []
        chunk.append(query)
    yield chunk


def _read(
    queries: list[Query], start: float, end: float, call: Callable[[dict[str, Any]], Any], answer: Answer
) -> None:
    params: dict[str, Any] = {
        "MetricDataQueries": [part for index, query in enumerate(queries) for part in _parts(index, query)],
        "StartTime": start,
        "EndTime": end,
        "ScanBy": "TimestampAscending",
    }
    try:
        series, message = _all_pages(params, call)
    except (Unanswered, *FOREIGN) as error:
        what = "does not answer for metrics" if isinstance(error, Unanswered) else "answers with something else"
        why = str(error) if isinstance(error, Unanswered) else f"{type(error).__name__}: {error}"
        answer.failures.append(f"CloudWatch {what}: {why}")
        answer.unread |= dict.fromkeys(queries, "")
        return
    for index, query in enumerate(queries):
        found = [series.get(part["Id"], _Series(status="no result")) for part in _parts(index, query)]
        if why := message or next((_why(each) for each in found if each.status != "Complete"), ""):
            answer.unread[query] = why
        else:
            answer.values[query] = (
                found[-1].points if query.expression else _sum(query, [each.points for each in found])
            )


def _all_pages(params: dict[str, Any], call: Callable[[dict[str, Any]], Any]) -> tuple[dict[str, _Series], str]:
    """Return what all pages say, by id, and a message that is about the whole call."""
    series: dict[str, _Series] = {}
    messages: list[str] = []
    tokens: set[str] = set()
    while True:
        answer = call(params)
        messages += _texts(answer)
        for result in answer["MetricDataResults"]:
            known = series.setdefault(result["Id"], _Series())
            known.points |= {
                float(at): float(value) for at, value in zip(result["Timestamps"], result["Values"], strict=True)
            }
            known.status = result.get("StatusCode") or "no status"
            known.messages += _texts(result)
        token = answer.get("NextToken")
        if not token or token in tokens:  # the same token again would never end
            return series, "; ".join(messages)
        tokens.add(token)
        params = {**params, "NextToken": token}


def _texts(raw: Mapping[str, Any]) -> list[str]:
    return [str(message.get("Value") or message.get("Code")) for message in raw.get("Messages") or ()]


def _why(series: _Series) -> str:
    return ": ".join([series.status, *dict.fromkeys(series.messages)])


def _parts(index: int, query: Query) -> list[dict[str, Any]]:
    """The queries of a call that one of ours takes: q3, or q3m1, q3m2, and q3 for an expression over them."""
    alone = len(query.metrics) == 1 and not query.expression
    ids = [f"q{index}"] if alone else [f"q{index}m{number}" for number in range(1, len(query.metrics) + 1)]
    parts = [_metric_stat(id_, metric, query) for id_, metric in zip(ids, query.metrics, strict=True)]
    if query.expression:
        expression = _MATH_ID.sub(rf"q{index}m\1", query.expression)
        parts.append({"Id": f"q{index}", "Expression": expression, "ReturnData": True})
    return parts


def _metric_stat(id_: str, metric: MetricName, query: Query) -> dict[str, Any]:
    named = {
        "Namespace": metric.namespace,
        "MetricName": metric.metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
    }
    stat = {"Metric": named, "Period": int(query.period), "Stat": query.statistic}
    account = {"AccountId": query.account} if query.account else {}
    return {"Id": id_, "MetricStat": stat, "ReturnData": True, **account}


def _sum(query: Query, each: list[Points]) -> Points:
    """Sum metrics up; a period is left out where one has no value, unless that counts as zero."""
    if len(each) == 1:
        return each[0]
    periods = set().union(*each) if query.zero_if_missing else set(each[0]).intersection(*each[1:])
    return {at: sum(points.get(at, 0.0) for points in each) for at in sorted(periods)}
