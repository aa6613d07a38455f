"""Two faults must not act on one resource where one of them does what nothing undoes."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.aws.account import Account
from gameday.aws.answers.ec2 import DESCRIBE_INSTANCES, instances_of
from gameday.change import PlannedFault
from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection

_REMEDY = "name other targets in one of the two, or write two experiments"
_KEEPS_INTERFACES = "reboot_instances"


def shared_targets(context: PlanContext) -> Iterator[Objection]:
    """Refuse two faults that act on one resource, where one of them does what nothing undoes.

    EC2 rejects a reboot of an instance that stops, and any change of an instance that terminates or of its interfaces
    (EC2 API Reference, "Error codes": IncorrectInstanceState, InvalidNetworkInterfaceID.NotFound).
    """
    faults = context.plan.planned_faults
    for number, planned_fault in enumerate(faults):
        acted = _acted_on(planned_fault, context)
        for other in (*faults[:number], *faults[number + 1 :]):
            for id_ in sorted(acted.keys() & _targets(other)):
                if other in faults[:number] and id_ in _acted_on(other, context):
                    continue  # the other one names it already
                what = acted[id_] if acted[id_] == id_ else f"{id_}, an interface of {acted[id_]}"
                yield Objection(f"{planned_fault.fault} and {other.fault} would both act on {what}", _REMEDY)


def _targets(planned_fault: PlannedFault) -> set[str]:
    return {target for change in planned_fault.changes for target in change.targets}


def _acted_on(planned_fault: PlannedFault, context: PlanContext) -> dict[str, str]:
    """Return each id that an irreversible action reaches → the resource that it acts on. Raises AwsError."""
    actions = planned_fault.irreversible_actions
    ended = {action.id for action in actions if action.call.operation != _KEEPS_INTERFACES and action.id[:2] == "i-"}
    others = any(
        target.startswith("eni-")
        for other in context.plan.planned_faults
        if other is not planned_fault
        for target in _targets(other)
    )
    interfaces = _interfaces(ended, context.account, context.plan.region) if ended and others else {}
    return {**{action.id: action.id for action in actions}, **interfaces}


def _interfaces(instances: set[str], account: Account, region: str) -> dict[str, str]:
    answer = account.call(DESCRIBE_INSTANCES.call(InstanceIds=sorted(instances)), region)
    return {
        interface["NetworkInterfaceId"]: raw["InstanceId"]
        for raw in instances_of(DESCRIBE_INSTANCES.typed(answer))
        for interface in raw.get("NetworkInterfaces", [])
    }
