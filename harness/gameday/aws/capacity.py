"""What carries load: instances as their scaling group sees them, and how much of a module's capacity each one is.

EC2 says that a Standby or warm-pool instance runs; only its group says that it carries no load. Source: Amazon EC2
Auto Scaling User Guide, "Amazon EC2 Auto Scaling instance lifecycle": only InService members count towards the group's
capacity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gameday.aws.resources import Instance, Member, ScalingGroup


def idle_reason(instance: Instance, members: Mapping[str, Mapping[str, Member]]) -> str:
    """Return in words why an instance carries no load; empty where it is in service.

    `members` is scaling group → instance id → member.
    """
    if instance.state != "running":
        return f"it is {instance.state}"
    if instance.group is None:
        return ""
    member = members.get(instance.group, {}).get(instance.id)
    if member is None:
        return f"scaling group {instance.group} does not list it as a member"
    if member.lifecycle != "InService":
        return f"it is {member.lifecycle} in scaling group {instance.group}"
    return "" if member.healthy else f"scaling group {instance.group} finds it unhealthy"


def members_of(groups: Iterable[ScalingGroup]) -> dict[str, dict[str, Member]]:
    """Return the members of each scaling group: group → instance id → member."""
    return {group.name: {member.id: member for member in group.members} for group in groups}


def capacity_of(instances: Iterable[Instance], groups: Iterable[ScalingGroup]) -> dict[str, float]:
    """Return the capacity of each instance in service, by id, in instances of average weight of its group.

    Groups count in units of their own (instances, weights, vCPUs, memory). So a member counts its weight over the
    average weight of the group's members in service; an instance without a group counts one.

    Example: of two members in service with weights 4 and 8, the first counts 2/3, the second 4/3.
    """
    groups = tuple(groups)
    members = members_of(groups)
    average: dict[str, float] = {}
    for group in groups:
        weights = [member.weight for member in group.members if member.in_service]
        average[group.name] = sum(weights) / len(weights) if weights else 1.0
    return {
        instance.id: members[instance.group][instance.id].weight / average[instance.group] if instance.group else 1.0
        for instance in instances
        if not idle_reason(instance, members)
    }
