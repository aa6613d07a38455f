"""The metrics that traffic publishes: the user's own, and those that AWS's services publish by themselves.

A request counts in the second in which it ended, and the twin publishes a second once it is complete. (AWS counts
Lambda's metrics in the second of the invocation, and most services publish once a minute.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gameday.files.twin_file import TwinFile, TwinModule
from gameday.twin.cloudwatch.store import MetricSeries, MetricStore
from gameday.twin.traffic.servers import Server

Publish = Callable[[Server, int, MetricSeries], None]
"""Writes a second of a server's counts into a series."""


def _sum(series: MetricSeries, second: int, count: int) -> None:
    if count:
        series.add(second, (float(count),))


def _share(series: MetricSeries, second: int, count: int, of: int) -> None:
    series.add(second, (1.0,) * count + (0.0,) * max(0, of - count))


_USERS: dict[str, Publish] = {
    "tried": lambda server, second, series: _sum(series, second, server.tried),
    "failed": lambda server, second, series: _sum(series, second, server.failed),
    "latency": lambda server, second, series: series.add(second, server.latencies),
    "healthy": lambda server, second, series: series.add(second, (float(server.healthy),)),
}
"""The counts of a twin file's feeds: sums when not zero, every latency in seconds, healthy nodes every second."""

_LAMBDA: dict[str, Publish] = {
    "Invocations": lambda server, second, series: series.add(second, (1.0,) * server.finished),
    "Errors": lambda server, second, series: _share(series, second, server.broken, server.finished),
    "Throttles": lambda server, second, series: series.add(second, (1.0,) * server.throttled),
    "Duration": lambda server, second, series: series.add(second, [1000.0 * value for value in server.durations]),
}
"""AWS Lambda Developer Guide, "Types of metrics for Lambda functions": throttled requests are not invocations, and
Duration is in milliseconds. Errors is 0 or 1 for each invocation: its Average is the share of errors."""

_LOAD_BALANCER: dict[str, Publish] = {
    "RequestCount": lambda server, second, series: _sum(series, second, server.tried),
    "HTTPCode_Target_5XX_Count": lambda server, second, series: _sum(series, second, server.broken),
    "TargetResponseTime": lambda server, second, series: series.add(second, server.durations),
    "HealthyHostCount": lambda server, second, series: series.add(second, (float(server.healthy),)),
}
"""Application Load Balancers guide, "CloudWatch metrics for your Application Load Balancer": times are
in seconds; 5XX is reported only when not zero."""

_GATEWAY: dict[str, Publish] = {
    "Count": lambda server, second, series: series.add(second, (1.0,) * server.tried),
    "4XXError": lambda server, second, series: _share(series, second, server.throttled, server.tried),
    "5XXError": lambda server, second, series: _share(series, second, server.failed - server.throttled, server.tried),
}
"""API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics": the Average of the errors is their rate. A
caller who gave up counts as 5XX (integration timeout)."""


def _table(units: str) -> dict[str, Publish]:
    """Amazon DynamoDB Developer Guide, "DynamoDB metrics and dimensions": one unit for each request of the twin."""
    return {
        f"Consumed{units}CapacityUnits": lambda server, second, series: series.add(second, (1.0,) * server.finished),
        f"{units}ThrottleEvents": lambda server, second, series: series.add(second, (1.0,) * server.throttled),
    }


def _of_kind(module: TwinModule) -> tuple[str, dict[str, Publish]]:
    if module.function:
        return "AWS/Lambda", _LAMBDA
    if module.table:
        return "AWS/DynamoDB", _table(module.table.units.capitalize())
    return ("AWS/ApiGateway", _GATEWAY) if module.stage else ("AWS/ApplicationELB", _LOAD_BALANCER)


@dataclass(frozen=True, slots=True)
class Publication:
    """A metric, and the journey or module that feeds it."""

    journey: str | None
    module: str | None
    publish: Publish
    namespace: str
    metric: str
    dimensions: Mapping[str, str]


def user_metrics(twin: TwinFile) -> list[Publication]:
    """List the metrics that the twin file names."""
    return [
        Publication(feed.journey, feed.module, _USERS[feed.count], namespace, metric, feed.dimensions)
        for name, feed in twin.metrics.items()
        for namespace, _, metric in [name.rpartition("/")]
    ]


def aws_metrics(twin: TwinFile, dimensions: Mapping[str, Mapping[str, str]]) -> list[Publication]:
    """List what AWS publishes for the modules in `dimensions`: module → the dimensions of its metrics.

    A function has FunctionName, a table TableName, a stage ApiName and Stage, instances LoadBalancer and TargetGroup.
    """
    return [
        Publication(None, module, publish, namespace, metric, dimensions[module])
        for module, definition in twin.modules.items()
        if module in dimensions
        for namespace, metrics in [_of_kind(definition)]
        for metric, publish in metrics.items()
    ]


class Publisher:
    """Write the counts of every publication into the store, second by second."""

    def __init__(
        self,
        store: MetricStore,
        publications: Sequence[Publication],
        journeys: Mapping[str, Server],
        modules: Mapping[str, Server],
    ) -> None:
        self._store = store
        self._lines = [
            (
                entry.publish,
                journeys[entry.journey] if entry.journey is not None else modules[entry.module or ""],
                store.series(entry.namespace, entry.metric, entry.dimensions),
            )
            for entry in publications
        ]

    def close(self, second: int) -> None:
        """Publish a complete second."""
        for publish, server, series in self._lines:
            publish(server, second, series)
        self._store.complete_until = second + 1
