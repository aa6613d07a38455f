"""Whose a network interface is, as data: what AWS writes into its description, and the read of its owner's tags.

AWS documents few of these descriptions in one place. Sources: Amazon VPC User Guide, "Requester-managed network
interfaces"; NAT gateway basics; AWS Lambda Developer Guide, "VPC networking"; AWS Knowledge Center, "find the resources
that use a network interface"; and descriptions in published Terraform states.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gameday.aws.kinds import FUNCTION, ResourceKind
from gameday.change import Call
from gameday.faults.fault import call


@dataclass(frozen=True)
class OwnerRule:
    """A kind of owner: its interfaces' descriptions, and the read of its tags.

    `pattern` matches a whole description. `read` sees id and arn. `owners` is a JMESPath over its answer to rows
    {id, tags}, with `ZONE` and `SUBNET` for those of the interface. A row without an id has the one of the description.
    """

    kind: str  # in words
    pattern: str
    read: Call | None = None  # None: AWS has no read from the interface to its owner
    owners: str = ""
    arn: str = ""  # the owner's ARN, with {partition}, {region}, {account} and {id}
    named_as: ResourceKind | None = None  # a kind that modules may own by name

    def id_in(self, description: str) -> str | None:
        """Return the owner's id, empty where the description names none; None where it is of another kind."""
        match = re.fullmatch(self.pattern, description)
        return match.groupdict().get("id", "") if match else None


UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

RULES = (
    OwnerRule(
        "instance",
        r"instance (?P<id>i-\w+)",  # written by Gameday, from the attachment
        call("ec2", "describe_instances", InstanceIds=[{"$": "id"}]),
        "Reservations[].Instances[].{id: InstanceId, tags: Tags}",
    ),
    OwnerRule(
        "load balancer",
        r"ELB (?P<id>(app|net|gwy)/.+)",
        call("elbv2", "describe_tags", ResourceArns=[{"$": "arn"}]),
        "TagDescriptions[].{tags: Tags}",
        "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/{id}",
    ),
    OwnerRule(
        "classic load balancer",
        r"ELB (?P<id>[^/]+)",
        call("elb", "describe_tags", LoadBalancerNames=[{"$": "id"}]),
        "TagDescriptions[].{tags: Tags}",
    ),
    OwnerRule(
        "NAT gateway",
        r"Interface for NAT Gateway (?P<id>nat-\w+)",
        call("ec2", "describe_nat_gateways", NatGatewayIds=[{"$": "id"}]),
        "NatGateways[].{id: NatGatewayId, tags: Tags}",
    ),
    OwnerRule(
        "function",
        rf"AWS Lambda VPC ENI-(?P<id>.+)-{UUID}",
        call("lambda", "list_tags", Resource={"$": "arn"}),
        "[{tags: Tags}]",
        "arn:{partition}:lambda:{region}:{account}:function:{id}",
        named_as=FUNCTION,
    ),
    OwnerRule(
        "interface endpoint",
        r"VPC Endpoint Interface (?P<id>vpce-\w+)",
        call("ec2", "describe_vpc_endpoints", VpcEndpointIds=[{"$": "id"}]),
        "VpcEndpoints[].{id: VpcEndpointId, tags: Tags}",
    ),
    OwnerRule(
        # The interface does not name its database. AWS puts it into a subnet of the database's group, in its zone.
        "RDS database",
        r"RDSNetworkInterface",
        call("rds", "describe_db_instances"),
        "DBInstances[?(AvailabilityZone == 'ZONE' || SecondaryAvailabilityZone == 'ZONE') && "
        "contains(DBSubnetGroup.Subnets[].SubnetIdentifier, 'SUBNET')].{id: DBInstanceIdentifier, tags: TagList}",
    ),
    OwnerRule(
        "ElastiCache cluster",
        r"ElastiCache[ +](?P<id>[\w-]+)",
        call("elasticache", "list_tags_for_resource", ResourceName={"$": "arn"}),
        "[{tags: TagList}]",
        "arn:{partition}:elasticache:{region}:{account}:cluster:{id}",
    ),
    OwnerRule(
        "EFS file system",
        r"EFS mount target for (?P<id>fs-\w+)( .*)?",
        call("efs", "describe_file_systems", FileSystemId={"$": "id"}),
        "FileSystems[].{id: FileSystemId, tags: Tags}",
    ),
    OwnerRule(
        "EKS cluster",
        r"Amazon EKS (?P<id>.+)",
        call("eks", "describe_cluster", name={"$": "id"}),
        "[cluster.{id: name, tags: tags}]",
    ),
    OwnerRule(
        "transit gateway attachment",
        r"Network Interface for Transit Gateway Attachment (?P<id>tgw-attach-\w+)",
        call("ec2", "describe_transit_gateway_attachments", TransitGatewayAttachmentIds=[{"$": "id"}]),
        "TransitGatewayAttachments[].{id: TransitGatewayAttachmentId, tags: Tags}",
    ),
    # Known by their descriptions; no read leads from the interface to its owner's tags.
    OwnerRule("ECS task", r"arn:[\w-]+:ecs:[^:]+:\d+:attachment/(?P<id>[\w-]+)"),
    OwnerRule("Redshift cluster", r"RedshiftNetworkInterface"),
    OwnerRule("OpenSearch domain", r"ES (?P<id>.+)"),
    OwnerRule("directory", r"AWS created network interface for directory (?P<id>d-\w+)"),
)
"""The first rule that matches a description is the one that counts."""


def rule_of(description: str) -> tuple[OwnerRule, str] | None:
    """Return the rule for a description, and the owner's id; None where no rule matches."""
    return next(((rule, id_) for rule in RULES if (id_ := rule.id_in(description)) is not None), None)
