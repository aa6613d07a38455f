"""A fault must not hit what this process needs to send the undo."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.aws.account import Account
from gameday.aws.answers.ec2 import DESCRIBE_INSTANCES, instances_of
from gameday.change import PlannedFault
from gameday.errors import AwsError
from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection


def own_instance(context: PlanContext) -> Iterator[Objection]:
    """Refuse to hit the instance that this process runs on, its subnet or its interfaces."""
    instance, touched = context.request.instance, touched_by(context.plan.planned_faults)
    if instance is None or not touched:
        return
    for needed in _needed(instance, context.account, context.plan.region):
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


def _needed(instance: str, account: Account, region: str) -> list[str]:
    """The instance, its subnet and its interfaces; nothing where it is in another account or region."""
    try:
        answer = account.call(DESCRIBE_INSTANCES.call(InstanceIds=[instance]), region)
    except AwsError as error:
        if error.code.startswith("InvalidInstanceID"):
            return []
        raise
    needed = [instance]
    for raw in instances_of(DESCRIBE_INSTANCES.typed(answer)):
        needed.append(raw.get("SubnetId", ""))
        needed += [interface["NetworkInterfaceId"] for interface in raw.get("NetworkInterfaces", [])]
    return needed
