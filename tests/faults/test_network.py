"""What az-blackhole and isolate-module hit, name and refuse, on small worlds of moto."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from gameday.aws.answers.ec2 import Vpc
from gameday.change import Call, CreatedResource, Json, PlannedFault, SettingChange
from gameday.errors import AwsError
from gameday.faults import CATALOGUE
from gameday.faults.fault import FaultContext
from gameday.faults.interface_owners import RULES, rule_of
from gameday.faults.isolate import _ipv6
from gameday.iam.actions import action_of
from gameday.testing.wrapper import Wrapped

from tests.doubles.shop import OWNS, REGION, TAGS, Layout, Shop, open_shop

ZONE, OTHER = "us-east-1a", "us-east-1b"
TWO = Layout(zones=(ZONE, OTHER), groups=(2,))


def tagged(resource: str, tags: dict[str, str]) -> list[Any]:
    return [{"ResourceType": resource, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


class Ec2:
    """A shop's account, told by operation."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def __call__(self, service: str, operation: str, **params: Any) -> Any:
        return self.shop.account.call(Call(service=service, operation=operation, params=params), REGION)

    def instance(self, subnet: str, **tags: str) -> str:
        answer = self(
            "ec2", "run_instances", ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SubnetId=subnet,
            TagSpecifications=tagged("instance", TAGS | tags),
        )  # fmt: skip
        return str(answer["Instances"][0]["InstanceId"])

    def subnet(self, number: int, zone: str, **tags: str) -> str:
        vpc = self.shop.look().inventory.subnets[0].vpc
        answer = self(
            "ec2", "create_subnet", VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone,
            TagSpecifications=tagged("subnet", {"Name": "more", **tags}),
        )  # fmt: skip
        return str(answer["Subnet"]["SubnetId"])

    def subnets(self, zone: str) -> list[str]:
        return [subnet.id for subnet in self.shop.look().inventory.subnets if subnet.zone == zone]

    def interface(self, subnet: str, about: str) -> str:
        answer = self("ec2", "create_network_interface", SubnetId=subnet, Description=about)
        return str(answer["NetworkInterface"]["NetworkInterfaceId"])


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop(TWO) as opened:
        yield opened


@pytest.fixture
def tell(shop: Shop) -> Ec2:
    return Ec2(shop)


def planned(shop: Shop, fault: str, look: FaultContext | None = None, **fields: Any) -> PlannedFault:
    return CATALOGUE[fault].model_validate(fields).inject(look or shop.look())


def hit(planned_fault: PlannedFault) -> set[str]:
    return {resource.id for resource in planned_fault.hit}


def covered(planned_fault: PlannedFault) -> set[str]:
    return {id_ for probe in planned_fault.effect.probes for id_ in probe.covers}


# what is hit follows from what is cut ---------------------------------------------------------------------------------


def test_instance_in_uncut_subnet_is_named_and_refused(shop: Shop, tell: Ec2) -> None:
    spared = tell.instance(tell.subnet(9, ZONE))
    fault = planned(shop, "az-blackhole", zone=ZONE)
    assert spared not in hit(fault)
    assert fault.hits == {"web": pytest.approx(2 / 3)}
    (refusal,) = fault.refusals
    assert spared in refusal
    assert "partial: true" in refusal


def test_partial_blackhole_names_what_is_spared(shop: Shop, tell: Ec2) -> None:
    spared = tell.instance(tell.subnet(9, ZONE))
    fault = planned(shop, "az-blackhole", zone=ZONE, partial=True)
    assert fault.refusals == ()
    assert spared not in hit(fault)
    assert any(spared in warning for warning in fault.warnings)


def test_effect_covers_every_registered_hit_instance(shop: Shop) -> None:
    fault = planned(shop, "az-blackhole", zone=ZONE)
    assert covered(fault) == hit(fault) != set()


def health(**states: str) -> Json:
    return {
        "TargetHealthDescriptions": [
            {"Target": {"Id": id_.replace("_", "-")}, "TargetHealth": {"State": state}} for id_, state in states.items()
        ]
    }


