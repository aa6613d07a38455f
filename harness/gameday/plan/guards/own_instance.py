"""A fault must not hit what this process needs to send the undo."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.aws.answers.ec2 import DESCRIBE_INSTANCES, InstanceDescription, instances_of
from gameday.change import PlannedFault
from gameday.errors import AwsError
from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection


def own_instance(context: PlanContext) -> Iterator[Objection]:
    """Refuse to hit the instance that this process runs on, its subnet or its interfaces."""
    instance, touched = context.request.instance, touched_by(context.plan.planned_faults)
    own = own_description(context) if touched else None
    if instance is None or own is None:
        return
    for needed in _needed(instance, own):
        for label in dict.fromkeys(touched.get(needed, [])):
            yield Objection(
                f"{label} would hit {needed}, which this process needs to send the undo (it runs on {instance})",
                "run it from another machine",
            )


def touched_by(planned_faults: tuple[PlannedFault, ...]) -> dict[str, list[str]]:
    """The id of each changed resource → the faults that change it."""
    touched: dict[str, list[str]] = {}
    for planned_fault in planned_faults:
        for change in planned_fault.changes:
            for target in change.targets:
                touched.setdefault(target, []).append(planned_fault.label)
    return touched


def own_description(context: PlanContext) -> InstanceDescription | None:
    """Return the instance that this process runs on; None where it is in another account or region."""
    if context.request.instance is None:
        return None
    call = DESCRIBE_INSTANCES.call(InstanceIds=[context.request.instance])
    try:
        answer = context.account.call(call, context.plan.region)
    except AwsError as error:
        if error.code.startswith("InvalidInstanceID"):
            return None
        raise
    return next(iter(instances_of(DESCRIBE_INSTANCES.typed(answer))), None)


def _needed(instance: str, own: InstanceDescription) -> list[str]:
    interfaces = [interface["NetworkInterfaceId"] for interface in own.get("NetworkInterfaces", [])]
    return [instance, own.get("SubnetId", ""), *interfaces]
