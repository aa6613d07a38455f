"""A fault must not cut the way on which this process sends the undo to AWS."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection
from gameday.plan.guards.own_instance import own_description, touched_by
from gameday.plan.way_to_aws import passages

_REMEDY = "run it from another machine, outside of what the fault cuts off"


def own_way(context: PlanContext) -> Iterator[Objection]:
    """Refuse to cut what this process's calls pass through; warn where nobody can tell what that is."""
    plan, request = context.plan, context.request
    touched = touched_by(plan.planned_faults)
    cut = frozenset(id_ for id_ in touched if id_.startswith(("subnet-", "eni-")))
    if not cut:
        return
    own = own_description(context)
    if own is None:
        if request.unplaced:
            text = f"this process runs in {request.unplaced}: Gameday cannot tell whether the fault cuts its way to AWS"
            yield Objection(text, "make sure that it runs outside of the subnets that the plan names", refuses=False)
        return
    vpc, subnet = own.get("VpcId", ""), own.get("SubnetId", "")
    if not subnet:
        return
    for passage in passages(context.account, plan.region, vpc, subnet, _services(context)):
        hit = sorted(passage.through & cut)
        if not hit:
            continue
        label, is_whole = touched[hit[0]][0], passage.through <= cut
        what = "cut" if is_whole else "cut a part of"
        text = f"{label} would {what} the way of this process to AWS: {passage.about} is in {', '.join(hit)}"
        yield Objection(text, _REMEDY, refuses=is_whole)


def _services(context: PlanContext) -> frozenset[str]:
    """Return the services that the undo calls."""
    changes = [change for planned_fault in context.plan.planned_faults for change in planned_fault.changes]
    calls = [call for change in changes for call in (change.read_call, *(of.call for of in change.undo_templates()))]
    role, store = context.plan.workload.role, context.plan.workload.store
    return frozenset({call.service for call in calls} | ({"sts"} if role else set()) | ({"s3"} if store else set()))
