"""Faults of EC2 instances: terminate, stop, reboot."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from gameday.aws.resources import Instance
from gameday.change import Call, IrreversibleAction, Json, PlannedFault, Probe, Read, Setting, Shape
from gameday.faults.autoscaling import SUSPENDED
from gameday.faults.fault import (
    FaultContext,
    InstanceTargets,
    call,
    effect,
    shares,
    staged,
)
from gameday.faults.targets import any_unfit

POWER = Setting(
    name="instance.power",
    about="whether an instance runs or is stopped",
    shape=Shape.SWITCH,
    resource="instance",
    read=Read(
        call=Call(
            service="ec2",
            operation="describe_instance_status",
            params={"InstanceIds": {"$": "ids"}, "IncludeAllInstances": True},
        ),
        rows="InstanceStatuses[?InstanceState.Name != 'terminated'].{id: InstanceId, value: InstanceState.Name}",
    ),
    positions={
        "stopped": Call(service="ec2", operation="stop_instances", params={"InstanceIds": [{"$": "id"}]}),
        "running": Call(service="ec2", operation="start_instances", params={"InstanceIds": [{"$": "id"}]}),
    },
    transitional=("pending", "stopping", "shutting-down"),
    settle=5.0,
    co_writers=("its scaling group, unless ReplaceUnhealthy is suspended",),
    retry=("IncorrectInstanceState", "IncorrectState"),
    gone=("InvalidInstanceID.NotFound",),
)


def in_service(instance: Instance) -> Probe:
    """Return the probe whether the instance's scaling group has its desired number of instances in service.

    Nothing replaces an instance without a scaling group. Its probe holds only if the instance runs again.
    """
    if instance.group is None:
        return Probe(
            call=call("ec2", "describe_instances", InstanceIds=[instance.id]),
            holds="length(answer.Reservations[].Instances[] | [?State.Name == 'running']) == `1`",
            about=f"{instance.id} runs",
        )
    fit = "Instances[?LifecycleState == 'InService' && HealthStatus == 'Healthy']"
    return Probe(
        call=call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[instance.group]),
        holds=f"answer.AutoScalingGroups[0] | length({fit}) >= DesiredCapacity",
        about=f"scaling group {instance.group} has as many instances in service as it wants",
    )


def states(ids: list[str], *wanted: str) -> Probe:
    """Whether all of these instances are in instance of the wanted states."""
    listed = " || ".join(f"State.Name == '{state}'" for state in wanted)
    return Probe(
        call=call("ec2", "describe_instances", InstanceIds=ids),
        holds=f"length(answer.Reservations[].Instances[] | [?{listed}]) == `{len(ids)}`",
        about=f"{', '.join(ids)}: {' or '.join(wanted)}",
    )


def irreversible_action(
    context: FaultContext, instance: Instance, operation: str, about: str, why: str
) -> IrreversibleAction:
    """Return an irreversible action on an instance; `in_service` reads whether the system has healed."""
    return IrreversibleAction(
        region=context.region,
        module=instance.module,
        about=about,
        id=instance.id,
        call=Call(service="ec2", operation=operation, params={"InstanceIds": [{"$": "id"}]}),
        healed=in_service(instance),
        why=why,
    )


class TerminateInstance(InstanceTargets):
    """Terminate instances. Nothing brings them back; the system heals when it has replaced them."""

    name: ClassVar[str] = "terminate-instance"
    calls: ClassVar[tuple[str, ...]] = ("ec2.terminate_instances",)
    is_irreversible: ClassVar[bool] = True
    undo: ClassVar[str] = (
        "none: an irreversible action; healed when the scaling group has as many in service as it wants"
    )
    effect: ClassVar[str] = "EC2 shows the instances as shutting down or terminated"
    example: ClassVar[str] = "terminate-instance: {module: web, count: 1}"

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        hit, refusals = self.choose(context)
        lonely = [instance.id for instance in hit if instance.group is None]
        why = "a terminated instance does not come back; its scaling group launches another"
        changes = [
            irreversible_action(
                context,
                instance,
                "terminate_instances",
                f"terminate {instance.id} ({instance.module}, {instance.zone})",
                why,
            )
            for instance in hit
        ]
        return PlannedFault(
            fault=self.name,
            label=self.label("terminate", hit),
            stages=staged(changes),
            effect=effect(self.effect, (states([instance.id for instance in hit], "shutting-down", "terminated"),)),
            hits=shares(context, hit),
            refusals=tuple(refusals),
            warnings=tuple(f"{id_} is in no scaling group: nothing will replace it" for id_ in lonely),
        )


class StopInstance(InstanceTargets):
    """Stop instances, and start them again.

    A scaling group terminates a stopped member, so for members this is an irreversible action. With
    `hold_replacement` it is not: the fault then also suspends the group's HealthCheck and ReplaceUnhealthy processes.
    """

    name: ClassVar[str] = "stop-instance"
    settings: ClassVar[tuple[Setting, ...]] = (POWER, SUSPENDED)
    calls: ClassVar[tuple[str, ...]] = ("ec2.stop_instances",)
    undo: ClassVar[str] = (
        "started again; an irreversible action for members of a scaling group (without hold_replacement) and for spot"
    )
    effect: ClassVar[str] = "EC2 shows the instances as stopped"
    example: ClassVar[str] = "stop-instance: {module: web, share: 30%, hold_replacement: true}"

    hold_replacement: bool = Field(
        False, description="suspend replacement by the scaling group during the fault, so that undo works"
    )

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        hit, refusals = self.choose(context)
        lasting = {instance.id: why for instance in hit if (why := self._irreversible(instance))}
        groups = sorted({instance.group for instance in hit if instance.group}) if self.hold_replacement else []
        held: dict[str, Json] = {g: {"adds": ["HealthCheck", "ReplaceUnhealthy"], "removes": []} for g in groups}
        actions = [
            irreversible_action(
                context,
                instance,
                "stop_instances",
                f"stop {instance.id} ({instance.module}, {instance.zone})",
                lasting[instance.id],
            )
            for instance in hit
            if instance.id in lasting
        ]
        changes = context.changes(POWER, {instance.id: "stopped" for instance in hit if instance.id not in lasting})
        return PlannedFault(
            fault=self.name,
            label=self.label("stop", hit),
            stages=staged([*context.changes(SUSPENDED, held)], [*changes, *actions]),
            effect=effect(self.effect, (states([instance.id for instance in hit], "stopped", "terminated"),)),
            hits=shares(context, hit),
            refusals=tuple(refusals),
        )

    def _irreversible(self, instance: Instance) -> str:
        if instance.spot:
            return "a stopped spot instance may never start again"
        if instance.instance_store:
            return "EC2 cannot stop an instance with an instance store root: it would be lost"
        if instance.group and not self.hold_replacement:
            return f"scaling group {instance.group} terminates a stopped member; hold_replacement: true prevents that"
        return ""


class RebootInstance(InstanceTargets):
    """Reboot instances: they stop answering until they have booted."""

    name: ClassVar[str] = "reboot-instance"
    calls: ClassVar[tuple[str, ...]] = ("ec2.reboot_instances",)
    is_irreversible: ClassVar[bool] = True
    undo: ClassVar[str] = (
        "none: an irreversible action; healed when the scaling group has as many in service as it wants"
    )
    effect: ClassVar[str] = "an instance's status check is not ok, or its load balancer finds it unhealthy"
    example: ClassVar[str] = "reboot-instance: {module: checkout, count: 1}"

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        hit, refusals = self.choose(context)
        ids = [instance.id for instance in hit]
        sick = "InstanceStatuses[?InstanceStatus.Status != 'ok']"
        status = Probe(
            call=call("ec2", "describe_instance_status", InstanceIds=ids, IncludeAllInstances=True),
            value=f"length({sick})",
            holds=f"length(answer.{sick}) > was",
            about="an instance's status check is not ok",
        )
        why = "nothing undoes a reboot; the instance boots by itself"
        changes = [
            irreversible_action(
                context, instance, "reboot_instances", f"reboot {instance.id} ({instance.module}, {instance.zone})", why
            )
            for instance in hit
        ]
        return PlannedFault(
            fault=self.name,
            label=self.label("reboot", hit),
            stages=staged(changes),
            effect=effect(self.effect, (status, *any_unfit(context, hit))),
            hits=shares(context, hit),
            refusals=tuple(refusals),
        )
