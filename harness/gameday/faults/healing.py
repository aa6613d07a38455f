"""How the system heals after instances are gone, as probes: the capacity that is in service without the hit instances.

A probe compares with the capacity of before, hit instances included (`was`). So it is false while a group still lists
a hit instance, and no group of weights, vCPUs or memory is measured by a count. Source: Amazon EC2 Auto Scaling API
Reference, AutoScalingGroup (DesiredCapacity, DesiredCapacityType) and Instance (LifecycleState, WeightedCapacity).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from gameday.aws.answers.ec2_compute import DESCRIBE_FLEETS, DESCRIBE_SPOT_INSTANCE_REQUESTS
from gameday.aws.resources import Instance
from gameday.change import JsonLike, Probe
from gameday.faults.fault import FaultContext, call
from gameday.faults.targets import HitTargets, hit_targets, names_of

FLEET_TAG = "aws:ec2:fleet-id"
"""Amazon EC2 User Guide, "Tag your EC2 Fleet": EC2 sets it on each instance that a fleet launches."""
KARPENTER_TAGS = ("karpenter.sh/nodepool", "karpenter.sh/provisioner-name")
"""Karpenter documentation, "NodePools": the tags of its instances, in newer and older versions."""

IDS = 200
"""Values of one filter (Amazon EC2 API Reference, DescribeInstances)."""


@dataclass(frozen=True)
class Healing:
    """How a system heals: the probe that reads it, and what holds of the same answer before the fault."""

    probe: Probe
    whole: str = ""
    is_claimed: bool = True  # false: the probe shows only that the instance is gone
    warning: str = ""  # what the probe cannot show
    replaced_by: str = ""  # what launches another instance; empty where nothing known does


def replacement(context: FaultContext, instance: Instance, hit: Sequence[Instance]) -> Healing:
    """Return how the system replaces an instance that the fault takes away for good. Raises AwsError."""
    if instance.group:
        return of_group(instance.group, hit)
    if launcher := _launcher(context, instance):
        return _of_module(context, instance, hit, launcher)
    return _of_spot_request(instance) if _is_launched_again(context, instance) else _unclaimed(instance)


def of_group(group: str, hit: Sequence[Instance]) -> Healing:
    """Return the healing by a scaling group: it has what it had before in service, or what it wants if that is less."""
    groups = "answer.AutoScalingGroups"
    there = f"length({groups}) == `1`"  # a group may be deleted meanwhile
    wanted = f"{groups}[0].DesiredCapacity"
    probe = Probe(
        call=call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[group]),
        value=_capacity("AutoScalingGroups", ()),
        holds=f"{there} && {_capacity(groups, hit)} >= min([was, {wanted}])",
        about=f"scaling group {group} has its capacity in service again{_without(hit)}",
    )
    whole = f"{there} && (!({_comparable(groups)}) || {_capacity(groups, ())} >= {wanted})"
    return Healing(probe, whole, replaced_by=f"scaling group {group}")


def _comparable(groups: str) -> str:
    """JMESPath: whether the weights that a group answers are in the unit of its desired capacity.

    That is not documented for vCPUs and memory. A group that has weights may also answer without them.
    """
    in_units = f"({groups}[0].DesiredCapacityType || 'units') == 'units'"
    overrides = f"{groups}[0].MixedInstancesPolicy.LaunchTemplate.Overrides[?WeightedCapacity] || `[]`"
    return f"{in_units} && (length({overrides}) == `0` || length({groups}[].Instances[?WeightedCapacity][]) > `0`)"


def _capacity(groups: str, without: Sequence[Instance]) -> str:
    """JMESPath: the sum of the weights of the members in service, hit instances left out."""
    left_out = f" && !contains(`{_listed(without)}`, InstanceId)" if without else ""
    fit = f"[?LifecycleState == 'InService' && HealthStatus == 'Healthy'{left_out}]"
    return f"sum({groups}[].Instances[] | {fit}.to_number(WeightedCapacity || '1'))"


def _of_module(context: FaultContext, instance: Instance, hit: Sequence[Instance], launcher: str) -> Healing:
    tags = context.inventory.tags_of_module(instance.module)
    filters: list[JsonLike] = [{"Name": "instance-state-name", "Values": ["running"]}]
    filters += [{"Name": f"tag:{key}", "Values": [value]} for key, value in sorted(tags.items())]
    running = "Reservations[].Instances[]"
    of = f"module {instance.module}" if instance.module else "the workload"
    probe = Probe(
        call=call("ec2", "describe_instances", Filters=filters),
        value=f"length({running})",
        holds=f"length(answer.{running} | [?!contains(`{_listed(hit)}`, InstanceId)]) >= was",
        about=f"{of} has as many instances running as before{_without(hit)}",
    )
    return Healing(probe, "`true`", replaced_by=launcher)


def _unclaimed(instance: Instance) -> Healing:
    """Return the end of an instance that nothing known replaces: no healing is claimed, the KPIs decide."""
    probe = Probe(
        call=call("ec2", "describe_instances", Filters=[{"Name": "instance-id", "Values": [instance.id]}]),
        holds="length(answer.Reservations[].Instances[] | [?State.Name == 'running']) == `0`",
        about=f"nothing known replaces {instance.id}: the KPIs decide whether the system heals",
    )
    warning = f"{instance.id} is in no scaling group, and nothing known replaces it: the KPIs alone decide"
    return Healing(probe, "`true`", is_claimed=False, warning=warning)


def _of_spot_request(instance: Instance) -> Healing:
    """Return the healing by a persistent Spot request: it has launched another instance.

    Sources: Amazon EC2 API Reference, SpotInstanceRequest (InstanceId, State: active once it is fulfilled); Amazon EC2
    User Guide, "Tag Spot Instance requests": what a request launches does not get its tags.
    """
    id_ = instance.spot_request
    request = "answer.SpotInstanceRequests[0]"
    probe = Probe(
        call=call("ec2", "describe_spot_instance_requests", SpotInstanceRequestIds=[id_]),
        holds=f"{request}.State == 'active' && {request}.InstanceId != '{instance.id}'",
        about=f"Spot request {id_} has launched another instance than {instance.id}",
    )
    warning = (
        f"Spot request {id_} launches another instance for {instance.id} once EC2 has Spot capacity; "
        "it may lack its tags, so that the workload does not own it"
    )
    return Healing(probe, f"{request}.State == 'active'", warning=warning, replaced_by=f"Spot request {id_}")


def _is_launched_again(context: FaultContext, instance: Instance) -> bool:
    """Return whether a persistent Spot request launches another instance once this one is terminated.

    A persistent request is then open again, unless somebody cancelled it (Amazon EC2 User Guide, "Manage your Spot
    Instances", "Terminate a Spot Instance"). EC2 forgets a request some time after it was cancelled.
    """
    if not instance.spot_request:
        return False
    asked = [{"SpotInstanceRequestIds": [instance.spot_request]}]
    (answer,) = context.inventory.read_there(
        DESCRIBE_SPOT_INSTANCE_REQUESTS, asked, ("InvalidSpotInstanceRequestID.NotFound",)
    )
    requests = answer["SpotInstanceRequests"] if answer else []
    return any(raw.get("Type") == "persistent" and raw.get("State") == "active" for raw in requests)


def _launcher(context: FaultContext, instance: Instance) -> str:
    """Return what is known to launch another instance for one without a scaling group; empty where nothing is."""
    if any(tag in instance.tags for tag in KARPENTER_TAGS):
        return "Karpenter"
    fleet = instance.tags.get(FLEET_TAG)
    if not fleet:
        return ""
    # Only fleets of type `maintain` replace instances (Amazon EC2 User Guide, "EC2 Fleet request types").
    answer = context.inventory.read(DESCRIBE_FLEETS, FleetIds=[fleet])
    return f"EC2 Fleet {fleet}" if any(raw.get("Type") == "maintain" for raw in answer["Fleets"]) else ""


def serving_again(context: FaultContext, group: str, hit: Sequence[Instance]) -> tuple[Probe, ...]:
    """Return probes that hold once a group's hit instances run, and every target group that found them healthy does so.

    A group that replaces unhealthy members must stay held until then: its grace period covers only new members, not
    those that come back (Amazon EC2 Auto Scaling User Guide, "Set the health check grace period"). Raises AwsError.
    """
    members = [instance for instance in hit if instance.group == group]
    lookup = hit_targets(context, names_of(members), {instance.vpc for instance in members})
    return (
        *(_running(members[start : start + IDS]) for start in range(0, len(members), IDS)),
        *(_healthy(targets) for targets in lookup.found),
    )


def _running(members: Sequence[Instance]) -> Probe:
    """Return the probe that no instance is down; one that is gone for good does not count."""
    ids = [instance.id for instance in members]
    down = '[?contains(`["pending", "stopping", "stopped"]`, State.Name)]'
    return Probe(
        call=call("ec2", "describe_instances", Filters=[{"Name": "instance-id", "Values": ids}]),
        holds=f"length(answer.Reservations[].Instances[] | {down}) == `0`",
        about=f"{', '.join(ids)} {'runs' if len(ids) == 1 else 'run'}",
    )


def _healthy(found: HitTargets) -> Probe:
    """Return the probe that a target group finds its targets healthy.

    A target is `unused` with reason Target.NotInUse where no listener uses the group: it never gets healthy. Source:
    Elastic Load Balancing API Reference (version 2), TargetHealth.
    """
    unfit = 'contains(`["initial", "unhealthy"]`, TargetHealth.State)'
    stopped = "TargetHealth.State == 'unused' && TargetHealth.Reason != 'Target.NotInUse'"
    targets = f"answer.TargetHealthDescriptions[?contains(`{json.dumps(list(found.ids))}`, Target.Id)]"
    return Probe(
        call=call("elbv2", "describe_target_health", TargetGroupArn=found.arn),
        holds=f"length({targets} | [?{unfit} || ({stopped})]) == `0`",
        about=f"target group {found.name} finds the instances healthy",
    )


def _listed(instances: Sequence[Instance]) -> str:
    return json.dumps([instance.id for instance in instances])


def _without(hit: Sequence[Instance]) -> str:
    return f", without {', '.join(instance.id for instance in hit)}" if hit else ""
