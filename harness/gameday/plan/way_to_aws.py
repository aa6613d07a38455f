"""The way from a subnet to the APIs of AWS: its route table, and the VPC's endpoints.

Sources: Amazon VPC User Guide, "Configure route tables" and "NAT gateway basics" (a network ACL applies to a NAT
gateway); AWS PrivateLink Guide, "Access an AWS service using an interface VPC endpoint".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gameday.aws.account import Account, read
from gameday.aws.answers.ec2 import DESCRIBE_NETWORK_INTERFACES
from gameday.aws.answers.routes import (
    DESCRIBE_NAT_GATEWAY_PLACES,
    DESCRIBE_ROUTE_TABLES,
    DESCRIBE_TRANSIT_GATEWAY_VPC_ATTACHMENTS,
    DESCRIBE_VPC_ENDPOINTS,
    Route,
    RouteTable,
    VpcEndpoint,
)
from gameday.change import JsonLike

_IN_ENDPOINTS = {"elbv2": "elasticloadbalancing", "cloudwatch": "monitoring"}
"""Services with another name in the names of endpoints than boto3's client (AWS PrivateLink Guide, service names)."""


@dataclass(frozen=True)
class Passage:
    """What calls pass through: any of these subnets or interfaces carries them; `service` is empty for all services."""

    about: str
    through: frozenset[str]
    service: str = ""


def passages(account: Account, region: str, vpc: str, subnet: str, services: frozenset[str]) -> tuple[Passage, ...]:
    """Return what the calls of these services pass through on their way from a subnet. Reads only. Raises AwsError."""
    endpoints = read(account, region, DESCRIBE_VPC_ENDPOINTS, Filters=[_filter("vpc-id", vpc)])["VpcEndpoints"]
    tables = _tables(account, region, vpc, subnet)
    named = {_IN_ENDPOINTS.get(service, service) for service in services}
    own = [endpoint for endpoint in endpoints if _service(endpoint) in named and _is_used(endpoint, tables)]
    private = [
        Passage(f"{endpoint.get('VpcEndpointId', '')} ({_service(endpoint)})", _subnets(endpoint), _service(endpoint))
        for endpoint in own
        if endpoint.get("VpcEndpointType") == "Interface"
    ]
    if named <= {_service(endpoint) for endpoint in own}:
        return tuple(private)  # no call leaves the VPC by a route
    routes = [route for table in tables for route in table["Routes"] if _leads_out(route)]
    public = [passage for route in routes for passage in _of_route(route, account, region, vpc, endpoints)]
    return (*private, *dict.fromkeys(public))


def _tables(account: Account, region: str, vpc: str, subnet: str) -> list[RouteTable]:
    """Return the route table of a subnet, or the main one of its VPC."""
    filters: list[JsonLike] = [_filter("association.subnet-id", subnet)]
    own = read(account, region, DESCRIBE_ROUTE_TABLES, Filters=filters)["RouteTables"]
    main: list[JsonLike] = [_filter("vpc-id", vpc), _filter("association.main", "true")]
    return own or read(account, region, DESCRIBE_ROUTE_TABLES, Filters=main)["RouteTables"]


def _filter(name: str, value: str) -> JsonLike:
    return {"Name": name, "Values": [value]}


def _service(endpoint: VpcEndpoint) -> str:
    return endpoint.get("ServiceName", "").rpartition(".")[2]


def _subnets(endpoint: VpcEndpoint) -> frozenset[str]:
    return frozenset(endpoint.get("SubnetIds", []))


def _is_used(endpoint: VpcEndpoint, tables: list[RouteTable]) -> bool:
    """Return whether calls take an endpoint: by private names, or by a route of the subnet."""
    if endpoint.get("VpcEndpointType") == "Interface":
        return endpoint.get("PrivateDnsEnabled", False)
    return any(table["RouteTableId"] in endpoint.get("RouteTableIds", []) for table in tables)


def _leads_out(route: Route) -> bool:
    everywhere = (route.get("DestinationCidrBlock") == "0.0.0.0/0", route.get("DestinationIpv6CidrBlock") == "::/0")
    return any(everywhere) or "DestinationPrefixListId" in route


def _of_route(route: Route, account: Account, region: str, vpc: str, endpoints: list[VpcEndpoint]) -> Iterator[Passage]:
    if nat := route.get("NatGatewayId"):
        found = read(account, region, DESCRIBE_NAT_GATEWAY_PLACES, NatGatewayIds=[nat])["NatGateways"]
        yield from (Passage(f"NAT gateway {nat}", frozenset({gateway["SubnetId"]})) for gateway in found)
    elif gateway := route.get("TransitGatewayId"):
        wanted = [_filter("vpc-id", vpc), _filter("transit-gateway-id", gateway)]
        answer = read(account, region, DESCRIBE_TRANSIT_GATEWAY_VPC_ATTACHMENTS, Filters=wanted)
        for attachment in answer["TransitGatewayVpcAttachments"]:
            yield Passage(f"transit gateway {gateway}", frozenset(attachment["SubnetIds"]))
    elif interface := route.get("NetworkInterfaceId"):
        answer_of = read(account, region, DESCRIBE_NETWORK_INTERFACES, NetworkInterfaceIds=[interface])
        yield Passage(f"interface {interface}", frozenset({interface}))
        for raw in answer_of["NetworkInterfaces"]:
            if place := raw.get("SubnetId"):
                yield Passage(f"interface {interface}", frozenset({place}))
    elif (through := route.get("GatewayId", "")).startswith("vpce-"):
        for endpoint in endpoints:
            if endpoint.get("VpcEndpointId") == through:
                yield Passage(f"endpoint {through}", _subnets(endpoint))
