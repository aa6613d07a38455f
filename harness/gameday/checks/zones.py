"""GD1xx: what the loss of one availability zone takes with it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from gameday.aws.inventory import tags_of
from gameday.change import Json
from gameday.checks.finding import FAIL_OVER, MANY_PLACES, STATIC, Check, CheckContext, Finding, NotJudged
from gameday.faults.network import AzBlackhole
from gameday.steady_state.kpi.kpi import Kpi

ALIVE = ("pending", "running")
HEALTHY = re.compile(r"(?<!Un)Healthy(Host)?(Count)?$|InService(Instances|Capacity)$")
"""Names of metrics that count healthy capacity: HealthyHostCount (Elastic Load Balancing), GroupInServiceInstances and
GroupInServiceCapacity (EC2 Auto Scaling), and whatever a workload publishes under a name that ends in Healthy."""


def zones_of(context: CheckContext) -> dict[str, Counter[str]]:
    """Module → zones → how many instances, or subnets of functions in a VPC. What is regional stands in none."""
    found: dict[str, Counter[str]] = {}
    for one in context.inventory.instances:
        if one.module and one.state in ALIVE:
            found.setdefault(one.module, Counter())[one.zone] += 1
    configured = context.inventory.read("lambda", "list_functions")["Functions"]
    subnets_of = {raw["FunctionName"]: (raw.get("VpcConfig") or {}).get("SubnetIds", []) for raw in configured}
    wanted = sorted({subnet for one in context.inventory.functions for subnet in subnets_of.get(one.name, [])})
    if not wanted:
        return found
    answer = context.inventory.read("ec2", "describe_subnets", SubnetIds=wanted)
    zone = {raw["SubnetId"]: raw["AvailabilityZone"] for raw in answer["Subnets"]}
    for named in context.inventory.functions:
        for subnet in subnets_of.get(named.name, []):
            found.setdefault(named.module, Counter())[zone[subnet]] += 1
    return found


def one_zone(context: CheckContext) -> Iterator[Finding]:
    """Modules whose instances, or functions' subnets, all stand in one zone."""
    for module, zones in sorted(zones_of(context).items()):
        if len(zones) == 1:
            (zone,) = zones
            yield Finding(
                resource=f"module {module}",
                modules=(module,),
                what=f"all {zones[zone]} of {module}'s instances or function subnets stand in {zone}",
                fault=AzBlackhole(zone=zone),
                hypothesis=f"With {zone} gone, {module} is back in steady state while the zone is still gone.",
                heals=True,
            )


def one_zone_targets(context: CheckContext) -> Iterator[Finding]:
    """Target groups with all their targets in one zone, of modules that stand in several."""
    spread = {module for module, zones in zones_of(context).items() if len(zones) > 1}
    zone_of = {one.id: one.zone for one in context.inventory.instances}
    for raw, module in _target_groups(context):
        answer = context.inventory.read("elbv2", "describe_target_health", TargetGroupArn=raw["TargetGroupArn"])
        zones = Counter(zone for each in answer["TargetHealthDescriptions"] if (zone := _zone(each, zone_of)))
        if len(zones) == 1 and module in spread:
            (zone,) = zones
            yield Finding(
                resource=f"target group {raw['TargetGroupName']}",
                modules=(module,),
                what=f"its {zones[zone]} targets all stand in {zone}, though {module} has capacity in other zones",
                fault=AzBlackhole(zone=zone),
                hypothesis=f"With {zone} gone, the load balancer sends {module}'s requests to other zones.",
                heals=True,
            )


def _target_groups(context: CheckContext) -> Iterator[tuple[Json, str]]:
    groups = context.inventory.read("elbv2", "describe_target_groups")["TargetGroups"]
    arns = [raw["TargetGroupArn"] for raw in groups if raw.get("TargetType") != "lambda"]
    # DescribeTags takes 20 resources at once (Elastic Load Balancing API Reference, version 2015-12-01).
    batches = [{"ResourceArns": arns[at : at + 20]} for at in range(0, len(arns), 20)]
    answers = context.inventory.read_all("elbv2", "describe_tags", batches)
    tags = {each["ResourceArn"]: tags_of(each["Tags"]) for answer in answers for each in answer["TagDescriptions"]}
    for raw in groups:
        module = context.inventory.module_of(tags.get(raw["TargetGroupArn"], {}))
        if module:
            yield raw, module


def _zone(described: Json, zone_of: dict[str, str]) -> str | None:
    if described.get("TargetHealth", {}).get("State") == "draining":
        return None
    target = described["Target"]
    return zone_of.get(target["Id"]) or target.get("AvailabilityZone")


def without_fullest_zone(context: CheckContext) -> Iterator[tuple[str, str, int, int]]:
    """Modules on instances in several zones: the fullest zone, how many stand elsewhere, and how many in all."""
    for module, zones in sorted(zones_of(context).items()):
        if len(zones) > 1 and any(one.module == module for one in context.inventory.instances):
            zone, most = max(sorted(zones.items()), key=lambda item: item[1])
            yield module, zone, zones.total() - most, zones.total()


def too_few_without_a_zone(context: CheckContext) -> Iterator[Finding | NotJudged]:
    """Modules of which fewer instances are left than they claim to need, when their fullest zone goes.

    What a module needs is the bound `at_least` of its gauges of healthy capacity (`HEALTHY`, or `count: healthy` in the
    twin file). A scaling group's MinSize is no such claim: it often has the spare in it. Without a gauge: not judged.
    """
    needs = _needs(context)
    for module, zone, left, whole in without_fullest_zone(context):
        if module not in needs:
            yield NotJudged(
                f"{module} has no gauge of healthy capacity with `at_least`, so that what it needs is not known (GD103)"
            )
            continue
        kpi, needed = needs[module]
        if left < needed:
            yield Finding(
                resource=f"module {module}",
                modules=(module,),
                what=f"it claims at least {needed:g} ({kpi}); without {zone} it has {left} of {whole}",
                fault=AzBlackhole(zone=zone),
                hypothesis=f"With {zone} gone, {module} has the capacity that it claims without launching anything.",
                claims=(kpi,),
            )


def _needs(context: CheckContext) -> dict[str, tuple[str, float]]:
    found: dict[str, tuple[str, float]] = {}
    for name, kpi in context.workload.kpis.items():
        least = kpi.bound.at_least
        if kpi.gauge and kpi.module and least and _counts_capacity(context, kpi):
            found[kpi.module] = max(found.get(kpi.module, (name, 0.0)), (name, least.value), key=lambda pair: pair[1])
    return found


def _counts_capacity(context: CheckContext, kpi: Kpi) -> bool:
    metric = kpi.gauge.metric_name if kpi.gauge else ""
    feed = context.twin.metrics.get(metric) if context.twin else None
    return feed.count == "healthy" if feed else bool(HEALTHY.search(metric))


ONE_ZONE = Check(
    "GD101",
    "one-zone",
    MANY_PLACES,
    "the loss of that zone is the loss of the module, and of all that need it",
    one_zone,
)
ONE_ZONE_TARGETS = Check(
    "GD102",
    "one-zone-targets",
    FAIL_OVER,
    "when that zone goes, the load balancer has nowhere else to send requests, whatever runs elsewhere",
    one_zone_targets,
)
TOO_LITTLE_WITHOUT_A_ZONE = Check(
    "GD103",
    "too-little-without-a-zone",
    STATIC,
    "until others are launched, which may fail when many launch at once, the module has less than it says it needs",
    too_few_without_a_zone,
)