def test_effect_needs_every_target_unfit(shop: Shop) -> None:
    fault = planned(shop, "az-blackhole", zone=ZONE)
    (probe,) = fault.effect.probes
    one, two = (id_.replace("-", "_") for id_ in sorted(hit(fault)))
    was = probe.value_in(health(**{one: "healthy", two: "healthy"}))
    assert not probe.says_yes(health(**{one: "unhealthy", two: "healthy"}), was)
    assert probe.says_yes(health(**{one: "unhealthy", two: "draining"}), was)
    assert probe.says_yes(health(**{one: "unhealthy"}), was)
    # What was unfit before the injection shows nothing.
    assert not probe.says_yes(health(**{one: "unhealthy", two: "unhealthy"}), [])


# target groups --------------------------------------------------------------------------------------------------------


def register(tell: Ec2, *targets: str, **more: Any) -> str:
    vpc = tell.shop.look().inventory.subnets[0].vpc
    made = tell("elbv2", "create_target_group", Name="by-hand", Protocol="HTTP", Port=80, VpcId=vpc, **more)
    arn = str(made["TargetGroups"][0]["TargetGroupArn"])
    tell("elbv2", "register_targets", TargetGroupArn=arn, Targets=[{"Id": target, "Port": 80} for target in targets])
    return arn


def test_target_registered_by_hand_proves_the_effect(shop: Shop, tell: Ec2) -> None:
    lonely = tell.instance(tell.subnets(OTHER)[0])
    assert "nothing would show" in planned(shop, "az-blackhole", zone=OTHER).refusals[0]
    register(tell, lonely)
    fault = planned(shop, "az-blackhole", zone=OTHER)
    assert fault.refusals == ()
    assert covered(fault) == {lonely}


def test_address_of_an_instance_proves_the_effect(shop: Shop, tell: Ec2) -> None:
    lonely = tell.instance(tell.subnets(OTHER)[0])
    address = next(each.addresses[0] for each in shop.look().inventory.instances if each.id == lonely)
    register(tell, address, TargetType="ip")
    fault = planned(shop, "az-blackhole", zone=OTHER)
    assert fault.refusals == ()
    assert covered(fault) == {lonely}


def test_task_is_the_workloads_by_its_target_group(shop: Shop, tell: Ec2) -> None:
    about = f"arn:aws:ecs:{REGION}:123456789012:attachment/1f"
    task = tell.interface(tell.subnets(OTHER)[0], about)
    assert "ECS task 1f" in " ".join(planned(shop, "az-blackhole", zone=OTHER).refusals)
    answer = tell("ec2", "describe_network_interfaces", NetworkInterfaceIds=[task])
    address = answer["NetworkInterfaces"][0]["PrivateIpAddress"]
    arn = register(tell, address, "10.0.0.99", TargetType="ip")
    tell("elbv2", "add_tags", ResourceArns=[arn], Tags=[{"Key": key, "Value": TAGS[key]} for key in ("app", "module")])
    fault = planned(shop, "az-blackhole", zone=OTHER)
    assert fault.refusals == ()
    assert fault.hits == {"web": 0.5}
    assert covered(fault) == {task}


def test_neighbor_in_the_same_subnet_proves_a_worker(shop: Shop, tell: Ec2) -> None:
    worker = tell.instance(tell.subnets(ZONE)[0])
    fault = planned(shop, "az-blackhole", zone=ZONE)
    assert worker in hit(fault) - covered(fault)
    assert fault.refusals == ()
    assert worker in " ".join(planned(shop, "isolate-module", module="web").refusals)


@pytest.mark.parametrize(
    ("fault", "fields"), [("az-blackhole", {"zone": OTHER}), ("isolate-module", {"module": "web"})]
)
def test_named_kpi_replaces_a_missing_target(shop: Shop, tell: Ec2, fault: str, fields: dict[str, str]) -> None:
    tell.instance(tell.subnets(OTHER)[0])
    (refusal,) = planned(shop, fault, **fields).refusals
    assert "effect: {kpi: NAME}" in refusal
    assert "web" in refusal  # the target group that was looked at
    assert planned(shop, fault, replace(shop.look(), proof="orders"), **fields).refusals == ()


