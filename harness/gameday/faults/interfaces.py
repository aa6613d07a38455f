"""Whose interfaces a subnet holds: those of the workload, of what AWS made for it, and of strangers."""

from __future__ import annotations

from gameday.aws.answers.ec2 import DESCRIBE_NAT_GATEWAYS, DESCRIBE_NETWORK_INTERFACES
from gameday.aws.answers.elbv2 import DESCRIBE_LOAD_BALANCERS, DESCRIBE_TAGS
from gameday.aws.answers.operation import tags_of
from gameday.aws.kinds import FUNCTION
from gameday.aws.resources import Subnet
from gameday.faults.fault import FaultContext


def foreign_interfaces(context: FaultContext, subnets: list[Subnet]) -> list[str]:
    """Return the interfaces in the subnets that belong neither to the workload nor to a resource that AWS made for it.

    An interface of a load balancer, NAT gateway or function belongs to its parent, which its description names:
    `ELB app/NAME/ID`, `Interface for NAT Gateway ID`, `AWS Lambda VPC ENI-NAME-ID`.
    """
    if not subnets:
        return []
    ids = [subnet.id for subnet in subnets]
    answer = context.inventory.read(DESCRIBE_NETWORK_INTERFACES, Filters=[{"Name": "subnet-id", "Values": ids}])
    ours = {interface for instance in context.inventory.instances for interface in instance.interfaces}
    others = [
        raw
        for raw in answer["NetworkInterfaces"]
        if raw["NetworkInterfaceId"] not in ours and not context.inventory.owns(tags_of(raw.get("TagSet", [])))
    ]
    parents = _parents(context) if others else ()
    return sorted(
        raw["NetworkInterfaceId"]
        for raw in others
        if not any(raw.get("Description", "").startswith(parent) for parent in parents)
    )


def _parents(context: FaultContext) -> tuple[str, ...]:
    """How the descriptions of the interfaces of the workload's load balancers, NAT gateways and functions begin."""
    arns = [raw["LoadBalancerArn"] for raw in context.inventory.read(DESCRIBE_LOAD_BALANCERS)["LoadBalancers"]]
    owned = []
    for start in range(0, len(arns), 20):  # DescribeTags takes 20 at once
        answer = context.inventory.read(DESCRIBE_TAGS, ResourceArns=arns[start : start + 20])
        tagged = answer["TagDescriptions"]
        owned += [raw["ResourceArn"] for raw in tagged if context.inventory.owns(tags_of(raw["Tags"]))]
    gateways = context.inventory.read(DESCRIBE_NAT_GATEWAYS)["NatGateways"]
    return (
        *(f"ELB {arn.rpartition('loadbalancer/')[2]}" for arn in owned),
        *(
            f"Interface for NAT Gateway {raw['NatGatewayId']}"
            for raw in gateways
            if context.inventory.owns(tags_of(raw.get("Tags", [])))
        ),
        *(f"AWS Lambda VPC ENI-{function.name}-" for function in context.inventory.resources(FUNCTION)),
    )
