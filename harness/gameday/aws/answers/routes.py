"""EC2: route tables and what they lead to: NAT gateways, endpoints, transit gateways, interfaces."""

from __future__ import annotations

from typing_extensions import TypedDict

from gameday.aws.answers.operation import Operation


class Route(TypedDict, total=False):
    """A route: a destination and one target."""

    DestinationCidrBlock: str
    DestinationIpv6CidrBlock: str
    DestinationPrefixListId: str
    GatewayId: str
    NatGatewayId: str
    NetworkInterfaceId: str
    TransitGatewayId: str


class RouteTable(TypedDict):
    """A route table."""

    RouteTableId: str
    Routes: list[Route]


class DescribeRouteTables(TypedDict):
    """The answer to DescribeRouteTables."""

    RouteTables: list[RouteTable]


class NatGatewayPlace(TypedDict):
    """A NAT gateway and its subnet."""

    NatGatewayId: str
    SubnetId: str


class DescribeNatGatewayPlaces(TypedDict):
    """The answer to DescribeNatGateways."""

    NatGateways: list[NatGatewayPlace]


class VpcEndpoint(TypedDict, total=False):
    """An endpoint of a VPC; its type: Interface, Gateway, GatewayLoadBalancer, …"""

    VpcEndpointId: str
    VpcEndpointType: str
    ServiceName: str
    PrivateDnsEnabled: bool
    SubnetIds: list[str]
    RouteTableIds: list[str]


class DescribeVpcEndpoints(TypedDict):
    """The answer to DescribeVpcEndpoints."""

    VpcEndpoints: list[VpcEndpoint]


class TransitGatewayVpcAttachment(TypedDict):
    """The subnets through which a VPC reaches a transit gateway."""

    TransitGatewayId: str
    SubnetIds: list[str]


class DescribeTransitGatewayVpcAttachments(TypedDict):
    """The answer to DescribeTransitGatewayVpcAttachments."""

    TransitGatewayVpcAttachments: list[TransitGatewayVpcAttachment]


DESCRIBE_ROUTE_TABLES = Operation("ec2", "describe_route_tables", DescribeRouteTables)
DESCRIBE_NAT_GATEWAY_PLACES = Operation("ec2", "describe_nat_gateways", DescribeNatGatewayPlaces)
DESCRIBE_VPC_ENDPOINTS = Operation("ec2", "describe_vpc_endpoints", DescribeVpcEndpoints)
DESCRIBE_TRANSIT_GATEWAY_VPC_ATTACHMENTS = Operation(
    "ec2", "describe_transit_gateway_vpc_attachments", DescribeTransitGatewayVpcAttachments
)
