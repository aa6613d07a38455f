"""A fault that cuts this process's own way to AWS is refused; shared subnets are refused with their owner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from gameday.change import HitResource, Json, PlannedFault
from gameday.faults.blackhole import AzBlackhole
from gameday.plan.guards.guard import Reasons
from gameday.plan.own_instance import unplaced

from tests.doubles.network import OWN, Network
from tests.doubles.reasons import context_of, reasons_of
from tests.doubles.shop import REGION, Shop, open_shop
from tests.report.sample import held


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as found:
        yield found


@pytest.fixture(scope="module")
def dark(shop: Shop) -> PlannedFault:
    return AzBlackhole(zone="us-east-1a").inject(shop.look())


def subnet_of(fault: PlannedFault) -> str:
    return next(change.id for change in fault.setting_changes if change.id.startswith("subnet-"))


def reasons(fault: PlannedFault, network: Network, instance: str | None = OWN, where: str = "") -> Reasons:
    plan = held().plan.model_copy(update={"planned_faults": (fault,), "region": REGION, "place": "aws"})
    context = context_of(plan, network)
    context = replace(context, request=replace(context.request, instance=instance, unplaced=where))
    return reasons_of("own way", context)


DEFAULT = {"DestinationCidrBlock": "0.0.0.0/0"}


def endpoint(service: str, *subnets: str) -> Json:
    return {
        "VpcEndpointId": f"vpce-{service}",
        "VpcEndpointType": "Interface",
        "ServiceName": f"com.amazonaws.us-east-1.{service}",
        "PrivateDnsEnabled": True,
        "SubnetIds": [*subnets],
    }


def test_nat_gateway_in_a_dark_subnet_refuses(dark: PlannedFault) -> None:
    subnet = subnet_of(dark)
    (reason,) = reasons(dark, Network(subnet, routes=[{**DEFAULT, "NatGatewayId": "nat-1"}])).refusals
    assert reason.code == "GD-P37"
    assert "NAT gateway nat-1" in reason.text
    assert subnet in reason.text


@pytest.mark.parametrize(
    "route", [{"GatewayId": "igw-1"}, {"NatGatewayId": "nat-1"}], ids=["internet gateway", "another subnet's NAT"]
)
def test_way_beside_the_dark_subnets_passes(route: dict[str, Json], dark: PlannedFault) -> None:
    network = Network(subnet_of(dark), routes=[{**DEFAULT, **route}], nat_in="subnet-public")
    assert reasons(dark, network) == Reasons((), ())


@pytest.mark.parametrize(
    ("target", "refuses"), [({"NetworkInterfaceId": "eni-1"}, True), ({"TransitGatewayId": "tgw-1"}, False)]
)
def test_other_targets_of_the_route_are_followed(target: dict[str, Json], refuses: bool, dark: PlannedFault) -> None:
    found = reasons(dark, Network(subnet_of(dark), routes=[{**DEFAULT, **target}]))
    assert bool(found.refusals) is refuses
    assert bool(found.warnings) is not refuses  # a part of a transit gateway's subnets


def test_endpoint_that_is_only_in_dark_subnets_refuses(dark: PlannedFault) -> None:
    subnet = subnet_of(dark)
    (reason,) = reasons(dark, Network(subnet, endpoints=[endpoint("ec2", subnet)])).refusals
    assert "vpce-ec2" in reason.text
    (warning,) = reasons(dark, Network(subnet, endpoints=[endpoint("ec2", subnet, "subnet-2")])).warnings
    assert warning.code == "GD-W37"
    assert reasons(dark, Network(subnet, endpoints=[endpoint("sqs", subnet)])) == Reasons((), ())


def test_nat_does_not_count_where_endpoints_serve_every_call(dark: PlannedFault) -> None:
    network = Network(
        subnet_of(dark), routes=[{**DEFAULT, "NatGatewayId": "nat-1"}], endpoints=[endpoint("ec2", "subnet-2")]
    )
    assert reasons(dark, network) == Reasons((), ())


def test_container_whose_place_is_unknown_warns(dark: PlannedFault) -> None:
    network = Network(subnet_of(dark))
    (warning,) = reasons(dark, network, None, "a container of ECS").warnings
    assert "a container of ECS" in warning.text
    assert reasons(dark, network, None) == Reasons((), ())


def test_environment_says_what_of_aws_a_process_runs_in(tmp_path: Path) -> None:
    assert unplaced({"AWS_LAMBDA_FUNCTION_NAME": "f"}, tmp_path / "none") == "a Lambda function"
    assert unplaced({}, tmp_path / "none") == ""
    (tmp_path / "uuid").write_text("ec2e1916-9099-7caf-fd21-012345abcdef")
    assert unplaced({}, tmp_path / "uuid") == "an instance on Xen"


@pytest.mark.parametrize(("owner", "refused"), [("123456789012", False), ("999999999999", True)])
def test_subnet_of_another_account_is_refused(owner: str, refused: bool, dark: PlannedFault) -> None:
    sample = held().plan
    experiment = sample.experiment.model_copy(update={"faults": (AzBlackhole(zone="us-east-1a"),)})
    known = {"planned_faults": (dark,), "region": REGION, "place": "aws", "account": "123456789012"}
    plan = sample.model_copy(update={**known, "experiment": experiment})
    assert HitResource in {type(each) for each in dark.hit}
    found = reasons_of("subnet owners", context_of(plan, Network(subnet_of(dark), owner=owner))).refusals
    assert [reason.code for reason in found] == (["GD-P38"] if refused else [])
    if refused:
        assert owner in found[0].text
