"""EC2: instances, subnets, zones, network interfaces, NAT gateways, VPCs."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation, Tag


class Placement(TypedDict):
    """Where an instance runs."""

    AvailabilityZone: str
    Tenancy: NotRequired[str]


class InstanceState(TypedDict):
    """pending, running, shutting-down, terminated, stopping or stopped."""

    Name: str


class GroupIdentifier(TypedDict):
    """A security group of an interface."""

    GroupId: str


class Association(TypedDict, total=False):
    """The public IPv4 address of an interface; `IpOwnerId` is `amazon` where AWS assigned it at launch or start."""

    IpOwnerId: str
    PublicIp: str


class PrivateAddress(TypedDict):
    """A private IPv4 address of an interface."""

    PrivateIpAddress: str


class Ipv6Address(TypedDict):
    """An IPv6 address of an interface."""

    Ipv6Address: str


class Addressed(TypedDict):
    """What every description of an interface says of its addresses."""

    NetworkInterfaceId: str
    PrivateIpAddresses: NotRequired[list[PrivateAddress]]
    Ipv6Addresses: NotRequired[list[Ipv6Address]]


class InstanceNetworkInterface(Addressed):
    """An interface of an instance."""

    Association: NotRequired[Association]
    Groups: NotRequired[list[GroupIdentifier]]


class IamInstanceProfile(TypedDict):
    """The instance profile of an instance."""

    Arn: str


class EbsInstanceBlockDevice(TypedDict):
    """An EBS volume of an instance."""

    VolumeId: str
    DeleteOnTermination: NotRequired[bool]


class InstanceBlockDeviceMapping(TypedDict):
    """A block device of an instance."""

    Ebs: NotRequired[EbsInstanceBlockDevice]


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
    SpotInstanceRequestId: NotRequired[str]
    InstanceType: NotRequired[str]
    RootDeviceType: NotRequired[str]
    BlockDeviceMappings: NotRequired[list[InstanceBlockDeviceMapping]]
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
    OwnerId: NotRequired[str]
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


class Attachment(TypedDict):
    """What an interface is attached to."""

    InstanceId: NotRequired[str]


class ConnectionTracking(TypedDict):
    """How long an idle connection is tracked, in seconds; absent: the default of the instance type."""

    TcpEstablishedTimeout: NotRequired[int]


class PublicAddress(TypedDict):
    """The public address of an interface."""

    PublicIp: NotRequired[str]


class NetworkInterface(Addressed):
    """A network interface; its tags have a name of their own."""

    SubnetId: NotRequired[str]
    Description: NotRequired[str]
    InterfaceType: NotRequired[str]
    RequesterId: NotRequired[str]
    Attachment: NotRequired[Attachment]
    Association: NotRequired[PublicAddress]
    ConnectionTrackingConfiguration: NotRequired[ConnectionTracking]
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


class Ipv6BlockState(TypedDict):
    """associating, associated, disassociating, disassociated, failing or failed."""

    State: NotRequired[str]


class Ipv6Block(TypedDict):
    """An IPv6 block of a VPC."""

    Ipv6CidrBlockState: NotRequired[Ipv6BlockState]


class Vpc(TypedDict):
    """A VPC; AWS still lists the IPv6 blocks that it once had."""

    VpcId: str
    Ipv6CidrBlockAssociationSet: NotRequired[list[Ipv6Block]]


class DescribeVpcs(TypedDict):
    """The answer to DescribeVpcs."""

    Vpcs: list[Vpc]


DESCRIBE_INSTANCES = Operation("ec2", "describe_instances", DescribeInstances)
DESCRIBE_SUBNETS = Operation("ec2", "describe_subnets", DescribeSubnets)
DESCRIBE_AVAILABILITY_ZONES = Operation("ec2", "describe_availability_zones", DescribeAvailabilityZones)
DESCRIBE_NETWORK_INTERFACES = Operation("ec2", "describe_network_interfaces", DescribeNetworkInterfaces)
DESCRIBE_NAT_GATEWAYS = Operation("ec2", "describe_nat_gateways", DescribeNatGateways)
DESCRIBE_VPCS = Operation("ec2", "describe_vpcs", DescribeVpcs)


def addresses_of(interface: Addressed) -> list[str]:
    """Return the private addresses of an interface, IPv4 and IPv6."""
    private = [address["PrivateIpAddress"] for address in interface.get("PrivateIpAddresses", [])]
    return [*private, *(address["Ipv6Address"] for address in interface.get("Ipv6Addresses", []))]


def instances_of(answer: DescribeInstances) -> list[InstanceDescription]:
    """Return the instances of all reservations."""
    return [instance for reservation in answer["Reservations"] for instance in reservation["Instances"]]
