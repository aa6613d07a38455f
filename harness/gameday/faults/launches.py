"""Launches into a zone: the scaling groups that could still launch there, and what keeps them from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gameday.aws.answers.ec2 import DESCRIBE_SUBNETS
from gameday.aws.resources import Instance
from gameday.faults.fault import FaultContext

OTHER_LAUNCHERS = {
    "aws:ec2:fleet-id": "an EC2 Fleet",
    "aws:ec2spot:fleet-request-id": "a Spot Fleet",
    "karpenter.sh/nodepool": "Karpenter",
}
"""Tags of what others than scaling groups launch (EC2 User Guide, "EC2 Fleet"; Karpenter, "NodePools")."""


@dataclass(frozen=True, slots=True)
class Launches:
    """What must be done so that nothing launches into a zone."""

    left: dict[str, list[str]]  # scaling group → its subnets in other zones, for those that also launch into the zone
    open: tuple[str, ...]  # who could still launch there, one reason each: nothing that Gameday sets prevents it


def launches_into(context: FaultContext, zone: str, hit: Sequence[Instance]) -> Launches:
    """Find who launches into a zone: the workload's scaling groups and those of its instances. Raises AwsError.

    A group without subnets launches into the default subnets of its availability zones, and one with subnets in this
    zone alone cannot do without them (Amazon EC2 Auto Scaling API Reference, UpdateAutoScalingGroup).
    """
    groups = context.inventory.scaling_groups
    zones = _zones(context, sorted({subnet for group in groups for subnet in group.subnets}))
    left: dict[str, list[str]] = {}
    reasons: list[str] = []
    for group in groups:
        inside = [subnet for subnet in group.subnets if zones.get(subnet) == zone]
        outside = [subnet for subnet in group.subnets if subnet not in inside]
        if not group.subnets and zone in group.zones:
            reasons.append(f"scaling group {group.name} names no subnet, so it launches into default subnets of {zone}")
        elif inside and not outside:
            reasons.append(f"scaling group {group.name} has subnets in {zone} alone, and a group needs a subnet")
        elif inside:
            left[group.name] = outside
    return Launches(left, (*reasons, *_others(hit, zone)))


def _zones(context: FaultContext, subnets: Sequence[str]) -> dict[str, str]:
    """Return the zone of each subnet, also of those that are not the workload's."""
    known = {subnet.id: subnet.zone for subnet in context.inventory.subnets}
    strange = [subnet for subnet in subnets if subnet not in known]
    if strange:
        answer = context.inventory.read(DESCRIBE_SUBNETS, SubnetIds=strange)
        known |= {raw["SubnetId"]: raw["AvailabilityZone"] for raw in answer["Subnets"]}
    return known


def _others(hit: Sequence[Instance], zone: str) -> Iterator[str]:
    for tag, launcher in OTHER_LAUNCHERS.items():
        launched = [instance.id for instance in hit if tag in instance.tags]
        if launched:
            yield f"{launcher} launched {', '.join(launched)} and may launch into {zone} again"