# launches -------------------------------------------------------------------------------------------------------------


def blocked(shop: Shop) -> PlannedFault:
    return planned(shop, "az-blackhole", zone=ZONE, launches="blocked")


def changed(fault: PlannedFault) -> dict[str, Json]:
    return {change.id: change.after for change in fault.setting_changes if change.setting.name == "group.subnets"}


def test_group_leaves_the_zones_uncut_subnets_too(shop: Shop, tell: Ec2) -> None:
    uncut, (other,) = tell.subnet(9, ZONE), tell.subnets(OTHER)
    subnets = ",".join([*tell.subnets(ZONE), other, uncut])
    tell("autoscaling", "update_auto_scaling_group", AutoScalingGroupName="web", VPCZoneIdentifier=subnets)
    assert changed(blocked(shop)) == {"web": other}


def test_group_with_the_zone_alone_is_refused(shop: Shop, tell: Ec2) -> None:
    subnets = ",".join(tell.subnets(ZONE))
    tell("autoscaling", "update_auto_scaling_group", AutoScalingGroupName="web", VPCZoneIdentifier=subnets)
    fault = blocked(shop)
    assert changed(fault) == {}
    assert "scaling group web has subnets in us-east-1a alone" in " ".join(fault.refusals)


class WithoutSubnets(Wrapped):
    """An account whose scaling groups name availability zones only, as in a default VPC."""

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        answer = super().answer(call, region, paged)
        if call.operation == "describe_auto_scaling_groups":
            for group in answer["AutoScalingGroups"]:  # type: ignore[index,call-overload,union-attr]
                group["VPCZoneIdentifier"] = ""  # type: ignore[index,call-overload]
        return answer


def test_group_with_zones_alone_is_refused(shop: Shop) -> None:
    look = replace(shop, account=WithoutSubnets(shop.account)).look()  # type: ignore[arg-type]
    fault = planned(shop, "az-blackhole", look, zone=ZONE, launches="blocked")
    assert "scaling group web names no subnet" in " ".join(fault.refusals)


@pytest.mark.parametrize("tag", ["aws:ec2:fleet-id", "karpenter.sh/nodepool"])
def test_other_launcher_is_refused_by_its_tag(shop: Shop, tell: Ec2, tag: str) -> None:
    tell.instance(tell.subnets(ZONE)[0], **{tag.removeprefix("aws:"): "x"})
    look = shop.look()
    for instance in look.inventory.instances:
        if tag.removeprefix("aws:") in instance.tags:
            instance.tags[tag] = "x"  # moto does not let callers write tags of AWS
    fault = planned(shop, "az-blackhole", look, zone=ZONE, launches="blocked")
    assert "may launch into us-east-1a again" in " ".join(fault.refusals)


# neighbors ------------------------------------------------------------------------------------------------------------

EXAMPLES = {
    "instance i-0abc": ("instance", "i-0abc"),
    "ELB app/shop/50dc6c495c0c9188": ("load balancer", "app/shop/50dc6c495c0c9188"),
    "ELB net/shop/50dc6c495c0c9188": ("load balancer", "net/shop/50dc6c495c0c9188"),
    "ELB shop-classic": ("classic load balancer", "shop-classic"),
    "Interface for NAT Gateway nat-0abc": ("NAT gateway", "nat-0abc"),
    "AWS Lambda VPC ENI-pay-ments-30bb1fd5-e726-4d80-9ff2-52fd62cd548c": ("function", "pay-ments"),
    "VPC Endpoint Interface vpce-0abc": ("interface endpoint", "vpce-0abc"),
    "RDSNetworkInterface": ("RDS database", ""),
    "ElastiCache sessions-0001-001": ("ElastiCache cluster", "sessions-0001-001"),
    "EFS mount target for fs-0abc (fsmt-0abc)": ("EFS file system", "fs-0abc"),
    "Amazon EKS shop": ("EKS cluster", "shop"),
    "Network Interface for Transit Gateway Attachment tgw-attach-0abc": (
        "transit gateway attachment",
        "tgw-attach-0abc",
    ),
    "arn:aws:ecs:us-east-1:123456789012:attachment/9812f5e5-8c97": ("ECS task", "9812f5e5-8c97"),
    "RedshiftNetworkInterface": ("Redshift cluster", ""),
    "ES vpc-shop": ("OpenSearch domain", "vpc-shop"),
    "AWS created network interface for directory d-0abc": ("directory", "d-0abc"),
}


