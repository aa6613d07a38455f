"""Which kinds of targets a policy may name by the opt-in tag: those where every target carries the tag itself."""

from __future__ import annotations

from collections.abc import Mapping

from gameday.aws.answers.ec2 import DESCRIBE_NETWORK_INTERFACES
from gameday.aws.answers.operation import tags_of
from gameday.aws.inventory import PAGE, Inventory
from gameday.change import JsonLike
from gameday.plan.plan import Plan

_INTERFACE = "interface"


def bound_by_tags(plan: Plan, inventory: Inventory) -> tuple[str, ...]:
    """Return the kinds of resources, in words, whose targets all carry the opt-in tag. Raises AwsError.

    An interface takes its opt-in from its instance, but a condition of IAM sees only the interface's own tags. They are
    read only where a role needs session policies.
    """
    opt_in = plan.workload.opt_in or {}
    targets: dict[str, set[str]] = {}
    for change in (change for planned_fault in plan.planned_faults for change in planned_fault.changes):
        targets.setdefault(change.resource_kind, set()).update(change.targets)
    lacking = {target for planned_fault in plan.planned_faults for target in planned_fault.without_opt_in}

    def is_bound(kind: str, ids: set[str]) -> bool:
        if not (opt_in and kind and ids) or ids & lacking:
            return False
        return kind != _INTERFACE or (bool(plan.workload.role) and _all_tagged(ids, opt_in, inventory))

    return tuple(kind for kind, ids in sorted(targets.items()) if is_bound(kind, ids))


def _all_tagged(ids: set[str], opt_in: Mapping[str, str], inventory: Inventory) -> bool:
    # Without ids: DescribeNetworkInterfaces takes no page size beside them, and the tag selects what counts.
    filters: list[JsonLike] = [{"Name": f"tag:{key}", "Values": [value]} for key, value in opt_in.items()]
    answer = inventory.read(DESCRIBE_NETWORK_INTERFACES, Filters=filters, MaxResults=PAGE)
    tagged = {
        raw["NetworkInterfaceId"]
        for raw in answer["NetworkInterfaces"]
        if opt_in.items() <= tags_of(raw.get("TagSet", [])).items()
    }
    return ids <= tagged
