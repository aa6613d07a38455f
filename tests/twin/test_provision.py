"""The world of a twin: isolated from everything else, built like an account, and read back for traffic."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from gameday.aws.account import arn_place
from gameday.aws.kinds import FUNCTION, STAGE, TABLE
from gameday.change import Call
from gameday.errors import AwsError, InvalidInput
from gameday.files.workload import Workload
from gameday.plan.planner import inventory_of
from gameday.twin.moto.seal import sealed_session
from gameday.twin.state import OUTSIDE
from gameday.twin.twin import START, Twin
from moto import mock_aws
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.base_backend import BackendDict
from moto.core.config import default_user_config
from moto.ec2.models.instances import Instance
from moto.moto_api._internal import mock_random

from tests.conftest import NetworkReached
from tests.little import REGION, small
from tests.replay import STRANGE


def boto(twin: Twin, service: str) -> Any:
    """A client as a user makes it."""
    return boto3.Session(botocore_session=twin.session, region_name=REGION).client(service)


@pytest.fixture
def little() -> Iterator[Twin]:
    with Twin(*small()) as twin:
        yield twin


def test_connection_beyond_this_machine_fails() -> None:
    for reach_out in (
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=0.01),  # TEST-NET-1
        lambda: socket.getaddrinfo("ec2.us-east-1.amazonaws.com", 443),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("192.0.2.1", 53)),
    ):
        with pytest.raises(NetworkReached):
            reach_out()


# --- the seal ---------------------------------------------------------------------------------------------------------


def test_plain_boto3_works_on_the_twins_session(twin: Twin) -> None:
    groups = boto(twin, "autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert [group["AutoScalingGroupName"] for group in groups] == [
        "storefront-web",
        "storefront-catalog",
        "storefront-checkout",
    ]


def test_the_twin_is_the_workloads_account(twin: Twin) -> None:
    who = boto(twin, "sts").get_caller_identity()
    assert (who["Account"], who["Arn"]) == ("111122223333", twin.principal)


def test_unknown_service_fails_and_reaches_nothing(twin: Twin) -> None:
    for service, operation, params in (
        ("notifications", "list_notification_hubs", {}),  # *.api.aws, which mock_aws lets through to the network
        ("pricing", "describe_services", {}),
    ):
        with pytest.raises(AwsError, match="NotImplemented: the twin") as caught:
            twin.aws.call(Call(service=service, operation=operation, params=params), REGION)
        assert caught.value.code == "NotImplemented"


def test_dual_stack_endpoints_reach_nothing(twin: Twin) -> None:
    from botocore.config import Config

    session = boto3.Session(botocore_session=twin.session)
    client = session.client("ec2", region_name=REGION, config=Config(use_dualstack_endpoint=True))
    with pytest.raises(ClientError, match="the twin does not simulate this service"):
        client.describe_vpcs()


def test_second_twin_is_refused(twin: Twin) -> None:
    with pytest.raises(InvalidInput, match="a twin is already running"), Twin(*small()):
        pytest.fail("a second twin was opened")
    assert boto(twin, "sts").get_caller_identity()["Account"] == "111122223333"


def test_session_of_closed_twin_fails() -> None:
    with Twin(*small()) as twin:
        client = boto(twin, "ec2")
    with pytest.raises(AwsError, match="no twin is running"):
        client.describe_vpcs()


def test_failed_twin_lets_the_next_start() -> None:
    with (
        pytest.raises(InvalidInput, match="zone eu-west-1a is not in region us-east-1"),
        Twin(*small(zones=["eu-west-1a"])),
    ):
        pass
    with Twin(*small()) as twin:
        assert twin.now == START


def test_impossible_files_raise_invalid_input() -> None:
    workload, twin = small()
    raw = workload.model_dump(by_alias=True, mode="json")
    raw["modules"]["rows"]["owns"] = {"tables": ["rows", "rows"]}
    with pytest.raises(InvalidInput, match=r"no account could hold this workload: .*Table already exists"):
        Twin(Workload.model_validate(raw), twin).__enter__()
    with pytest.raises(InvalidInput, match="there is no region mars-1"):
        Twin(workload, twin, region="mars-1").__enter__()


def test_failed_call_changes_nothing(little: Twin) -> None:
    ec2, before = boto(little, "ec2"), little.state
    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        ec2.reboot_instances(InstanceIds=[before.modules["site"].nodes[0].id, "i-0123456789abcdef0"])
    assert little.state == before


def test_twin_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in STRANGE.items():
        monkeypatch.setenv(name, value)
    sealed_session.cache_clear()  # as in a process in which they were always set
    with Twin(*small()) as twin:
        assert boto(twin, "sts").get_caller_identity()["Account"] == "111122223333"
        vpcs = twin.aws.call(Call(service="ec2", operation="describe_vpcs"), REGION)["Vpcs"]
        assert {vpc["OwnerId"] for vpc in vpcs} == {"111122223333"}


# --- beside a user's own moto -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["123456789012", "111122223333"], ids=["another account", "the same account"])
def test_twin_and_users_mock_are_isolated(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", account)

    def names(client: Any) -> list[str]:
        return sorted(raw["FunctionName"] for raw in client.list_functions()["Functions"])

    def theirs() -> Any:
        return boto3.client("sqs", region_name=REGION)

    with mock_aws(), Twin(*small()) as twin:
        theirs().create_queue(QueueName="theirs")
        boto(twin, "sqs").create_queue(QueueName="ours")
        assert [url.rpartition("/")[2] for url in theirs().list_queues()["QueueUrls"]] == ["theirs"]
        assert [url.rpartition("/")[2] for url in boto(twin, "sqs").list_queues()["QueueUrls"]] == ["ours"]
        assert names(boto3.client("lambda", region_name=REGION)) == []
        assert names(boto(twin, "lambda")) == ["worker"]
        assert account in theirs().list_queues()["QueueUrls"][0]


def test_users_mock_within_a_twin_leaves_it_whole(little: Twin) -> None:
    def whole() -> tuple[int, int]:
        reservations = boto(little, "ec2").describe_instances()["Reservations"]
        return len(reservations), len(boto(little, "lambda").list_functions()["Functions"])

    before = whole()
    assert before == (2, 1)
    with mock_aws():
        assert whole() == before
        little.clock.sleep(20)
        assert boto3.client("ec2", region_name=REGION).describe_instances()["Reservations"] == []
    assert whole() == before
    little.clock.sleep(20)
    assert all(node.in_rotation for node in little.state.modules["site"].nodes)


def test_twin_within_a_users_mock_leaves_it_whole() -> None:
    with mock_aws():
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="theirs")
        with Twin(*small()) as twin:
            ours = boto(twin, "s3")
            assert ours.list_buckets()["Buckets"] == []
            ours.create_bucket(Bucket="ours")
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["theirs"]


def test_the_twin_leaves_motos_globals_as_they_were() -> None:
    def globals_() -> tuple[Any, ...]:
        settings = {key: dict(value) for key, value in default_user_config.items()}  # type: ignore[attr-defined]
        accounts = [sorted(services) for services in BackendDict._instances]  # type: ignore[misc]
        count = ActionAuthenticatorMixin.request_count
        return (
            mock_random.getstate(),
            settings,
            count,
            [services for services in accounts if services],
            dict(os.environ),
        )

    before = globals_()
    with Twin(*small()) as twin:
        boto(twin, "ec2").describe_instances()
        assert globals_() == before
        twin.clock.sleep(100)
    assert globals_() == before


def test_closed_twin_leaves_no_objects() -> None:
    with Twin(*small()) as twin:
        backend = twin._controllers._backends.ec2
        (reservation, *_) = backend.reservations.values()
        assert reservation.instances[0] not in Instance.instances_tracked  # type: ignore[attr-defined]
    assert vars(backend) == {}


# --- what is built ----------------------------------------------------------------------------------------------------


def test_inventory_finds_the_workload_by_tags(workload: Workload, twin: Twin) -> None:
    inventory = inventory_of(workload, twin.aws, arn_place(twin.aws, REGION))
    opt_in = workload.opt_in or {}
    assert {resource.module for resource in inventory.instances} == {"web", "catalog", "checkout"}
    assert len(inventory.instances) == 18
    assert all(opt_in.items() <= resource.tags.items() for resource in inventory.instances)
    assert sorted(subnet.zone for subnet in inventory.subnets) == ["us-east-1a", "us-east-1b", "us-east-1c"]
    assert {group.module for group in inventory.scaling_groups} == {"web", "catalog", "checkout"}
    assert all(len(group.target_groups) == 1 for group in inventory.scaling_groups)
    assert [(resource.name, resource.module) for resource in inventory.resources(TABLE)] == [("ledger", "ledger")]
    functions = {(resource.name, resource.module) for resource in inventory.resources(FUNCTION)}
    assert functions == {("payments", "payments"), ("recommendations", "recommendations")}
    assert all(
        opt_in.items() <= resource.tags.items()
        for resource in (*inventory.resources(FUNCTION), *inventory.resources(TABLE))
    )


def test_stages_have_the_ids_that_the_workload_names(little: Twin) -> None:
    (stage,) = inventory_of(small()[0], little.aws, arn_place(little.aws, REGION)).resources(STAGE)
    assert (stage.name, stage.module) == ("abc123/live", "edge")
    settings = boto(little, "apigateway").get_stage(restApiId="abc123", stageName="live")["methodSettings"]["*/*"]
    assert (settings["throttlingRateLimit"], settings["throttlingBurstLimit"]) == (100.0, 50)


def test_instances_start_spread_and_in_service(twin: Twin) -> None:
    for group in boto(twin, "autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]:
        assert {raw["LifecycleState"] for raw in group["Instances"]} == {"InService"}
        zones = [raw["AvailabilityZone"] for raw in group["Instances"]]
        assert {zones.count(zone) for zone in zones} == {2}


def test_instances_without_tags_are_refused() -> None:
    workload, twin = small()
    raw = workload.model_dump(by_alias=True, mode="json")
    raw["modules"]["site"]["owns"] = {"tags": {}}
    with pytest.raises(InvalidInput, match="module site has instances"), Twin(Workload.model_validate(raw), twin):
        pass


def test_long_names_are_shortened_for_load_balancers() -> None:
    workload, twin = small()
    raw = workload.model_dump(by_alias=True, mode="json")
    raw["name"] = "a-workload-with-quite-a-long-name-indeed"
    with Twin(Workload.model_validate(raw), twin) as world:
        (balancer,) = boto(world, "elbv2").describe_load_balancers()["LoadBalancers"]
        assert len(balancer["LoadBalancerName"]) <= 32


def test_times_in_the_account_are_virtual(little: Twin) -> None:
    little.clock.sleep(60)
    made = boto(little, "ec2").create_volume(AvailabilityZone="us-east-1a", Size=1)
    assert made["CreateTime"].timestamp() == pytest.approx(START + 60, abs=1)


def test_the_same_seed_makes_the_same_ids() -> None:
    def ids(seed: int) -> list[str]:
        with Twin(*small(), seed=seed) as twin:
            return [node.id for node in twin.state.modules["site"].nodes]

    assert ids(3) == ids(3) != ids(4)


# --- what it means for traffic ----------------------------------------------------------------------------------------


def test_state_of_a_new_account_serves_everything(little: Twin) -> None:
    state = little.state
    nodes = state.modules["site"].nodes
    assert [(node.zone, node.serving, node.in_rotation) for node in nodes] == [
        ("us-east-1a", True, True),
        ("us-east-1b", True, True),
    ]
    assert state.modules["work"].concurrency is None
    assert state.modules["rows"].capacity == 7
    assert (state.modules["edge"].rate, state.modules["edge"].burst) == (100.0, 50.0)
    assert state.lost == frozenset()


def test_state_reads_functions_tables_and_stages(little: Twin) -> None:
    boto(little, "lambda").put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=0)
    boto(little, "apigateway").update_stage(
        restApiId="abc123",
        stageName="live",
        patchOperations=[{"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "2"}],
    )
    boto(little, "dynamodb").update_table(TableName="rows", BillingMode="PAY_PER_REQUEST")
    state = little.state
    assert (state.modules["work"].concurrency, state.modules["edge"].rate) == (0, 2.0)
    assert state.modules["rows"].capacity is None

    boto(little, "lambda").delete_function_concurrency(FunctionName="worker")
    assert little.state.modules["work"].concurrency is None


def test_state_of_deleted_resources_serves_nothing(little: Twin) -> None:
    boto(little, "lambda").delete_function(FunctionName="worker")
    boto(little, "dynamodb").delete_table(TableName="rows")
    boto(little, "apigateway").delete_stage(restApiId="abc123", stageName="live")
    state = little.state
    assert (state.modules["work"].concurrency, state.modules["rows"].capacity, state.modules["edge"].rate) == (0, 0, 0)


def deny_all(ec2: Any, subnet: str) -> None:
    """Give a subnet a network ACL without rules."""
    (described,) = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]
    closed = ec2.create_network_acl(VpcId=described["VpcId"])["NetworkAcl"]["NetworkAclId"]
    acls = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])
    (raw,) = (raw for raw in acls["NetworkAcls"][0]["Associations"] if raw["SubnetId"] == subnet)
    ec2.replace_network_acl_association(AssociationId=raw["NetworkAclAssociationId"], NetworkAclId=closed)


def test_deny_all_acl_cuts_the_zone_off_from_others(twin: Twin) -> None:
    ec2 = boto(twin, "ec2")
    zone = [{"Name": "tag:app", "Values": ["storefront"]}, {"Name": "availability-zone", "Values": ["us-east-1a"]}]
    deny_all(ec2, ec2.describe_subnets(Filters=zone)["Subnets"][0]["SubnetId"])

    state = twin.state
    inside = {node.id for module in state.modules.values() for node in module.nodes if node.zone == "us-east-1a"}
    web, catalog = (state.modules[name].nodes for name in ("web", "catalog"))
    for caller in web:
        for called in catalog:
            assert ((caller.id, called.id) in state.lost) == ((caller.id in inside) != (called.id in inside))
    for node in (*web, *catalog):
        assert ((OUTSIDE, node.id) in state.lost) == ((node.id, OUTSIDE) in state.lost) == (node.id in inside)


def moved_into(ec2: Any, instance: str, *, first_open: bool) -> None:
    """Move an instance's interface into an empty security group, with or without an open one before."""
    described = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    interface = described["NetworkInterfaces"][0]
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    named = {"VpcId": interface["VpcId"], "Description": "for a test"}
    opened, empty = (ec2.create_security_group(GroupName=name, **named)["GroupId"] for name in ("open", "empty"))
    ec2.authorize_security_group_ingress(GroupId=opened, IpPermissions=everything)
    ec2.revoke_security_group_egress(GroupId=empty, IpPermissions=everything)
    for group in (opened, empty) if first_open else (empty,):
        ec2.modify_network_interface_attribute(NetworkInterfaceId=interface["NetworkInterfaceId"], Groups=[group])


