"""CloudWatch: metrics and alarms."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation


class Message(TypedDict, total=False):
    """A message about an answer, or about a metric in it."""

    Code: str
    Value: str


class MetricDataResult(TypedDict):
    """A metric's values, and the start of each period in seconds since the epoch; all of them where Complete."""

    Id: str
    StatusCode: str

    Timestamps: list[float]
    Values: list[float]


class GetMetricData(TypedDict):
    """The answer to GetMetricData; `Messages`: why only part of it was executed."""

    MetricDataResults: list[MetricDataResult]
    Messages: NotRequired[list[Message]]


def is_whole(answer: GetMetricData) -> bool:
    """Tell whether CloudWatch has read every metric to its end: a later page may complete an earlier one."""
    last = {result["Id"]: result["StatusCode"] for result in answer["MetricDataResults"]}
    return not answer.get("Messages") and all(status == "Complete" for status in last.values())


class Alarm(TypedDict):
    """An alarm of any kind; `StateValue`: OK, ALARM or INSUFFICIENT_DATA."""

    AlarmName: str
    StateValue: str
    ActionsEnabled: NotRequired[bool]


class DescribeAlarms(TypedDict):
    """The answer to DescribeAlarms."""

    MetricAlarms: list[Alarm]
    CompositeAlarms: NotRequired[list[Alarm]]
    LogAlarms: NotRequired[list[Alarm]]


GET_METRIC_DATA = Operation("cloudwatch", "get_metric_data", GetMetricData)
DESCRIBE_ALARMS = Operation("cloudwatch", "describe_alarms", DescribeAlarms)
