"""Every case of `gameday conform`: one for each setting that a cheap resource has, and for questions left open."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gameday.change import CreatedResource, Json
from gameday.conform import resources
from gameday.conform.case import Case, Target
from gameday.faults.apigateway import THROTTLING
from gameday.faults.autoscaling import SUBNETS, SUSPENDED
from gameday.faults.dynamodb import CAPACITY
from gameday.faults.ec2 import POWER
from gameday.faults.lambda_ import CONCURRENCY
from gameday.faults.vpc import ACL, GROUPS, deny_all_acl, empty_group

MANY = 20
"""Security groups of the case that counts how often a new one is unknown."""

UNITS = 2
"""Capacity of the case's table; the case halves it."""


def cases(region: str, run: str, account: str, partition: str) -> tuple[Case, ...]:
    """Return all cases; the names of what they make hold the run's id."""
    name = resources.name_of(run)
    role = f"arn:{partition}:iam::{account}:role{resources.ROLES}{name}"
    net = (resources.network(region),), (resources.subnet(region, "subnet", 0), resources.subnet(region, "other", 1))
    acl, group = (
        _in_vpc(made) for made in (deny_all_acl(region, "", "acl"), empty_group(region, "", "sg", ipv6=False))
    )
    template, members = resources.launch_template(region, name), resources.scaling_group(region, name)
    return (
        Case(
            "function.concurrency",
            ((resources.role(region, name),), (resources.function(region, name, role),)),
            CONCURRENCY,
            _of("function", 0),
        ),
        Case(
            "table.capacity",
            ((resources.table(region, name, UNITS),),),
            CAPACITY,
            _of("table", {"ReadCapacityUnits": UNITS // 2, "WriteCapacityUnits": UNITS // 2}),
        ),
        Case("stage.throttling", ((resources.rest_api(region, name, 100, 50),),), THROTTLING, _stage(50, 20)),
        Case(
            "stage.throttling to 0",
            ((resources.rest_api(region, name, 100, 50),),),
            THROTTLING,
            _stage(0, 0),
            "does a stage take a rate and a burst of 0?",
        ),
        Case(
            "stage.throttling from -1",
            ((resources.rest_api(region, name, -1, -1),),),
            THROTTLING,
            _stage(50, 20),
            "can −1, which means no limit, be written back?",
        ),
        Case("subnet.acl", (*net, (acl,)), ACL, lambda made: Target(made["subnet"], made["acl"])),
        Case(
            "interface.groups",
            (*net, (resources.interface(region), group)),
            GROUPS,
            lambda made: Target(made["interface"], [made["sg"]]),
        ),
        Case(
            "security groups, just made",
            (net[0], tuple(_in_vpc(empty_group(region, "", f"sg{n}", ipv6=False)) for n in range(MANY))),
            question=f"of {MANY} new security groups, how many are unknown to the call right after?",
        ),
        Case(
            "group.suspended",
            (*net, (template,), (members,)),
            SUSPENDED,
            _of("group", {"adds": ["AZRebalance"], "removes": []}),
        ),
        Case(
            "group.subnets",
            (*net, (template,), (members,)),
            SUBNETS,
            lambda made: Target(made["group"], made["subnet"]),
        ),
        Case("instance.power", (*net, (resources.instance(region),)), POWER, _of("instance", "stopped")),
    )


def _of(name: str, wanted: Json) -> Callable[[Mapping[str, str]], Target]:
    return lambda made: Target(made[name], wanted)


def _stage(rate: float, burst: int) -> Callable[[Mapping[str, str]], Target]:
    def target(made: Mapping[str, str]) -> Target:
        api = made["api"]
        return Target(
            f"{api}/{resources.STAGE}", {"rate": rate, "burst": burst}, {"api": api, "stage": resources.STAGE}
        )

    return target


def _in_vpc(made: CreatedResource) -> CreatedResource:
    """Return what a fault creates in a VPC, in the VPC of the case."""
    return made.model_copy(update={"args": {**made.args, "vpc": {"$": "made.vpc"}}})


OPEN = (
    "does UpdateAutoScalingGroup of subnets alone ask for ec2:RunInstances and iam:PassRole?",
    "does Lambda take a reserved concurrency of 0 beside provisioned concurrency?",
    "do SuspendProcesses and ResumeProcesses pass while an instance refresh runs?",
    "does DynamoDB take a capacity below the warm throughput?",
    "for how long does a scaling group list a terminated instance as InService?",
    "does a reboot ever show in InstanceStatus?",
    "does a connection that is kept alive outlive each step of isolate-module?",
    "does an instance with a customer-managed key start again under the derived policy?",
    "does ReplaceNetworkAclAssociation pass under the derived policy, without rights on the ACL of before?",
)
"""Questions that AWS's documents leave open, and no case answers yet: they need traffic, members, or other roles."""
