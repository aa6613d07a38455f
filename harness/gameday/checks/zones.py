"""GD1xx: what the workload loses with one availability zone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from gameday.aws.answers.ec2 import DESCRIBE_SUBNETS
from gameday.aws.answers.elbv2 import (
    DESCRIBE_TAGS,
    DESCRIBE_TARGET_GROUPS,
    DESCRIBE_TARGET_HEALTH,
    TargetGroup,
    TargetHealthDescription,
)
from gameday.aws.answers.lambda_ import LIST_FUNCTIONS
from gameday.aws.answers.operation import tags_of
from gameday.aws.kinds import FUNCTION
from gameday.checks.finding import FAIL_OVER, MANY_PLACES, STATIC, Check, CheckContext, Finding, NotJudged
from gameday.faults.blackhole import AzBlackhole
from gameday.steady_state.kpi.kpi import Kpi

ALIVE = ("pending", "running")
HEALTHY = re.compile(r"(?<!Un)Healthy(Host)?(Count)?$|InService(Instances|Capacity)$")
"""Names of metrics that count healthy capacity: HealthyHostCount (Elastic Load Balancing), GroupInServiceInstances and
GroupInServiceCapacity (EC2 Auto Scaling), and a workload's own metrics whose names end in Healthy."""


def zones_of(context: CheckContext) -> dict[str, Counter[str]]:
    """Module → zone → number of instances, or of subnets of functions in a VPC; regional resources do not count."""
    zones: dict[str, Counter[str]] = {}
    for instance in context.inventory.instances:
        if instance.module and instance.state in ALIVE:
            zones.setdefault(instance.module, Counter())[instance.zone] += 1
    functions = context.inventory.resources(FUNCTION)
    configured = context.inventory.read(LIST_FUNCTIONS)["Functions"]
    subnets_of = {raw["FunctionName"]: raw.get("VpcConfig", {}).get("SubnetIds", []) for raw in configured}
    ids = sorted({subnet for function in functions for subnet in subnets_of.get(function.name, [])})
    if not ids:
        return zones
    subnets = context.inventory.read(DESCRIBE_SUBNETS, SubnetIds=ids)["Subnets"]
    zone_of = {raw["SubnetId"]: raw["AvailabilityZone"] for raw in subnets}
    for function in functions:
        for subnet in subnets_of.get(function.name, []):
            zones.setdefault(function.module, Counter())[zone_of[subnet]] += 1
    return zones


def one_zone(context: CheckContext) -> Iterator[Finding]:
    """Modules whose instances, or functions' subnets, are all in one zone."""
    for module, zones in sorted(zones_of(context).items()):
        if len(zones) == 1:
            (zone,) = zones
            yield Finding(
                resource=f"module {module}",
                modules=(module,),
                what=f"all {zones[zone]} of {module}'s instances or function subnets are in {zone}",
                fault=AzBlackhole(zone=zone),
                hypothesis=f"With {zone} gone, {module} is back in steady state while the zone is still gone.",
                heals=True,
            )


def one_zone_targets(context: CheckContext) -> Iterator[Finding]:
    """Target groups with all their targets in one zone, while their module has several zones."""
    spread = {module for module, zones in zones_of(context).items() if len(zones) > 1}
    zone_of = {instance.id: instance.zone for instance in context.inventory.instances}
    for raw, module in _target_groups(context):
        answer = context.inventory.read(DESCRIBE_TARGET_HEALTH, TargetGroupArn=raw["TargetGroupArn"])
        targets = answer["TargetHealthDescriptions"]
        zones = Counter(zone for target in targets if (zone := _zone(target, zone_of)))
        if len(zones) == 1 and module in spread:
            (zone,) = zones
            yield Finding(
                resource=f"target group {raw['TargetGroupName']}",
                modules=(module,),
                what=f"its {zones[zone]} targets are all in {zone}, though {module} has capacity in other zones",
                fault=AzBlackhole(zone=zone),
                hypothesis=f"With {zone} gone, the load balancer sends {module}'s requests to other zones.",
                heals=True,
            )


