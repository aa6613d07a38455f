"""GD104: whether a module could serve its peak load without its fullest zone, where the load is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from math import exp, log

from gameday.aws.answers.cloudwatch import GET_METRIC_DATA, is_whole
from gameday.change import JsonLike
from gameday.checks.finding import STATIC, Check, CheckContext, Finding, NotJudged
from gameday.checks.zones import without_fullest_zone
from gameday.faults.blackhole import AzBlackhole
from gameday.files.twin_file import Latency, TwinFile
from gameday.steady_state.judging.edges import ONE_SIDED_95

DAYS, PERIOD = 14, 300
"""Days of history, and seconds of a datapoint: EC2 publishes no finer ones without detailed monitoring."""


def too_busy_without_a_zone(context: CheckContext) -> Iterator[Finding | NotJudged]:
    """Modules whose peak load is more than their instances could serve without the fullest zone.

    The check reads the CPU of their scaling groups, where CloudWatch has a history. It assumes that the remaining
    instances get the whole load. Without a history it uses the twin file's customers and slots. CPU does not show every
    load (memory, connections), so no finding is no proof.
    """
    for module, zone, left, whole in without_fullest_zone(context):
        groups = [group.name for group in context.inventory.scaling_groups if group.module == module]
        overload = _by_cpu(context, groups, whole / left)
        overload = _by_slots(context.twin, module, left) if overload is None else overload
        if overload is None:
            yield NotJudged(f"no whole history of {module}'s CPU, and no twin file, shows its peak (GD104)")
        elif overload:
            yield Finding(
                resource=f"module {module}",
                modules=(module,),
                what=f"{overload}; without {zone} it has {left} of {whole} instances",
                fault=AzBlackhole(zone=zone),
                hypothesis=f"With {zone} gone at the peak, what is left of {module} serves the load.",
            )


def _by_cpu(context: CheckContext, groups: list[str], times: float) -> str | None:
    """The overload in words, "" where the peak would be no overload; None without a whole history."""
    if not groups:
        return None
    span = {"StartTime": _moment(context.now - DAYS * 86400), "EndTime": _moment(context.now)}
    queries: list[JsonLike] = [
        {"Id": f"cpu{number}", "MetricStat": {"Metric": _cpu(group), "Period": PERIOD, "Stat": "Average"}}
        for number, group in enumerate(groups)
    ]
    answer = context.inventory.read(GET_METRIC_DATA, MetricDataQueries=queries, **span)
    if not is_whole(answer):
        return None
    points = [
        (value, at)
        for result in answer["MetricDataResults"]
        for value, at in zip(result["Values"], result["Timestamps"], strict=True)
    ]
    if not points:
        return None
    peak, at = max(points)
    then = peak / 100 * times
    if then <= 1:
        return ""
    return f"its CPU was at {peak:.0f}% ({_moment(at)}, the peak of {DAYS} days), which would be {then:.0%}"


def _cpu(group: str) -> JsonLike:
    dimensions = [{"Name": "AutoScalingGroupName", "Value": group}]
    return {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": dimensions}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _by_slots(twin: TwinFile | None, module: str, left: int) -> str | None:
    """The same from the twin file: the customers' rate times how long a request holds its slot (Little's law)."""
    instances = twin.modules[module].instances if twin and module in twin.modules else None
    if twin is None or instances is None:
        return None
    busy = sum(
        twin.customers.rate * journey.share * _visits(twin, journey.enters, module, name) * _takes(twin, module, name)
        for name, journey in twin.customers.journeys.items()
    )
    room = left * instances.slots
    if busy <= room:
        return ""
    return f"by the twin file it holds {busy:.3g} requests at once, and it would have {room} slots"


def _visits(twin: TwinFile, at: str, module: str, journey: str, above: frozenset[str] = frozenset()) -> float:
    """Requests to a module for each request at another, when nothing fails."""
    below = _called(twin, at, journey, above)
    return (at == module) + sum(_visits(twin, to, module, journey, above | {at}) for to in below)


def _takes(twin: TwinFile, module: str, journey: str, above: frozenset[str] = frozenset()) -> float:
    """Mean seconds of a request, its calls included, when nothing fails."""
    below = _called(twin, module, journey, above)
    return _mean(twin.modules[module].latency) + sum(_takes(twin, to, journey, above | {module}) for to in below)


def _called(twin: TwinFile, module: str, journey: str, above: frozenset[str]) -> list[str]:
    """The modules that a request calls; a call in a circle would never end, so it does not count."""
    calls = twin.modules[module].calls
    return [call.to for call in calls if (not call.only or journey in call.only) and call.to not in above | {module}]


def _mean(latency: Latency) -> float:
    """The mean of a lognormal distribution with that median and 95th percentile."""
    return latency.p50 * exp((log(latency.p95 / latency.p50) / ONE_SIDED_95) ** 2 / 2)


NO_ROOM_AT_THE_PEAK = Check(
    "GD104",
    "no-room-at-the-peak",
    STATIC,
    "at the peak, the remaining instances are overloaded until new ones run, and may not recover",
    too_busy_without_a_zone,
)
