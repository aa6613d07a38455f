"""EC2: instances, subnets, zones, network interfaces, NAT gateways, VPCs."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation, Tag
from gameday.change import Json


class Placement(TypedDict):
    """Where an instance runs."""

    AvailabilityZone: str


class InstanceState(TypedDict):
    """pending, running, shutting-down, terminated, stopping or stopped."""

    Name: str


class GroupIdentifier(TypedDict):
    """A security group of an interface."""

    GroupId: str


class InstanceNetworkInterface(TypedDict):
    """An interface of an instance."""

    NetworkInterfaceId: str
    Groups: NotRequired[list[GroupIdentifier]]


class IamInstanceProfile(TypedDict):
    """The instance profile of an instance."""

    Arn: str


class InstanceDescription(TypedDict):
    """An instance of a reservation (Instance)."""

    InstanceId: str
    Placement: Placement
    State: InstanceState
    SubnetId: NotRequired[str]
    VpcId: NotRequired[str]
    NetworkInterfaces: NotRequired[list[InstanceNetworkInterface]]
    IamInstanceProfile: NotRequired[IamInstanceProfile]
    InstanceLifecycle: NotRequired[str]
    RootDeviceType: NotRequired[str]
    Tags: NotRequired[list[Tag]]


class Reservation(TypedDict):
    """Instances that were launched together."""

    Instances: list[InstanceDescription]


class DescribeInstances(TypedDict):
    """The answer to DescribeInstances."""

    Reservations: list[Reservation]


class SubnetDescription(TypedDict):
    """A subnet (Subnet)."""

    SubnetId: str
    AvailabilityZone: str
    VpcId: str
    Tags: NotRequired[list[Tag]]


class DescribeSubnets(TypedDict):
    """The answer to DescribeSubnets."""

    Subnets: list[SubnetDescription]


class AvailabilityZone(TypedDict):
    """An availability zone of the region."""

    ZoneName: str


class DescribeAvailabilityZones(TypedDict):
    """The answer to DescribeAvailabilityZones."""

    AvailabilityZones: list[AvailabilityZone]


class NetworkInterface(TypedDict):
    """A network interface; its tags have a name of their own."""

    NetworkInterfaceId: str
    Description: NotRequired[str]
    TagSet: NotRequired[list[Tag]]


class DescribeNetworkInterfaces(TypedDict):
    """The answer to DescribeNetworkInterfaces."""

    NetworkInterfaces: list[NetworkInterface]


class NatGateway(TypedDict):
    """A NAT gateway."""

    NatGatewayId: str
    Tags: NotRequired[list[Tag]]


class DescribeNatGateways(TypedDict):
    """The answer to DescribeNatGateways."""

    NatGateways: list[NatGateway]


class Vpc(TypedDict):
    """A VPC; without IPv6 it has no IPv6 blocks."""

    VpcId: str
    Ipv6CidrBlockAssociationSet: NotRequired[list[Json]]


class DescribeVpcs(TypedDict):
    """The answer to DescribeVpcs."""

    Vpcs: list[Vpc]


DESCRIBE_INSTANCES = Operation("ec2", "describe_instances", DescribeInstances)
DESCRIBE_SUBNETS = Operation("ec2", "describe_subnets", DescribeSubnets)
DESCRIBE_AVAILABILITY_ZONES = Operation("ec2", "describe_availability_zones", DescribeAvailabilityZones)
DESCRIBE_NETWORK_INTERFACES = Operation("ec2", "describe_network_interfaces", DescribeNetworkInterfaces)
DESCRIBE_NAT_GATEWAYS = Operation("ec2", "describe_nat_gateways", DescribeNatGateways)
DESCRIBE_VPCS = Operation("ec2", "describe_vpcs", DescribeVpcs)


def instances_of(answer: DescribeInstances) -> list[InstanceDescription]:
    """Return the instances of all reservations."""
    return [instance for reservation in answer["Reservations"] for instance in reservation["Instances"]]
