"""A shared subnet belongs to another account, which alone may change its network ACL."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.aws.account import read
from gameday.aws.answers.ec2 import DESCRIBE_INSTANCES, DESCRIBE_SUBNETS, instances_of
from gameday.faults.blackhole import AzBlackhole
from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection

_REMEDY = "run it in the account that owns the subnet, or use isolate-module"


def subnet_owners(context: PlanContext) -> Iterator[Objection]:
    """Refuse to cut off subnets that another account owns and shares.

    A participant sees neither the owner's tags nor its network ACLs (Amazon VPC User Guide, "Share your VPC").
    """
    plan = context.plan
    faults = [planned_fault for planned_fault in plan.planned_faults if planned_fault.fault == AzBlackhole.name]
    if plan.place == "twin":
        return
    hit = sorted({each.id for fault in faults for each in fault.hit if each.resource == "instance"})
    if not hit:
        return
    instances = instances_of(read(context.account, plan.region, DESCRIBE_INSTANCES, InstanceIds=hit))
    subnets = sorted({raw["SubnetId"] for raw in instances if "SubnetId" in raw})
    if not subnets:
        return
    for subnet in read(context.account, plan.region, DESCRIBE_SUBNETS, SubnetIds=subnets)["Subnets"]:
        owner = subnet.get("OwnerId", plan.account)
        if owner != plan.account:
            text = f"{subnet['SubnetId']} is shared by account {owner}, which alone may change its network ACL"
            yield Objection(text, _REMEDY)
