"""What AWS demands of an instance before it is stopped or terminated, and what it loses then."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from gameday.aws.answers.ec2_compute import DESCRIBE_INSTANCE_TYPES, DESCRIBE_VOLUMES
from gameday.aws.resources import Instance
from gameday.change import Call, Condition, JsonLike
from gameday.faults.fault import FaultContext, call

TYPES = 100
"""Names in one request (Amazon EC2 API Reference, DescribeInstanceTypes, InstanceType.N: at most 100)."""
VOLUMES = 200
"""Volumes in one request: well within what EC2 takes."""

STOP_AND_START = 'Amazon EC2 User Guide, "Stop and start Amazon EC2 instances"'
PROTECTION = 'Amazon EC2 User Guide, "Change instance termination protection" and "Enable stop protection"'
PROCESSES = 'Amazon EC2 Auto Scaling User Guide, "Suspend and resume processes", "Types of processes"'
DELETING = "Amazon EC2 Auto Scaling API Reference, AutoScalingGroup, Status: set while DeleteAutoScalingGroup runs"
REPLACING = ("Launch", "HealthCheck", "ReplaceUnhealthy")
"""Processes without which a scaling group replaces no member that somebody terminated."""
SPOT = 'Amazon EC2 User Guide, "Manage your Spot Instances", "Stop a Spot Instance"'
KEYS = 'Amazon EBS User Guide, "How Amazon EBS encryption works"; AWS re:Post, "kms-iam-ec2-permission"'


def terminable(hit: Sequence[Instance]) -> Iterator[Condition]:
    """Yield what must hold before instances can be terminated, and replaced by their scaling group."""
    for instance in hit:
        yield _unprotected(instance, "disableApiTermination", "termination", "terminate")
        yield _unprotected(instance, "disableApiStop", "stop", "terminate")  # it protects from both
    groups = groups_of(hit)
    yield from undeleted(groups)
    yield from (_replacing(group) for group in groups)


def groups_of(instances: Sequence[Instance]) -> list[str]:
    """Return the scaling groups of instances, by name."""
    return sorted({instance.group for instance in instances if instance.group})


def undeleted(groups: Sequence[str]) -> Iterator[Condition]:
    """Yield that scaling groups are not being deleted."""
    for group in groups:
        yield Condition(
            subject=group,
            about="it is not being deleted",
            read=_group(group),
            holds="length(AutoScalingGroups) == `1` && !(AutoScalingGroups[0].Status)",
            refusal=f"scaling group {group} is being deleted",
            remedy="name other targets",
            source=DELETING,
        )


def _replacing(group: str) -> Condition:
    suspended = f"AutoScalingGroups[0].SuspendedProcesses[?contains(`{_listed(REPLACING)}`, ProcessName)]"
    return Condition(
        subject=group,
        about="it replaces terminated members",
        read=_group(group),
        holds=f"length({suspended}) == `0`",
        refusal=f"scaling group {group} would not replace a terminated member: it has suspended {_or(REPLACING)}",
        remedy=f"resume {_or(REPLACING)}, or name other targets",
        source=PROCESSES,
    )


def _group(name: str) -> Call:
    return call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[name])


def _listed(names: Sequence[str]) -> str:
    return json.dumps(list(names))


def _or(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def stoppable(context: FaultContext, hit: Sequence[Instance]) -> Iterator[Condition]:
    """Yield what must hold before instances can be stopped and started again. Raises AwsError."""
    for instance in hit:
        yield _unprotected(instance, "disableApiStop", "stop", "stop")
        if instance.spot:
            yield _persistent(instance)
    yield from _usable_keys(context, hit)


def _unprotected(instance: Instance, attribute: str, protection: str, verb: str) -> Condition:
    answered = f"{attribute[0].upper()}{attribute[1:]}"
    return Condition(
        subject=instance.id,
        about=f"{protection} protection is off",
        read=call("ec2", "describe_instance_attribute", InstanceId=instance.id, Attribute=attribute),
        holds=f"{answered}.Value == `false`",
        refusal=f"EC2 would refuse to {verb} {instance.id}: its {protection} protection is on",
        remedy=f"turn off {attribute}, or name other targets",
        source=PROTECTION,
    )


def _persistent(instance: Instance) -> Condition:
    request = "SpotInstanceRequests[0]"
    return Condition(
        subject=instance.id,
        about="its Spot request is persistent, not cancelled, and in no launch group or zone group",
        read=call("ec2", "describe_spot_instance_requests", SpotInstanceRequestIds=[instance.spot_request]),
        holds=(
            f"{request}.Type == 'persistent' && {request}.State != 'cancelled' && "
            f"!({request}.LaunchGroup) && !({request}.AvailabilityZoneGroup)"
        ),
        refusal=f"EC2 would refuse to stop {instance.id}: its Spot request is one-time, cancelled, or for a group",
        remedy="terminate it instead, or name other targets",
        source=SPOT,
    )


def unstoppable(instance: Instance) -> str:
    """Return why EC2 can never stop an instance; empty where it can."""
    if instance.instance_store:
        return f"EC2 cannot stop {instance.id}: its root volume is an instance store"
    fleet = "aws:ec2:fleet-id" in instance.tags or "aws:ec2spot:fleet-request-id" in instance.tags
    if instance.spot and (instance.group or fleet):
        return f"EC2 cannot stop {instance.id}: it is a Spot Instance of a fleet or scaling group"
    return ""


def _usable_keys(context: FaultContext, hit: Sequence[Instance]) -> Iterator[Condition]:
    """Yield what must hold of the keys of encrypted volumes: EC2 accepts a start without them, and then drops it."""
    for key, ids in _keys(context, hit).items():
        read = call("kms", "describe_key", KeyId=key)
        named = ", ".join(ids)
        yield Condition(
            subject=key,
            about="the key of an encrypted volume is enabled",
            read=read,
            holds="KeyMetadata.KeyState == 'Enabled'",
            refusal=f"{named} could not start again: key {key} of an encrypted volume is not enabled",
            remedy="enable the key, or name other targets",
            source=KEYS,
        )
        yield Condition(
            subject=key,
            about="the key of an encrypted volume needs no grant by who starts the instance",
            read=read,
            holds="KeyMetadata.KeyManager == 'AWS'",
            refusal=f"who starts {named} again needs kms:CreateGrant on the customer managed key {key}",
            remedy="`gameday policy` prints the permissions of the undo",
            warns=True,
            source=KEYS,
        )


def _keys(context: FaultContext, hit: Sequence[Instance]) -> dict[str, list[str]]:
    """KMS key → the instances with a volume that it encrypts."""
    holder = {volume.id: instance.id for instance in hit for volume in instance.volumes}
    names = sorted(holder)
    params: list[dict[str, JsonLike]] = [
        {"VolumeIds": names[start : start + VOLUMES]} for start in range(0, len(names), VOLUMES)
    ]
    keys: dict[str, list[str]] = {}
    for answer in context.inventory.read_all(DESCRIBE_VOLUMES, params):
        for raw in answer["Volumes"]:
            if raw.get("Encrypted") and (key := raw.get("KmsKeyId")):
                ids = keys.setdefault(key, [])
                ids += [holder[raw["VolumeId"]]] if holder[raw["VolumeId"]] not in ids else []
    return dict(sorted(keys.items()))


def lost(context: FaultContext, hit: Sequence[Instance], *, terminated: bool) -> dict[str, tuple[str, ...]]:
    """Return what a stop or a termination loses for good, in words, by instance. Raises AwsError.

    Source: Amazon EC2 User Guide, "Differences between reboot, stop, hibernate, and terminate".
    """
    stores = _stores(context, hit)
    return {instance.id: tuple(_lost(instance, instance.type in stores, terminated)) for instance in hit}


def _lost(instance: Instance, has_stores: bool, terminated: bool) -> Iterator[str]:
    if has_stores:
        yield f"{instance.id}: the data on its instance store volumes ({instance.type})"
    if instance.public_address:
        yield f"{instance.id}: its public IPv4 address {instance.public_address}"
    if terminated and (deleted := [volume.id for volume in instance.volumes if volume.is_deleted]):
        yield f"{instance.id}: {', '.join(deleted)}, deleted on termination"
    if instance.spot and not terminated:
        yield f"{instance.id}: its Spot capacity, until EC2 has some again"


def _stores(context: FaultContext, hit: Sequence[Instance]) -> frozenset[str]:
    """The types among those of the hit instances that have instance store volumes."""
    types = sorted({instance.type for instance in hit if instance.type})
    params: list[dict[str, JsonLike]] = [
        {"InstanceTypes": types[start : start + TYPES]} for start in range(0, len(types), TYPES)
    ]
    answers = context.inventory.read_all(DESCRIBE_INSTANCE_TYPES, params)
    return frozenset(
        raw["InstanceType"] for answer in answers for raw in answer["InstanceTypes"] if raw["InstanceStorageSupported"]
    )
