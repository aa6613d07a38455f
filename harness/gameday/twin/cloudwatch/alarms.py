"""The alarms of the twin's CloudWatch: moto stores them, and the twin evaluates them and keeps their history."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from botocore.utils import parse_to_aware_datetime

from gameday.files.twin_file import Side, TwinAlarm, TwinFile
from gameday.twin.cloudwatch.alarm_rule import COMPARISONS, HIGH_RESOLUTION, STANDARD, alarm_state, rule_of
from gameday.twin.cloudwatch.metric_math import ids_of, parse_expression
from gameday.twin.cloudwatch.statistic import parse_statistic
from gameday.twin.cloudwatch.store import MetricStore
from gameday.twin.moto.objects import Moto
from gameday.twin.moto.seal import ReceivedCall, Rejected
from gameday.twin.timetable import Timetable

DAY = 86400


class AlarmController:
    """Evaluate the alarms of moto's backend on time, and answer for their history."""

    def __init__(self, cloudwatch: Moto, store: MetricStore, time: Timetable) -> None:
        self._cloudwatch = cloudwatch
        self._store = store
        self._time = time
        self._known: dict[str, Moto] = {}
        time.every(HIGH_RESOLUTION, self._evaluate)

    def check(self, call: ReceivedCall) -> None:
        """Raise Rejected for an alarm that AWS would reject, or that the twin cannot evaluate."""
        if call.operation == "PutCompositeAlarm":
            raise Rejected("ValidationError", "the twin evaluates no composite alarm: put an alarm on one metric")
        if call.operation != "PutMetricAlarm":
            return
        if mistake := next(_mistakes(call.params), None):
            raise Rejected("ValidationError", mistake)

    def look(self) -> None:
        """Correct the states of new alarms.

        A new alarm has no state yet, but moto sets OK. An alarm that is put again keeps its state (PutMetricAlarm).
        """
        alarms = self._cloudwatch.alarms
        for name, alarm in alarms.items():
            known = self._known.get(name)
            if known is None:
                alarm.state_value = "INSUFFICIENT_DATA"
            elif known is not alarm:
                for field in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history"):
                    setattr(alarm, field, getattr(known, field))
        self._known = dict(alarms)

    def history(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Answer DescribeAlarmHistory with changes of state only: the twin's alarms have no actions."""
        if params.get("HistoryItemType", "StateUpdate") != "StateUpdate":
            return {"AlarmHistoryItems": []}
        start, end = (
            parse_to_aware_datetime(params[key]) if key in params else None for key in ("StartDate", "EndDate")
        )
        items = [
            item
            for name, alarm in self._cloudwatch.alarms.items()
            if params.get("AlarmName", name) == name
            for item in _changes(alarm)
            if (start is None or item["Timestamp"] >= start) and (end is None or item["Timestamp"] <= end)
        ]
        oldest_first = params.get("ScanBy") == "TimestampAscending"
        items.sort(key=lambda item: item["Timestamp"], reverse=not oldest_first)
        return {"AlarmHistoryItems": items[: params.get("MaxRecords")]}

    def _evaluate(self) -> None:
        for alarm in self._cloudwatch.alarms.values():
            rule = rule_of(alarm)
            if self._time.now % rule.every:
                continue
            state = alarm_state(rule, self._store, self._time.now, alarm.state_value)
            if state != alarm.state_value:
                alarm.update_state(f"evaluated by the twin: {state}", "{}", state)


def put_alarms(twin: TwinFile, cloudwatch: Any) -> None:
    """Create the alarms of a twin file with the calls that create them in AWS."""
    for name, alarm in twin.alarms.items():
        side, threshold = alarm.fires
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            **(_one_metric(alarm) if alarm.expression is None else {"Metrics": list(_math(alarm, alarm.expression))}),
            ComparisonOperator=_COMPARISONS[side],
            Threshold=threshold,
            EvaluationPeriods=alarm.of,
            DatapointsToAlarm=alarm.points,
            TreatMissingData=alarm.missing,
        )


_COMPARISONS: Mapping[Side, str] = {
    "below": "LessThanThreshold",
    "at_or_below": "LessThanOrEqualToThreshold",
    "above": "GreaterThanThreshold",
    "at_or_above": "GreaterThanOrEqualToThreshold",
}


def _metric(name: str, alarm: TwinAlarm) -> dict[str, Any]:
    namespace, _, metric = name.rpartition("/")
    dimensions = [{"Name": key, "Value": value} for key, value in alarm.dimensions.items()]
    return {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}


