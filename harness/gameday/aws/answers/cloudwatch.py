"""CloudWatch: metrics and alarms."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation


class MetricDataResult(TypedDict):
    """A metric's values, and the start of each period in seconds since the epoch."""

    Timestamps: list[float]
    Values: list[float]


class GetMetricData(TypedDict):
    """The answer to GetMetricData."""

    MetricDataResults: list[MetricDataResult]


class Alarm(TypedDict):
    """A metric or composite alarm; `StateValue`: OK, ALARM or INSUFFICIENT_DATA."""

    AlarmName: str
    StateValue: str
    ActionsEnabled: NotRequired[bool]


class DescribeAlarms(TypedDict):
    """The answer to DescribeAlarms."""

    MetricAlarms: list[Alarm]
    CompositeAlarms: NotRequired[list[Alarm]]


GET_METRIC_DATA = Operation("cloudwatch", "get_metric_data", GetMetricData)
DESCRIBE_ALARMS = Operation("cloudwatch", "describe_alarms", DescribeAlarms)