def _target_groups(context: CheckContext) -> Iterator[tuple[TargetGroup, str]]:
    """The modules' target groups, each with its module."""
    groups = context.inventory.read(DESCRIBE_TARGET_GROUPS)["TargetGroups"]
    arns = [raw["TargetGroupArn"] for raw in groups if raw.get("TargetType") != "lambda"]
    # DescribeTags takes 20 resources at once (Elastic Load Balancing API Reference, version 2015-12-01).
    batches = [{"ResourceArns": arns[at : at + 20]} for at in range(0, len(arns), 20)]
    answers = context.inventory.read_all(DESCRIBE_TAGS, batches)
    tags = {raw["ResourceArn"]: tags_of(raw["Tags"]) for answer in answers for raw in answer["TagDescriptions"]}
    for raw in groups:
        module = context.inventory.module_of(tags.get(raw["TargetGroupArn"], {}))
        if module:
            yield raw, module


def _zone(described: TargetHealthDescription, zone_of: dict[str, str]) -> str | None:
    """The zone of a target, by its instance or as the target group has it; None while it drains."""
    if described.get("TargetHealth", {}).get("State") == "draining":
        return None
    target = described["Target"]
    return zone_of.get(target["Id"]) or target.get("AvailabilityZone")


def without_fullest_zone(context: CheckContext) -> Iterator[tuple[str, str, int, int]]:
    """Modules with instances in several zones: module, fullest zone, capacity in the other zones, and total."""
    for module, zones in sorted(zones_of(context).items()):
        if len(zones) > 1 and any(instance.module == module for instance in context.inventory.instances):
            zone, most = max(sorted(zones.items()), key=lambda item: item[1])
            yield module, zone, zones.total() - most, zones.total()


def too_few_without_a_zone(context: CheckContext) -> Iterator[Finding | NotJudged]:
    """Modules that keep fewer instances than they claim to need when their fullest zone is lost.

    A module's need is the bound `at_least` of its gauges of healthy capacity (`HEALTHY`, or `count: healthy` in the
    twin file). A scaling group's MinSize is no such claim: it often includes spare instances. Without a gauge, the
    module is not judged.
    """
    needs = _needs(context)
    for module, zone, left, whole in without_fullest_zone(context):
        if module not in needs:
            yield NotJudged(
                f"{module} has no gauge of healthy capacity with `at_least`, so its need is not known (GD103)"
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
    """Module → the KPI with the highest bound on its healthy capacity, and that bound."""
    needs: dict[str, tuple[str, float]] = {}
    for name, kpi in context.workload.kpis.items():
        least = kpi.bound.at_least
        if kpi.gauge and kpi.module and least and _counts_capacity(context, kpi):
            needs[kpi.module] = max(needs.get(kpi.module, (name, 0.0)), (name, least.value), key=lambda pair: pair[1])
    return needs


def _counts_capacity(context: CheckContext, kpi: Kpi) -> bool:
    metric = kpi.gauge.metric_name if kpi.gauge else ""
    feed = context.twin.metrics.get(metric) if context.twin else None
    return feed.count == "healthy" if feed else bool(HEALTHY.search(metric))


ONE_ZONE = Check(
    "GD101",
    "one-zone",
    MANY_PLACES,
    "when that zone is lost, the module is lost, and so are all modules that need it",
    one_zone,
)
ONE_ZONE_TARGETS = Check(
    "GD102",
    "one-zone-targets",
    FAIL_OVER,
    "when that zone is lost, the load balancer has no other targets, even where the module runs elsewhere",
    one_zone_targets,
)
TOO_LITTLE_WITHOUT_A_ZONE = Check(
    "GD103",
    "too-little-without-a-zone",
    STATIC,
    "until new instances run, the module has less than it needs; launches may fail when many users launch at once",
    too_few_without_a_zone,
)
