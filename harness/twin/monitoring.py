"""The twin's CloudWatch: metrics from a store of its own, and alarms that are evaluated.

moto's has no percentiles, mixes namespaces and dimensions, and never evaluates an alarm; it keeps the alarms here.
Metrics and alarms as in the CloudWatch API Reference (GetMetricData, GetMetricStatistics, PutMetricData).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import inf, nextafter
from typing import Any

from botocore.utils import parse_to_aware_datetime

from harness.spec.twin_file import TwinAlarm, TwinFile
from harness.twin.machines import Moto
from harness.twin.metrics import MetricStore, alarm_state
from harness.twin.seal import Asked, Rejected
from harness.twin.timetable import Timetable

HIGH_RESOLUTION = 10
"""Seconds between evaluations of alarms with periods under a minute; all others are evaluated once a minute."""

_META = {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}


class Monitoring:
    """Answers CloudWatch's calls about metrics, and keeps the alarms of moto's backend up to date."""

    def __init__(self, cloudwatch: Moto, store: MetricStore, time: Timetable) -> None:
        self._cloudwatch = cloudwatch
        self._store = store
        self._time = time
        self._read: dict[str, tuple[Moto, TwinAlarm]] = {}
        self._answers: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "GetMetricData": self._get_metric_data,
            "GetMetricStatistics": self._get_metric_statistics,
            "PutMetricData": self._put_metric_data,
        }
        time.every(HIGH_RESOLUTION, self._evaluate)

    def answer(self, asked: Asked) -> dict[str, Any] | None:
        """The answer to a call about metrics; None to any other. Raises Rejected."""
        by_name = self._answers.get(asked.operation) if asked.service == "cloudwatch" else None
        return None if by_name is None else {**by_name(asked.params), "ResponseMetadata": _META}

    def _get_metric_data(self, params: Mapping[str, Any]) -> dict[str, Any]:
        start, end = _seconds(params["StartTime"]), _seconds(params["EndTime"])
        oldest_first = params.get("ScanBy") == "TimestampAscending"
        results = []
        for query in params["MetricDataQueries"]:
            if "MetricStat" not in query:
                raise Rejected("ValidationError", "the twin evaluates no metric math: ask for a MetricStat")
            stat = query["MetricStat"]
            found = self._points(stat["Metric"], stat["Stat"], stat["Period"], start, end)
            if query.get("ReturnData", True):
                ordered = found if oldest_first else found[::-1]
                results.append(
                    {
                        "Id": query["Id"],
                        "Label": query.get("Label", stat["Metric"].get("MetricName", "")),
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

    def _points(
        self, metric: Mapping[str, Any], statistic: str, period: int, start: float, end: float
    ) -> list[tuple[float, float]]:
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

    # --- alarms -----------------------------------------------------------------------------------------------------

    def _evaluate(self) -> None:
        for name, alarm in self._cloudwatch.alarms.items():
            known = self._read.get(name)
            if known is None or known[0] is not alarm:
                known = self._read[name] = alarm, _read(alarm)
                alarm.state_value = "INSUFFICIENT_DATA"  # in AWS a new alarm starts here; moto's starts as OK
            if known[1].metric == "/" or (known[1].period >= 60 and self._time.now % 60):
                continue
            state = alarm_state(known[1], self._store, self._time.now, alarm.state_value)
            if state != alarm.state_value:
                alarm.update_state(f"evaluated by the twin: {state}", "{}", state)


def put_alarms(twin: TwinFile, cloudwatch: Any) -> None:
    """Make the alarms of a twin file by the calls that make them in AWS."""
    for name, alarm in twin.alarms.items():
        namespace, _, metric = alarm.metric.rpartition("/")
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": key, "Value": value} for key, value in alarm.dimensions.items()],
            Statistic=alarm.statistic,
            Period=int(alarm.period),
            ComparisonOperator="LessThanThreshold" if alarm.above is None else "GreaterThanThreshold",
            Threshold=alarm.below if alarm.above is None else alarm.above,
            EvaluationPeriods=alarm.of,
            DatapointsToAlarm=alarm.points,
            TreatMissingData=alarm.missing,
        )


def _read(alarm: Moto) -> TwinAlarm:
    """An alarm as the account has it; "at least 5" is "above the number just below 5". Metric math has no metric."""
    above = alarm.comparison_operator.startswith("Greater")
    threshold = float(alarm.threshold or 0)
    if "OrEqual" in alarm.comparison_operator:
        threshold = nextafter(threshold, -inf if above else inf)
    return TwinAlarm.model_construct(
        metric=f"{alarm.namespace or ''}/{alarm.metric_name or ''}",
        dimensions={one.name: one.value for one in alarm.dimensions},
        statistic=alarm.statistic or alarm.extended_statistic or "Sum",
        period=float(alarm.period or 60),
        above=threshold if above else None,
        below=None if above else threshold,
        points=int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        of=int(alarm.evaluation_periods),
        missing=alarm.treat_missing_data or "missing",
    )


def _dimensions(raw: Mapping[str, Any]) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in raw.get("Dimensions", ())}


def _seconds(raw: Any) -> float:
    return float(parse_to_aware_datetime(raw).timestamp())
