"""States of subnets and network interfaces, and what faults do with them.

isolate-module changes a subnet's ACL only where every interface in the subnet is one of the module's.
"""

from __future__ import annotations

from gameday.faults.hazards.hazard import WORKS, Answer, TargetState, refuses, warns

GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide/"
EC2 = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"
ACLS = f'{GUIDE}nacl-basics.html, "Network ACL basics"'
SHARING = f'{GUIDE}vpc-share-limitations.html, "Responsibilities and permissions for owners and participants"'
TRACKING = f'{EC2}security-group-connection-tracking.html, "Untracked connections"'
MANAGED = f'{EC2}requester-managed-eni.html, "Requester-managed network interfaces"'


def _each(blackhole: Answer = WORKS, isolate: Answer = WORKS) -> dict[str, Answer]:
    """Return the answers of the faults that meet a subnet."""
    return {"az-blackhole": blackhole, "isolate-module": isolate}


_HELD = refuses("GD-P29", "an ACL that a run of Gameday made")
_BY_GROUPS = warns("GD-W10", "let everything in that can reach them")

SUBNETS = (
    TargetState("default ACL", "the subnet uses the default ACL of its VPC", ACLS, _each()),
    TargetState("custom ACL", "the subnet uses an ACL of its own: the undo gives it back", ACLS, _each()),
    TargetState(
        "ACL of a run",
        "its ACL carries the tag gameday:run: an earlier run was not undone",
        "harness/gameday/change/call.py, RUN_TAG",
        _each(_HELD, _HELD),
    ),
    TargetState(
        "default subnet",
        "DefaultForAz is true",
        f"{GUIDE}default-subnet.html",
        _each(),
    ),
    TargetState(
        "shared, tags seen",
        "OwnerId is another account, which alone may change the ACL",
        SHARING,
        _each(refuses("GD-P38", "is shared by account"), _BY_GROUPS),
    ),
    TargetState(
        "shared, tags not seen",
        "OwnerId is another account: a participant does not see the owner's tags",
        SHARING,
        _each(refuses("GD-P10", "which account 999999999999 owns and shares"), _BY_GROUPS),
    ),
    TargetState(
        "interface of others",
        "it holds an interface that the workload does not own: a database, an endpoint, a function, …",
        MANAGED,
        _each(refuses("GD-P10", "interfaces that the workload does not own would be cut off too"), _BY_GROUPS),
        values=(
            "RDSNetworkInterface",
            "EFS mount target for fs-0abc (fsmt-0abc)",
            "ElastiCache sessions-0001-001",
            "Interface for NAT Gateway nat-0abc",
            "VPC Endpoint Interface vpce-0abc",
            "ELB app/other/50dc6c495c0c9188",
            "AWS Lambda VPC ENI-other-30bb1fd5-e726-4d80-9ff2-52fd62cd548c",
            "Amazon EKS other",
        ),
    ),
    TargetState(
        "without the opt-in tag",
        "the subnet's Tags lack the workload's opt-in tag",
        "README.md, opt-in",
        _each(refuses("GD-P11", "subnet-"), refuses("GD-P11", "subnet-")),
    ),
    TargetState(
        "no healthy target",
        "no target group finds a target in it healthy: nothing would show the cut",
        "Elastic Load Balancing API Reference (version 2), TargetHealth",
        _each(refuses("GD-P10", "nothing would show"), refuses("GD-P10", "nothing would show")),
        values=("initial", "unhealthy", "unhealthy.draining", "unused", "draining", "unavailable"),
    ),
)
"""Of subnets."""

INTERFACES = (
    TargetState("private", "it has no public address", TRACKING, {"isolate-module": _BY_GROUPS}),
    TargetState(
        "public address",
        "it has an Association: AWS tracks its connections once an open group would expose it",
        TRACKING,
        {"isolate-module": warns("GD-W10", "with a public address")},
    ),
    TargetState(
        "IPv6 address",
        "Ipv6Addresses is not empty: the internet could reach it",
        TRACKING,
        {"isolate-module": warns("GD-W10", "with a public address")},
    ),
    TargetState(
        "behind a Network Load Balancer",
        "connections through it are tracked in any case",
        TRACKING,
        {"isolate-module": warns("GD-W10", "Network Load Balancers (target group web)")},
    ),
    TargetState(
        "security group of a run",
        "one of its groups carries the tag gameday:run: an earlier run was not undone",
        "harness/gameday/change/call.py, RUN_TAG",
        {"isolate-module": refuses("GD-P29", "a security group that a run of Gameday made")},
    ),
    TargetState(
        "tracking timeout of its own",
        "ConnectionTrackingConfiguration.TcpEstablishedTimeout is set",
        "Amazon EC2 API Reference, ConnectionTrackingConfiguration",
        {"isolate-module": warns("GD-W10", "for up to 2m without traffic")},
    ),
)
"""Of network interfaces, in subnets that others use, too: isolate-module then changes security groups."""
