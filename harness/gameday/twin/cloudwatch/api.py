"""The twin's CloudWatch API: metrics from its own store, and the history of alarms.

moto's CloudWatch has no percentiles, and mixes namespaces and dimensions. Source: CloudWatch API Reference,
GetMetricData, GetMetricStatistics, PutMetricData.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.utils import parse_to_aware_datetime

from gameday.twin.cloudwatch.alarms import AlarmController
from gameday.twin.cloudwatch.metric_math import ids_of, parse_expression, value_of
from gameday.twin.cloudwatch.store import MetricStore
from gameday.twin.moto.seal import ReceivedCall, Rejected
from gameday.twin.timetable import Timetable

Points = list[tuple[float, float]]
"""(start of a period, value), oldest first."""

_META = {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}


class Monitoring:
    """Answer CloudWatch's calls about metrics and about the history of alarms."""

    def __init__(self, alarms: AlarmController, store: MetricStore, time: Timetable) -> None:
        self._store = store
        self._time = time
        self._answers: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "GetMetricData": self._get_metric_data,
            "GetMetricStatistics": self._get_metric_statistics,
            "PutMetricData": self._put_metric_data,
            "DescribeAlarmHistory": alarms.history,
        }

    def answer(self, call: ReceivedCall) -> dict[str, Any] | None:
        """Answer a call about metrics or the history of alarms; None for any other. Raises Rejected."""
        by_name = self._answers.get(call.operation) if call.service == "cloudwatch" else None
        return None if by_name is None else {**by_name(call.params), "ResponseMetadata": _META}

    def _get_metric_data(self, params: Mapping[str, Any]) -> dict[str, Any]:
        start, end = _seconds(params["StartTime"]), _seconds(params["EndTime"])
        oldest_first = params.get("ScanBy") == "TimestampAscending"
        results = []
        by_id: dict[str, Points] = {}
        for query in params["MetricDataQueries"]:
            if stat := query.get("MetricStat"):
                by_id[query["Id"]] = self._points(stat["Metric"], stat["Stat"], stat["Period"], start, end)
        for query in params["MetricDataQueries"]:
            points = by_id[query["Id"]] if "MetricStat" in query else _computed(query, by_id)
            if query.get("ReturnData", True):
                ordered = points if oldest_first else points[::-1]
                metric = query.get("MetricStat", {}).get("Metric", {})
                results.append(
                    {
                        "Id": query["Id"],
                        "Label": query.get("Label", metric.get("MetricName", query["Id"])),
                        "Timestamps": [datetime.fromtimestamp(at, UTC) for at, _ in ordered],
                        "Values": [value for _, value in ordered],
                        "StatusCode": "Complete",
                    }
                )
        return {"MetricDataResults": results, "Messages": []}

    def _get_metric_statistics(self, params: Mapping[str, Any]) -> dict[str, Any]:
        start, end = _seconds(params["StartTime"]), _seconds(params["EndTime"])
        points: dict[float, dict[str, Any]] = {}
        for name in (*params.get("Statistics", ()), *params.get("ExtendedStatistics", ())):
            for at, value in self._points(params, name, params["Period"], start, end):
                point = points.setdefault(at, {"Timestamp": datetime.fromtimestamp(at, UTC)})
                extended = name in params.get("ExtendedStatistics", ())
                (point.setdefault("ExtendedStatistics", {}) if extended else point)[name] = value
        return {"Label": params["MetricName"], "Datapoints": [points[at] for at in sorted(points)]}

    def _points(self, metric: Mapping[str, Any], statistic: str, period: int, start: float, end: float) -> Points:
        dimensions = _dimensions(metric)
        try:
            return self._store.statistics(
                metric["Namespace"], metric["MetricName"], dimensions, statistic, int(period), start, end
            )
        except ValueError as error:
            raise Rejected("ValidationError", str(error)) from error

    def _put_metric_data(self, params: Mapping[str, Any]) -> dict[str, Any]:
        for datum in params.get("MetricData", ()):
            if "StatisticValues" in datum:
                raise Rejected("InvalidParameterCombination", "the twin keeps values, not StatisticValues")
            at = _seconds(datum["Timestamp"]) if "Timestamp" in datum else self._time.now
            values = datum.get("Values", [datum["Value"]] if "Value" in datum else [])
            counts = datum.get("Counts", [1] * len(values))
            series = self._store.series(params["Namespace"], datum["MetricName"], _dimensions(datum))
            series.add(int(at), [v for value, count in zip(values, counts, strict=True) for v in [value] * int(count)])
        return {}


def _computed(query: Mapping[str, Any], by_id: Mapping[str, Points]) -> Points:
    """Compute an expression over metrics, in the periods where all of them have a value. Raises Rejected."""
    try:
        expression = parse_expression(query["Expression"])
    except ValueError as error:
        raise Rejected("ValidationError", str(error)) from error
    used = ids_of(expression)
    if missing := used - by_id.keys():
        raise Rejected("ValidationError", f"the expression names {min(missing)}, which is the id of no metric")
    values = {name: dict(by_id[name]) for name in used}
    times = sorted({at for points in values.values() for at in points})
    computed = ((at, value_of(expression, {name: values[name].get(at) for name in used})) for at in times)
    return [(at, value) for at, value in computed if value is not None]


def _dimensions(raw: Mapping[str, Any]) -> dict[str, str]:
    return {dimension["Name"]: dimension["Value"] for dimension in raw.get("Dimensions", ())}


def _seconds(raw: Any) -> float:
    return float(parse_to_aware_datetime(raw).timestamp())