@pytest.mark.parametrize("description", EXAMPLES)
def test_description_names_its_owner(description: str) -> None:
    found = rule_of(description)
    assert found is not None
    assert (found[0].kind, found[1]) == EXAMPLES[description]


def test_every_owner_rule_has_an_example_and_an_action() -> None:
    assert {kind for kind, _ in EXAMPLES.values()} == {rule.kind for rule in RULES}
    assert all(action_of(rule.read) for rule in RULES if rule.read)


def test_unknown_description_has_no_owner() -> None:
    assert rule_of("made by hand") is None


def endpoint(tell: Ec2, subnet: str, tags: dict[str, str]) -> str:
    answer = tell(
        "ec2", "create_vpc_endpoint", VpcId=tell.shop.look().inventory.subnets[0].vpc, VpcEndpointType="Interface",
        ServiceName=f"com.amazonaws.{REGION}.sts", SubnetIds=[subnet], TagSpecifications=tagged("vpc-endpoint", tags),
    )  # fmt: skip
    return str(answer["VpcEndpoint"]["VpcEndpointId"])


@pytest.mark.parametrize("owned", [True, False])
def test_endpoint_belongs_to_whom_its_tags_say(shop: Shop, tell: Ec2, owned: bool) -> None:
    subnet = tell.subnets(ZONE)[0]
    id_ = endpoint(tell, subnet, OWNS if owned else {"app": "other"})
    tell.interface(subnet, f"VPC Endpoint Interface {id_}")
    fault = planned(shop, "az-blackhole", zone=ZONE)
    assert id_ in {resource.id for resource in fault.cut_off}
    assert (id_ in " ".join(fault.refusals)) == (not owned)  # moto makes an interface without a description, too


class Database(Wrapped):
    """An account with one database, in the subnets of the shop's first zone."""

    def __init__(self, account: Any, subnet: str, zone: str, tags: dict[str, str]) -> None:
        super().__init__(account)
        self.database = {
            "DBInstanceIdentifier": "orders",
            "AvailabilityZone": zone,
            "DBSubnetGroup": {"Subnets": [{"SubnetIdentifier": subnet}]},
            "TagList": [{"Key": key, "Value": value} for key, value in tags.items()],
        }

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        if call.operation == "describe_db_instances":
            return {"DBInstances": [self.database]}
        return super().answer(call, region, paged)


@pytest.mark.parametrize(
    ("zone", "tags", "named"), [(ZONE, OWNS, "orders"), (ZONE, {}, "orders"), (OTHER, OWNS, "eni-")]
)
def test_database_is_found_by_zone_and_subnet(
    shop: Shop, tell: Ec2, zone: str, tags: dict[str, str], named: str
) -> None:
    subnet = tell.subnets(ZONE)[0]
    tell.interface(subnet, "RDSNetworkInterface")
    look = replace(shop, account=Database(shop.account, subnet, zone, tags)).look()  # type: ignore[arg-type]
    fault = planned(shop, "az-blackhole", look, zone=ZONE)
    assert any(each.resource == "RDS database" and each.id.startswith(named) for each in fault.cut_off)
    assert bool(fault.refusals) == (tags != OWNS or zone != ZONE)


class Denied(Wrapped):
    def answer(self, call: Call, region: str, paged: bool) -> Json:
        if call.operation == "describe_file_systems":
            raise AwsError(call.service, call.operation, "AccessDeniedException", "not yours")
        return super().answer(call, region, paged)


