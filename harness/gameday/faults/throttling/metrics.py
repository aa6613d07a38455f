"""The proof of a throttle: CloudWatch counts clearly more throttled requests than before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gameday.change import Excess, JsonLike, Probe
from gameday.faults.fault import call

PERIOD = 60
"""Seconds of a period: Lambda, DynamoDB and API Gateway publish metrics once a minute (their developer guides)."""


@dataclass(frozen=True)
class Counted:
    """A metric of throttled requests, and one of the same requests that shows whether any came at all."""

    namespace: str
    metric: str
    beside: str
    dimensions: tuple[tuple[str, str], ...]

    @property
    def about(self) -> str:
        """The metric in words."""
        return f"{self.namespace} {self.metric} of {', '.join(value for _, value in self.dimensions)}"

    def query(self, id_: str, metric: str) -> dict[str, JsonLike]:
        """Return the query of one of its metrics."""
        listed: list[JsonLike] = [{"Name": key, "Value": value} for key, value in self.dimensions]
        of: dict[str, JsonLike] = {"Namespace": self.namespace, "MetricName": metric, "Dimensions": listed}
        return {"Id": id_, "MetricStat": {"Metric": of, "Period": PERIOD, "Stat": "Sum"}}


def grows(namespace: str, metric: str, beside: str, dimensions: dict[str, str]) -> Probe:
    """Return a probe that holds once CloudWatch counts clearly more since the injection than in the time before it.

    `beside` is a metric of the same requests. Where neither has a value, that minute is unknown, not zero.
    """
    return any_grows([Counted(namespace, metric, beside, tuple(dimensions.items()))])


def any_grows(metrics: Sequence[Counted], covers: tuple[str, ...] = ()) -> Probe:
    """Return a probe that holds once the sum of these metrics has clearly grown; `covers` are the resources it shows.

    An answer counts only when CloudWatch has read every metric to its end: a later page may complete an earlier one
    (CloudWatch API Reference, MetricDataResult, StatusCode).
    """
    queries: list[JsonLike] = []
    for number, metric in enumerate(metrics):
        suffix = str(number or "")
        queries += [metric.query(f"counted{suffix}", metric.metric), metric.query(f"beside{suffix}", metric.beside)]
    whole = [
        f"(MetricDataResults[?Id=='{name}{number or ''}'] | [-1].StatusCode) == 'Complete'"
        for number in range(len(metrics))
        for name in ("counted", "beside")
    ]
    return Probe(
        call=call(
            "cloudwatch",
            "get_metric_data",
            StartTime={"$": "before"},
            EndTime={"$": "now"},
            MetricDataQueries=queries,
        ),
        excess=Excess(
            counted="MetricDataResults[?starts_with(Id, 'counted')].[Timestamps, Values]",
            known="MetricDataResults[?starts_with(Id, 'beside')].[Timestamps, Values]",
            period=PERIOD,
            whole=" && ".join(["!(Messages)", *whole]),
        ),
        about=f"{' or '.join(metric.about for metric in metrics)} grows",
        covers=covers,
    )
