"""Faults of EC2 instances: terminate, stop, reboot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from gameday.aws.resources import Instance
from gameday.change import Call, IrreversibleAction, Json, PlannedFault, Probe, Read, Setting, SettingChange, Shape
from gameday.faults.autoscaling import SUSPENDED
from gameday.faults.fault import FaultContext, InstanceTargets, call, effect, shares, staged
from gameday.faults.healing import Healing, of_group, replacement, serving_again
from gameday.faults.instance_conditions import groups_of, lost, stoppable, terminable, undeleted, unstoppable
from gameday.faults.reboots import reboot_healing, reboot_probes, unseen_reboots

IDS = 100
"""Ids in one request (Amazon EC2 API Reference, DescribeInstanceStatus: at most 100)."""

WANTED = ("Client.UserInitiatedShutdown", "Client.UserInitiatedHibernate", "Client.InstanceInitiatedShutdown")
"""Reasons for which somebody stopped an instance (Amazon EC2 API Reference, StateReason).

With any other reason a start was accepted and then dropped: Client.InternalError where EC2 may not use the key of a
volume, Client.InvalidSnapshot.NotFound, Client.VolumeLimitExceeded, Server.InsufficientInstanceCapacity, and others.
"""

_STOPPED = ", ".join(f'"{reason}"' for reason in (*WANTED, "Server.ScheduledStop"))

POWER = Setting(
    name="instance.power",
    about="whether an instance runs or is stopped",
    shape=Shape.SWITCH,
    resource="instance",
    read=Read(
        # DescribeInstanceStatus has no StateReason.
        call=Call(service="ec2", operation="describe_instances", params={"InstanceIds": {"$": "ids"}}),
        rows=(
            "Reservations[].Instances[] | [?State.Name != 'terminated']"
            ".{id: InstanceId, value: State.Name, reason: StateReason.Code, message: StateReason.Message}"
        ),
    ),
    positions={
        "stopped": Call(service="ec2", operation="stop_instances", params={"InstanceIds": [{"$": "id"}]}),
        "running": Call(service="ec2", operation="start_instances", params={"InstanceIds": [{"$": "id"}]}),
    },
    transitional=("pending", "stopping", "shutting-down"),
    failed=f"value == 'stopped' && reason && !contains(`[{_STOPPED}]`, reason) && (message || reason)",
    settle=5.0,
    co_writers=("its scaling group, unless ReplaceUnhealthy is suspended",),
    retry=("IncorrectInstanceState", "IncorrectState"),
    gone=("InvalidInstanceID.NotFound",),
)


def states(ids: Sequence[str], *wanted: str) -> tuple[Probe, ...]:
    """Return probes that hold once all of these instances are in one of the wanted states."""
    listed = " || ".join(f"State.Name == '{state}'" for state in wanted)
    return tuple(
        Probe(
            call=call("ec2", "describe_instances", InstanceIds=some),
            holds=f"length(answer.Reservations[].Instances[] | [?{listed}]) == `{len(some)}`",
            about=f"{', '.join(some)}: {' or '.join(wanted)}",
            covers=tuple(some),
        )
        for some in (list(ids[start : start + IDS]) for start in range(0, len(ids), IDS))
    )


def irreversible_action(
    context: FaultContext, instance: Instance, verb: str, why: str, healing: Healing, losses: tuple[str, ...] = ()
) -> IrreversibleAction:
    """Return an irreversible action on an instance: terminate, stop or reboot."""
    return IrreversibleAction(
        region=context.region,
        module=instance.module,
        about=f"{verb} {instance.id} ({instance.module}, {instance.zone})",
        id=instance.id,
        call=Call(service="ec2", operation=f"{verb}_instances", params={"InstanceIds": [{"$": "id"}]}),
        healed=healing.probe,
        whole=healing.whole,
        claims_healing=healing.is_claimed,
        why=why,
        lost=losses,
    )


class TerminateInstance(InstanceTargets):
    """Terminate instances. Nothing brings them back; the system heals when it has replaced them."""

    name: ClassVar[str] = "terminate-instance"
    calls: ClassVar[tuple[str, ...]] = ("ec2.terminate_instances",)
    is_irreversible: ClassVar[bool] = True
    undo: ClassVar[str] = "none: an irreversible action; healed when what launches instances has replaced them"
    effect: ClassVar[str] = "EC2 shows the instances as shutting down or terminated"
    example: ClassVar[str] = "terminate-instance: {module: web, count: 1}"

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        hit, refusals = self.choose(context)
        losses = lost(context, hit, terminated=True)
        healings = {instance.id: replacement(context, instance, hit) for instance in hit}
        changes = [
            irreversible_action(
                context,
                instance,
                "terminate",
                _replaced(healings[instance.id]),
                healings[instance.id],
                losses[instance.id],
            )
            for instance in hit
        ]
        return PlannedFault(
            fault=self.name,
            label=self.label("terminate", hit),
            stages=staged(changes),
            effect=effect(self.effect, states([instance.id for instance in hit], "shutting-down", "terminated")),
            hits=shares(context, hit),
            conditions=tuple(terminable(hit)),
            refusals=tuple(refusals),
            warnings=tuple(healing.warning for healing in healings.values() if healing.warning),
        )


def _replaced(healing: Healing) -> str:
    launched = f"{healing.replaced_by} launches another" if healing.replaced_by else "nothing known launches another"
    return f"a terminated instance does not come back; {launched}"


class StopInstance(InstanceTargets):
    """Stop instances, and start them again.

    A scaling group terminates a stopped member, so for members this is an irreversible action. With
    `hold_replacement` it is not: the fault then also suspends the group's HealthCheck and ReplaceUnhealthy processes,
    until the instances run and every target group finds them healthy again.
    """

    name: ClassVar[str] = "stop-instance"
    settings: ClassVar[tuple[Setting, ...]] = (POWER, SUSPENDED)
    calls: ClassVar[tuple[str, ...]] = ("ec2.stop_instances",)
    undo: ClassVar[str] = (
        "started again; an irreversible action for members of a scaling group (without hold_replacement)"
    )
    effect: ClassVar[str] = "EC2 shows the instances as stopped"
    example: ClassVar[str] = "stop-instance: {module: web, share: 30%, hold_replacement: true}"

    hold_replacement: bool = Field(
        False, description="suspend replacement by the scaling group during the fault, so that undo works"
    )

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        hit, refusals = self.choose(context)
        refusals += [why for instance in hit if (why := unstoppable(instance))]
        losses = lost(context, hit, terminated=False)
        lasting = [instance for instance in hit if instance.group and not self.hold_replacement]
        actions = [
            irreversible_action(
                context,
                instance,
                "stop",
                f"scaling group {instance.group} terminates a stopped member; hold_replacement: true prevents that",
                of_group(str(instance.group), hit),
                losses[instance.id],
            )
            for instance in lasting
        ]
        started = [instance for instance in hit if instance not in lasting]
        changes = [
            change.model_copy(update={"lost": losses[change.id]})
            for change in context.changes(POWER, {instance.id: "stopped" for instance in started})
        ]
        return PlannedFault(
            fault=self.name,
            label=self.label("stop", hit),
            stages=staged(self._held(context, started), [*changes, *actions]),
            effect=effect(self.effect, states([instance.id for instance in hit], "stopped", "terminated")),
            hits=shares(context, hit),
            conditions=(*stoppable(context, hit), *undeleted(groups_of(hit))),
            refusals=tuple(refusals),
            warnings=tuple(_capacity_warnings(started)),
        )

    def _held(self, context: FaultContext, started: list[Instance]) -> list[SettingChange]:
        """Suspend replacing in the groups of the stopped instances, until those serve again."""
        groups = groups_of(started)
        held: dict[str, Json] = {g: {"adds": ["HealthCheck", "ReplaceUnhealthy"], "removes": []} for g in groups}
        return [
            change.model_copy(update={"undo_when": serving_again(context, change.id, started)})
            for change in context.changes(SUSPENDED, held)
        ]


def _capacity_warnings(started: list[Instance]) -> list[str]:
    """Return warnings of starts that EC2 may have no capacity for.

    Source: Amazon EC2 User Guide, "Troubleshoot Amazon EC2 instance launch issues", Insufficient instance capacity.
    """
    places = sorted({(instance.type, instance.zone) for instance in started})
    hosted = [instance.id for instance in started if instance.on_dedicated_host]
    return [
        *(
            f"EC2 may have no {type_} free in {zone} when Gameday starts them again (InsufficientInstanceCapacity)"
            for type_, zone in places
        ),
        *(
            f"{id_} needs room on a Dedicated Host of its account to start again (InsufficientHostCapacity)"
            for id_ in hosted
        ),
    ]


class RebootInstance(InstanceTargets):
    """Reboot instances: they stop answering until they have booted."""

    name: ClassVar[str] = "reboot-instance"
    calls: ClassVar[tuple[str, ...]] = ("ec2.reboot_instances",)
    is_irreversible: ClassVar[bool] = True
    undo: ClassVar[str] = (
        "none: an irreversible action; healed when its scaling group, or EC2's status check, finds it fit"
    )
    effect: ClassVar[str] = "new console output of a boot, a failing status check, or an unhealthy target"
    example: ClassVar[str] = "reboot-instance: {module: checkout, count: 1}"

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        hit, refusals = self.choose(context)
        probes = reboot_probes(context, hit)
        why = "nothing undoes a reboot; the instance boots by itself"
        changes = [irreversible_action(context, instance, "reboot", why, reboot_healing(instance)) for instance in hit]
        return PlannedFault(
            fault=self.name,
            label=self.label("reboot", hit),
            stages=staged(changes),
            effect=effect(self.effect, probes),
            hits=shares(context, hit),
            refusals=tuple(refusals),
            warnings=unseen_reboots(hit, probes),
        )
