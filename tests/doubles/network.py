"""An account that answers about the network around this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gameday.change import Call, Json

OWN = "i-0123456789abcdef0"
ELSEWHERE = "subnet-own"


@dataclass
class Network:
    """Answers about the network around this process; `dark` is a subnet that goes dark."""

    dark: str
    routes: list[Json] = field(default_factory=list)
    endpoints: list[Json] = field(default_factory=list)
    nat_in: str = ""
    owner: str = "123456789012"

    def call(self, call: Call, region: str) -> Json:
        return self.pages(call, region)

    def pages(self, call: Call, _: str) -> Json:
        place = {"AvailabilityZone": "us-east-1b"}
        own = {"InstanceId": OWN, "Placement": place, "State": {"Name": "running"}}
        answers: dict[str, Json] = {
            "describe_instances": {"Reservations": [{"Instances": [{**own, "SubnetId": ELSEWHERE, "VpcId": "vpc-1"}]}]},
            "describe_route_tables": {"RouteTables": [{"RouteTableId": "rtb-1", "Routes": self.routes}]},
            "describe_vpc_endpoints": {"VpcEndpoints": self.endpoints},
            "describe_nat_gateways": {"NatGateways": [{"NatGatewayId": "nat-1", "SubnetId": self.nat_in or self.dark}]},
            "describe_network_interfaces": {
                "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "SubnetId": self.dark}]
            },
            "describe_transit_gateway_vpc_attachments": {
                "TransitGatewayVpcAttachments": [{"TransitGatewayId": "tgw-1", "SubnetIds": [self.dark, ELSEWHERE]}]
            },
            "describe_subnets": {
                "Subnets": [{"SubnetId": self.dark, "AvailabilityZone": "a", "VpcId": "vpc-1", "OwnerId": self.owner}]
            },
        }
        return answers[call.operation]

    def call_all(self, calls: Any, paged: bool = False) -> list[Any]:
        return [self.pages(call, region) for call, region in calls]