def _one_metric(alarm: TwinAlarm) -> dict[str, Any]:
    kind = "ExtendedStatistic" if alarm.statistic.startswith("p") else "Statistic"
    return {**_metric(alarm.metric[0], alarm), kind: alarm.statistic, "Period": int(alarm.period)}


def _math(alarm: TwinAlarm, expression: str) -> Iterator[dict[str, Any]]:
    """Yield the queries of an alarm on metric math: m1 is the first metric, and the expression is what it watches."""
    for number, name in enumerate(alarm.metric, 1):
        stat = {"Metric": _metric(name, alarm), "Period": int(alarm.period), "Stat": alarm.statistic}
        yield {"Id": f"m{number}", "MetricStat": stat, "ReturnData": False}
    yield {"Id": "watched", "Expression": expression, "ReturnData": True}


def _mistakes(params: Mapping[str, Any]) -> Iterator[str]:
    """Find what AWS would reject in an alarm (CloudWatch API Reference, PutMetricAlarm), and what the twin lacks."""
    if any(params.get(key) for key in ("ThresholdMetricId", "EvaluationCriteria")):
        yield "the twin evaluates no anomaly detection or queries: put the alarm on a metric, or on metric math"
        return
    queries = params.get("Metrics") or []
    stats = [query["MetricStat"] for query in queries if "MetricStat" in query]
    if queries and (len({stat["Period"] for stat in stats}) != 1 or len(queries) - len(stats) != 1):
        yield "the twin evaluates an alarm on one expression over metrics of one period"
        return
    if "WallClockWindow" in params.get("EvaluationWindow", {}):
        yield "the twin evaluates alarms in sliding windows only"
    needed = ("Threshold",) if queries else ("Namespace", "MetricName", "Period", "Threshold")
    if missing := [key for key in needed if params.get(key) is None]:
        yield f"an alarm needs {', '.join(missing)}"
        return
    if params["ComparisonOperator"] not in COMPARISONS:
        yield f"the twin compares with a threshold only, not {params['ComparisonOperator']}"
    period = stats[0]["Period"] if stats else params["Period"]
    if period not in (10, 20, 30) and (period % STANDARD or not period):
        yield f"Period {period} is not 10, 20, 30 or a multiple of 60"
    of, points = params["EvaluationPeriods"], params.get("DatapointsToAlarm")
    if points is not None and not 1 <= points <= of:
        yield f"DatapointsToAlarm {points} is not between 1 and EvaluationPeriods, {of}"
    if of * period > DAY:
        yield "the twin evaluates alarms over at most a day"
    try:
        _must_compute(params, queries)
    except ValueError as error:
        yield str(error)


def _must_compute(params: Mapping[str, Any], queries: list[dict[str, Any]]) -> None:
    """Raise ValueError for statistics and metric math that the twin does not compute."""
    if not queries:
        parse_statistic(params.get("Statistic") or params.get("ExtendedStatistic") or "")
    for query in queries:
        if "MetricStat" in query:
            parse_statistic(query["MetricStat"]["Stat"])
        elif unknown := ids_of(parse_expression(query["Expression"])) - {each["Id"] for each in queries}:
            msg = f"the expression names {min(unknown)}, which is the id of no metric"
            raise ValueError(msg)


def _changes(alarm: Moto) -> Iterator[dict[str, Any]]:
    """List the changes of an alarm's state, oldest first: moto's history holds each state that the alarm left."""
    states = [(state, reason, at) for _, reason, _, state, at in alarm.history]
    states.append((alarm.state_value, alarm.state_reason, alarm.state_updated_timestamp))
    for (old, _, _), (new, reason, at) in pairwise(states):
        if old != new:
            data = {
                "version": "1.0",
                "oldState": {"stateValue": old},
                "newState": {"stateValue": new, "stateReason": reason},
            }
            yield {
                "AlarmName": alarm.name,
                "AlarmType": "MetricAlarm",
                "Timestamp": _aware(at),
                "HistoryItemType": "StateUpdate",
                "HistorySummary": f"Alarm updated from {old} to {new}",
                "HistoryData": json.dumps(data),
            }


def _aware(raw: Any) -> datetime:
    """Parse a time of boto3 or moto; UTC where it has no zone."""
    at = parse_to_aware_datetime(raw) if not isinstance(raw, datetime) else raw
    return at if at.tzinfo else at.replace(tzinfo=UTC)
