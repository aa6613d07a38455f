"""Faults of EC2 instances: terminate, stop, reboot."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from gameday.aws.inventory import Instance
from gameday.change import Call, IrreversibleAction, Json, PlannedFault, Probe, Read, Setting, Shape
from gameday.faults.autoscaling import SUSPENDED
from gameday.faults.fault import (
    FaultContext,
    InstanceTargets,
    call,
    effect,
    not_opted_in,
    shares,
    staged,
    unhealthy_targets,
)

POWER = Setting(
    name="instance.power",
    about="whether an instance runs or is stopped",
    shape=Shape.SWITCH,
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


def in_service(one: Instance) -> Probe:
    """Whether the instance's scaling group is whole again: as many in service as it wants.

    An instance without a scaling group is not replaced by anything: the probe then holds only if it runs again.
    """
    if one.group is None:
        return Probe(
            call=call("ec2", "describe_instances", InstanceIds=[one.id]),
            holds="length(answer.Reservations[].Instances[] | [?State.Name == 'running']) == `1`",
            about=f"{one.id} runs",
        )
    fit = "Instances[?LifecycleState == 'InService' && HealthStatus == 'Healthy']"
    return Probe(
        call=call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[one.group]),
        holds=f"answer.AutoScalingGroups[0] | length({fit}) >= DesiredCapacity",
        about=f"scaling group {one.group} has as many instances in service as it wants",
    )


def states(ids: list[str], *wanted: str) -> Probe:
    """Whether all of these instances are in one of the wanted states."""
    listed = " || ".join(f"State.Name == '{state}'" for state in wanted)
    return Probe(
        call=call("ec2", "describe_instances", InstanceIds=ids),
        holds=f"length(answer.Reservations[].Instances[] | [?{listed}]) == `{len(ids)}`",
        about=f"{', '.join(ids)}: {' or '.join(wanted)}",
    )


def irreversible_action(
    context: FaultContext, one: Instance, operation: str, about: str, why: str
) -> IrreversibleAction:
    """An irreversible action on one instance, healed when its scaling group is whole."""
    return IrreversibleAction(
        region=context.region,
        module=one.module,
        about=about,
        id=one.id,
        call=Call(service="ec2", operation=operation, params={"InstanceIds": [{"$": "id"}]}),
        healed=in_service(one),
        why=why,
    )


class TerminateInstance(InstanceTargets):
    """Terminate instances: gone for good, and whatever replaces them is the system's own healing."""

    name: ClassVar[str] = "terminate-instance"
    calls: ClassVar[tuple[str, ...]] = ("ec2.terminate_instances",)
    is_irreversible: ClassVar[bool] = True
    undo: ClassVar[str] = (
        "none: an irreversible action; healed when the scaling group has as many in service as it wants"
    )
    effect: ClassVar[str] = "the instances are read as shutting down or terminated"
    example: ClassVar[str] = "terminate-instance: {module: web, count: 1}"

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        hit, refusals = self.choose(context)
        lonely = [one.id for one in hit if one.group is None]
        why = "a terminated instance does not come back; its scaling group launches another"
        changes = [
            irreversible_action(
                context, one, "terminate_instances", f"terminate {one.id} ({one.module}, {one.zone})", why
            )
            for one in hit
        ]
        return PlannedFault(
            fault=self.name,
            label=self.label("terminate", hit),
            stages=staged(changes),
            effect=effect(self.effect, (states([one.id for one in hit], "shutting-down", "terminated"),)),
            hits=shares(context, hit),
            without_opt_in=not_opted_in(context, {one.id: one.tags for one in hit}),
            refusals=tuple(refusals),
            warnings=tuple(f"{one} is in no scaling group: nothing will replace it" for one in lonely),
        )


class StopInstance(InstanceTargets):
    """Stop instances, and start them again.

    A scaling group terminates a member that it finds stopped, so for members this is an irreversible action,
    unless their replacing is held (`hold_replacement`): then the group's HealthCheck and ReplaceUnhealthy
    processes are suspended with it.
    """

    name: ClassVar[str] = "stop-instance"
    settings: ClassVar[tuple[Setting, ...]] = (POWER, SUSPENDED)
    calls: ClassVar[tuple[str, ...]] = ("ec2.stop_instances",)
    undo: ClassVar[str] = (
        "started again; an irreversible action for members of a scaling group (without hold_replacement) and for spot"
    )
    effect: ClassVar[str] = "the instances are read as stopped"
    example: ClassVar[str] = "stop-instance: {module: web, share: 30%, hold_replacement: true}"

    hold_replacement: bool = Field(
        False, description="suspend the scaling group's replacing meanwhile, so that undo works"
    )

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        hit, refusals = self.choose(context)
        lasting = {one.id: why for one in hit if (why := self._irreversible(one))}
        groups = sorted({one.group for one in hit if one.group}) if self.hold_replacement else []
        held: dict[str, Json] = {g: {"adds": ["HealthCheck", "ReplaceUnhealthy"], "removes": []} for g in groups}
        actions = [
            irreversible_action(
                context, one, "stop_instances", f"stop {one.id} ({one.module}, {one.zone})", lasting[one.id]
            )
            for one in hit
            if one.id in lasting
        ]
        changes = context.changes(POWER, {one.id: "stopped" for one in hit if one.id not in lasting})
        return PlannedFault(
            fault=self.name,
            label=self.label("stop", hit),
            stages=staged([*context.changes(SUSPENDED, held)], [*changes, *actions]),
            effect=effect(self.effect, (states([one.id for one in hit], "stopped", "terminated"),)),
            hits=shares(context, hit),
            without_opt_in=not_opted_in(context, {one.id: one.tags for one in hit}),
            refusals=tuple(refusals),
        )

    def _irreversible(self, one: Instance) -> str:
        if one.spot:
            return "a stopped spot instance may never start again"
        if one.instance_store:
            return "an instance with an instance store root cannot be stopped; it would be lost"
        if one.group and not self.hold_replacement:
            return f"scaling group {one.group} terminates a stopped member; say hold_replacement: true to hold it"
        return ""


class RebootInstance(InstanceTargets):
    """Reboot instances: they stop answering until they have booted."""

    name: ClassVar[str] = "reboot-instance"
    calls: ClassVar[tuple[str, ...]] = ("ec2.reboot_instances",)
    is_irreversible: ClassVar[bool] = True
    undo: ClassVar[str] = (
        "none: an irreversible action; healed when the scaling group has as many in service as it wants"
    )
    effect: ClassVar[str] = "an instance's status check is not ok, or its load balancer finds it unfit"
    example: ClassVar[str] = "reboot-instance: {module: checkout, count: 1}"

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        hit, refusals = self.choose(context)
        ids = [one.id for one in hit]
        sick = "InstanceStatuses[?InstanceStatus.Status != 'ok']"
        status = Probe(
            call=call("ec2", "describe_instance_status", InstanceIds=ids, IncludeAllInstances=True),
            value=f"length({sick})",
            holds=f"length(answer.{sick}) > was",
            about="an instance's status check is not ok",
        )
        why = "a reboot cannot be taken back; the instance boots by itself"
        changes = [
            irreversible_action(context, one, "reboot_instances", f"reboot {one.id} ({one.module}, {one.zone})", why)
            for one in hit
        ]
        return PlannedFault(
            fault=self.name,
            label=self.label("reboot", hit),
            stages=staged(changes),
            effect=effect(self.effect, (status, *unhealthy_targets(context, hit))),
            hits=shares(context, hit),
            without_opt_in=not_opted_in(context, {one.id: one.tags for one in hit}),
            refusals=tuple(refusals),
        )
