"""Load balancers' targets among what a fault hits, and the probes by which their health checks prove an effect."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from gameday.aws.answers.elbv2 import DESCRIBE_TARGET_GROUPS, DESCRIBE_TARGET_HEALTH, TargetGroup
from gameday.aws.resources import Instance
from gameday.change import Probe
from gameday.faults.fault import FaultContext, call

TARGET_GROUP, LOAD_BALANCER = "elasticloadbalancing:targetgroup", "elasticloadbalancing:loadbalancer"
"""Types of the Resource Groups Tagging API (AWS Resource Groups User Guide, "Resource types you can use")."""
GONE = ("TargetGroupNotFound", "LoadBalancerNotFound")
"""Error codes of what somebody deleted meanwhile: the tagging API may still list it (DescribeTargetGroups, Errors)."""
KINDS = ("instance", "ip")
"""Types of target groups whose targets a subnet or an interface can cut off (others: lambda, alb)."""


@dataclass(frozen=True, slots=True)
class HitTargets:
    """A target group with healthy targets that a fault hits."""

    arn: str
    name: str
    ids: tuple[str, ...]  # as registered: instance ids or addresses
    hit: tuple[str, ...]  # the instances or interfaces that these targets are
    healthy: int  # all healthy targets of the group, hit or not
    module: str | None  # by its tags
    owned: bool  # by the workload: by its tags, or as one of its scaling groups' or load balancers'
    behind_nlb: bool  # a Network Load Balancer forwards to it


@dataclass(frozen=True, slots=True)
class Lookup:
    """What was found, and the target groups that were looked at."""

    found: tuple[HitTargets, ...]
    looked_at: tuple[str, ...]  # names

    @property
    def proven(self) -> frozenset[str]:
        """The hit instances and interfaces whose health checks can prove an effect."""
        return frozenset(id_ for targets in self.found for id_ in targets.hit)

    @property
    def in_words(self) -> str:
        """Where Gameday looked, for a refusal."""
        if not self.looked_at:
            return "there is no target group of instances or addresses in their VPC"
        return f"Gameday looked at the target groups {', '.join(self.looked_at)}"


def names_of(instances: Iterable[Instance]) -> dict[str, str]:
    """Return what target groups may call these instances, their id or an address, each with the instance's id."""
    return {name: instance.id for instance in instances for name in (instance.id, *instance.addresses)}


def hit_targets(context: FaultContext, names: Mapping[str, str], vpcs: Collection[str]) -> Lookup:
    """Find the healthy targets with these names. `names`: Target.Id → the instance or interface that it is.

    It looks at the target groups of the workload's scaling groups, at those with its tags, and at those of its load
    balancers. While a hit instance is in none of them, it also looks at every other target group of the VPCs: people
    register targets by hand, too. Raises AwsError.
    """
    if not names:
        return Lookup((), ())
    tags = context.inventory.tagged(TARGET_GROUP, LOAD_BALANCER)
    groups = {raw["TargetGroupArn"]: raw for raw in _known(context, tags)}
    found = _registered(context, groups.values(), names, tags, owned=True)
    if set(names.values()) - {id_ for targets in found for id_ in targets.hit}:
        all_groups = context.inventory.read(DESCRIBE_TARGET_GROUPS)["TargetGroups"]
        more = {raw["TargetGroupArn"]: raw for raw in all_groups if raw.get("VpcId") in vpcs}
        more = {arn: raw for arn, raw in more.items() if arn not in groups}
        found += _registered(context, more.values(), names, tags, owned=False)
        groups |= more
    looked_at = sorted(raw["TargetGroupName"] for raw in groups.values() if raw.get("TargetType") in KINDS)
    return Lookup(tuple(sorted(found, key=lambda targets: targets.arn)), tuple(looked_at))


def _known(context: FaultContext, tags: Mapping[str, Mapping[str, str]]) -> list[TargetGroup]:
    """Return the target groups of the workload's scaling groups and load balancers, and those with its tags."""
    own = {arn for group in context.inventory.scaling_groups for arn in group.target_groups}
    own |= {arn for arn in tags if ":targetgroup/" in arn}
    balancers = sorted(arn for arn in tags if ":loadbalancer/app/" in arn or ":loadbalancer/net/" in arn)
    asked = [{"TargetGroupArns": [arn]} for arn in sorted(own)] + [{"LoadBalancerArn": arn} for arn in balancers]
    answers = context.inventory.read_there(DESCRIBE_TARGET_GROUPS, asked, GONE)
    return [raw for answer in answers if answer for raw in answer["TargetGroups"]]


def _registered(
    context: FaultContext,
    groups: Iterable[TargetGroup],
    names: Mapping[str, str],
    tags: Mapping[str, Mapping[str, str]],
    *,
    owned: bool,
) -> list[HitTargets]:
    able = [raw for raw in groups if raw.get("TargetType", "instance") in KINDS]
    asked = [{"TargetGroupArn": raw["TargetGroupArn"]} for raw in able]
    found = []
    answers = context.inventory.read_there(DESCRIBE_TARGET_HEALTH, asked, GONE)
    for raw, answer in zip(able, answers, strict=True):
        described = answer["TargetHealthDescriptions"] if answer is not None else []
        healthy = {each["Target"]["Id"] for each in described if each.get("TargetHealth", {}).get("State") == "healthy"}
        ids = tuple(sorted(healthy & names.keys()))
        if ids:
            arn = raw["TargetGroupArn"]
            found.append(
                HitTargets(
                    arn=arn,
                    name=raw["TargetGroupName"],
                    ids=ids,
                    hit=tuple(sorted({names[id_] for id_ in ids})),
                    healthy=len(healthy),
                    module=context.inventory.module_of(tags.get(arn, {})),
                    owned=owned,
                    behind_nlb=any("loadbalancer/net/" in balancer for balancer in raw.get("LoadBalancerArns", [])),
                )
            )
    return found


def all_unfit(lookup: Lookup) -> tuple[Probe, ...]:
    """Return probes, one for each target group: all of its hit targets that were healthy are so no longer."""
    return tuple(
        Probe(
            call=call("elbv2", "describe_target_health", TargetGroupArn=targets.arn),
            value=f"TargetHealthDescriptions{_healthy(targets.ids)}.Target.Id",
            holds=f"length(was) > `0` && length(answer.TargetHealthDescriptions{_healthy(targets.ids)}) == `0`",
            about=f"target group {targets.name} finds {_counted(targets.ids)} unfit",
            covers=targets.hit,
        )
        for targets in lookup.found
    )


def any_unfit(context: FaultContext, hit: list[Instance]) -> tuple[Probe, ...]:
    """Return probes that hold once a load balancer finds more of the hit instances unhealthy than before."""
    lookup = hit_targets(context, names_of(hit), {instance.vpc for instance in hit})
    return tuple(
        Probe(
            call=call("elbv2", "describe_target_health", TargetGroupArn=targets.arn),
            value=f"length(TargetHealthDescriptions{_healthy(targets.ids)})",
            holds=f"length(answer.TargetHealthDescriptions{_healthy(targets.ids)}) < was",
            about=f"target group {targets.name} finds targets unhealthy",
        )
        for targets in lookup.found
    )


def _healthy(ids: tuple[str, ...]) -> str:
    listed = "[" + ",".join(f'"{id_}"' for id_ in ids) + "]"
    return f"[?contains(`{listed}`, Target.Id) && TargetHealth.State == 'healthy']"


def _counted(ids: tuple[str, ...]) -> str:
    return "its hit target" if len(ids) == 1 else f"all {len(ids)} hit targets"