def test_owner_that_cannot_be_read_is_foreign_and_says_why(shop: Shop, tell: Ec2) -> None:
    tell.interface(tell.subnets(ZONE)[0], "EFS mount target for fs-0abc (fsmt-0abc)")
    look = replace(shop, account=Denied(shop.account)).look()  # type: ignore[arg-type]
    (refusal,) = planned(shop, "az-blackhole", look, zone=ZONE).refusals
    assert "EFS file system fs-0abc, its owner cannot be read: AccessDeniedException" in refusal
    assert "foreign_interfaces: allow" in refusal


def test_foreign_interfaces_pass_by_either_key(shop: Shop, tell: Ec2) -> None:
    tell.interface(tell.subnets(ZONE)[0], "RDSNetworkInterface")
    assert planned(shop, "az-blackhole", zone=ZONE).refusals
    assert planned(shop, "az-blackhole", zone=ZONE, foreign_interfaces="allow").refusals == ()
    allowed = replace(shop.look(), allow=("foreign-interfaces",))
    assert planned(shop, "az-blackhole", allowed, zone=ZONE).refusals == ()


# isolation ------------------------------------------------------------------------------------------------------------


def groups(fault: PlannedFault) -> list[SettingChange]:
    return [change for change in fault.setting_changes if change.setting.name == "interface.groups"]


def test_shared_subnet_is_isolated_by_an_open_group_first(shop: Shop) -> None:
    fault = planned(shop, "isolate-module", module="web")
    assert {change.setting.name for change in fault.setting_changes} == {"interface.groups"}
    assert all(change.via == [{"$": "made.open"}] for change in groups(fault))
    assert all(change.after == [{"$": "made.group"}] for change in groups(fault))
    assert "5d" in fault.effect.blind_to


def test_own_subnet_is_isolated_by_an_acl() -> None:
    with open_shop(replace(TWO, shared=False)) as shop:
        fault = planned(shop, "isolate-module", module="web")
    assert {change.setting.name for change in fault.setting_changes} == {"subnet.acl"}
    assert fault.effect.blind_to == ""
    assert fault.warnings == ()


def test_public_interface_is_never_opened(shop: Shop, tell: Ec2) -> None:
    instance = shop.look().inventory.instances[0]
    address = tell("ec2", "allocate_address", Domain="vpc")["AllocationId"]
    tell("ec2", "associate_address", AllocationId=address, NetworkInterfaceId=instance.interfaces[0])
    fault = planned(shop, "isolate-module", module="web")
    assert {change.id for change in groups(fault) if change.via is None} == set(instance.interfaces)
    assert "1 interface with a public address" in fault.effect.blind_to


class Tracking(Wrapped):
    """An account whose interfaces track idle connections for two minutes."""

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        answer = super().answer(call, region, paged)
        if call.operation == "describe_network_interfaces":
            for each in answer["NetworkInterfaces"]:  # type: ignore[index,call-overload,union-attr]
                each["ConnectionTrackingConfiguration"] = {"TcpEstablishedTimeout": 120}  # type: ignore[index,call-overload]
        return answer


def test_tracking_time_is_read(shop: Shop) -> None:
    look = replace(shop, account=Tracking(shop.account)).look()  # type: ignore[arg-type]
    assert "2m" in planned(shop, "isolate-module", look, module="web").effect.blind_to


def test_created_groups_are_found_apart(shop: Shop) -> None:
    makes = [change for change in planned(shop, "isolate-module", module="web").changes if change.creates]
    finds = {make.find.model_dump_json() for make in makes if isinstance(make, CreatedResource)}
    assert len(finds) == 2


@pytest.mark.parametrize(("state", "expected"), [("associated", True), ("disassociated", False), ("failed", False)])
def test_only_an_associated_ipv6_block_counts(shop: Shop, state: str, expected: bool) -> None:
    vpc: Vpc = {"VpcId": "vpc-1", "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlockState": {"State": state}}]}

    class Blocks(Wrapped):
        def answer(self, call: Call, region: str, paged: bool) -> Json:
            is_vpcs = call.operation == "describe_vpcs"
            return {"Vpcs": [dict(vpc)]} if is_vpcs else super().answer(call, region, paged)

    look = replace(shop, account=Blocks(shop.account)).look()  # type: ignore[arg-type]
    assert _ipv6(look, ["vpc-1"]) == {"vpc-1": expected}