@pytest.mark.parametrize("first_open", [True, False])
def test_empty_group_cuts_only_untracked_connections(twin: Twin, first_open: bool) -> None:
    lonely = twin.state.modules["checkout"].nodes[0].id
    moved_into(boto(twin, "ec2"), lonely, first_open=first_open)
    state = twin.state
    broken, other = (state.lost, state.closed) if first_open else (state.closed, state.lost)
    assert other == frozenset()
    assert {to for _, to in broken if to != OUTSIDE} == {lonely}
    assert {caller for caller, to in broken if to == OUTSIDE} == {lonely}
    assert {caller for caller, to in broken if to == lonely} == {
        OUTSIDE,
        *(node.id for node in twin.state.modules["web"].nodes),
    }


def test_tracked_connection_ends_with_a_network_acl(twin: Twin) -> None:
    ec2, node = boto(twin, "ec2"), twin.state.modules["checkout"].nodes[0].id
    moved_into(ec2, node, first_open=False)
    assert (OUTSIDE, node) in twin.state.closed
    subnet = ec2.describe_instances(InstanceIds=[node])["Reservations"][0]["Instances"][0]["SubnetId"]
    deny_all(ec2, subnet)
    assert (OUTSIDE, node) in twin.state.lost
    assert (OUTSIDE, node) not in twin.state.closed


def test_closed_load_balancer_cuts_its_module_off(twin: Twin) -> None:
    elb = boto(twin, "elbv2")
    (balancer,) = elb.describe_load_balancers(Names=["storefront-catalog"])["LoadBalancers"]
    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    elb.delete_listener(ListenerArn=listener["ListenerArn"])
    cut_off = {to for caller, to in twin.state.lost if caller == OUTSIDE}
    assert cut_off == {node.id for node in twin.state.modules["catalog"].nodes}
