"""GD104: whether what is left without a zone would bear the peak, where the load is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from math import exp, log

from gameday.change import Json
from gameday.checks.finding import STATIC, Check, CheckContext, Finding, NotJudged
from gameday.checks.zones import without_fullest_zone
from gameday.faults.network import AzBlackhole
from gameday.files.twin_file import Latency, TwinFile
from gameday.steady_state.judging.edges import ONE_SIDED_95

DAYS, PERIOD = 14, 300
"""Of history, in days; of a datapoint, in seconds: what EC2 publishes without detailed monitoring."""


def too_busy_without_a_zone(context: CheckContext) -> Iterator[Finding | NotJudged]:
    """Modules whose peak is more than their instances could bear without the fullest zone.

    By the CPU of their scaling groups, where CloudWatch has a history of it: when some of the instances go, the rest
    gets the whole load, whatever their number was then. Else by the twin file's customers and slots. A load that CPU
    does not show (memory, connections) is not seen: no finding is no proof.
    """
    for module, zone, left, whole in without_fullest_zone(context):
        groups = [one.name for one in context.inventory.scaling_groups if one.module == module]
        found = _by_cpu(context, groups, whole / left)
        found = _by_slots(context.twin, module, left) if found is None else found
        if found is None:
            yield NotJudged(f"no history of {module}'s CPU, and no twin file, tells its peak (GD104)")
        elif found:
            yield Finding(
                resource=f"module {module}",
                modules=(module,),
                what=f"{found}; without {zone} it has {left} of {whole} instances",
                fault=AzBlackhole(zone=zone),
                hypothesis=f"With {zone} gone at the peak, what is left of {module} bears the load.",
            )


def _by_cpu(context: CheckContext, groups: list[str], times: float) -> str | None:
    """Words of a peak that would be too much, "" of one that would not; None without a history."""
    if not groups:
        return None
    span = {"StartTime": _moment(context.now - DAYS * 86400), "EndTime": _moment(context.now)}
    queries: list[Json] = [
        {"Id": f"cpu{number}", "MetricStat": {"Metric": _cpu(group), "Period": PERIOD, "Stat": "Average"}}
        for number, group in enumerate(groups)
    ]
    answer = context.inventory.read("cloudwatch", "get_metric_data", MetricDataQueries=queries, **span)
    points = [
        (float(value), str(at))
        for result in answer["MetricDataResults"]
        for value, at in zip(result["Values"], result["Timestamps"], strict=True)
    ]
    if not points:
        return None
    peak, at = max(points)
    then = peak / 100 * times
    if then <= 1:
        return ""
    return f"its CPU was at {peak:.0f}% ({at}, the peak of {DAYS} days), which would be {then:.0%}"


def _cpu(group: str) -> Json:
    named: list[Json] = [{"Name": "AutoScalingGroupName", "Value": group}]
    return {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": named}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _by_slots(twin: TwinFile | None, module: str, left: int) -> str | None:
    """The same from the twin file: customers' rate times how long a request holds its slot (Little's law)."""
    instances = twin.modules[module].instances if twin and module in twin.modules else None
    if twin is None or instances is None:
        return None
    busy = sum(
        twin.customers.rate * one.share * _visits(twin, one.enters, module, name) * _takes(twin, module, name)
        for name, one in twin.customers.journeys.items()
    )
    room = left * instances.slots
    if busy <= room:
        return ""
    return f"by the twin file {busy:.3g} requests are in it at once, and there would be {room} slots"


def _visits(twin: TwinFile, at: str, module: str, journey: str, above: frozenset[str] = frozenset()) -> float:
    """Requests to a module for each request at another, when nothing fails."""
    below = _called(twin, at, journey, above)
    return (at == module) + sum(_visits(twin, to, module, journey, above | {at}) for to in below)


def _takes(twin: TwinFile, module: str, journey: str, above: frozenset[str] = frozenset()) -> float:
    """Mean seconds of a request, its calls included, when nothing fails."""
    below = _called(twin, module, journey, above)
    return _mean(twin.modules[module].latency) + sum(_takes(twin, to, journey, above | {module}) for to in below)


def _called(twin: TwinFile, module: str, journey: str, above: frozenset[str]) -> list[str]:
    """What a request there calls; a call in a circle would never end, and is left out."""
    calls = twin.modules[module].calls
    return [one.to for one in calls if (not one.only or journey in one.only) and one.to not in above | {module}]


def _mean(latency: Latency) -> float:
    """Of a lognormal distribution with that median and 95th percentile."""
    return latency.p50 * exp((log(latency.p95 / latency.p50) / ONE_SIDED_95) ** 2 / 2)


NO_ROOM_AT_THE_PEAK = Check(
    "GD104",
    "no-room-at-the-peak",
    STATIC,
    "at the peak, what is left after a zone's loss is overloaded until others are launched, and may not recover",
    too_busy_without_a_zone,
)
