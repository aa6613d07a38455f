"""Where moto differs from AWS: each test shows the deviation in plain moto, and its correction on the twin.

A test that fails on its `plain` half means that moto has changed: the correction may go.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from gameday.aws.account import AnyCall
from gameday.twin.control_plane.instances import BOOT, SHUTTING_DOWN
from gameday.twin.control_plane.moto_patches import UPDATING
from gameday.twin.control_plane.scaling import LOOK
from gameday.twin.twin import START, Twin
from moto import mock_aws

REGION = "us-east-1"


class Plain:
    """Plain moto, with clients that are made once."""

    def __init__(self) -> None:
        self.session = boto3.Session(region_name=REGION)
        self._clients: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.session.client(service)
        return self._clients[service]

    def subnet(self, zone: str = "us-east-1a") -> str:
        answer = self("ec2").describe_subnets(Filters=[{"Name": "availability-zone", "Values": [zone]}])
        return str(answer["Subnets"][0]["SubnetId"])

    def instance(self) -> str:
        made = self("ec2").run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, SubnetId=self.subnet())
        return str(made["Instances"][0]["InstanceId"])

    def group(self, name: str, count: int = 3) -> dict[str, Any]:
        self("autoscaling").create_launch_configuration(
            LaunchConfigurationName=name, ImageId="ami-1", InstanceType="m5.large"
        )
        zones = ",".join(self.subnet(f"us-east-1{letter}") for letter in "abc")
        self("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchConfigurationName=name,
            MinSize=count,
            MaxSize=count,
            VPCZoneIdentifier=zones,
        )
        return group_of(self, name)


@pytest.fixture(scope="module")
def plain() -> Iterator[Plain]:
    with mock_aws(config={"lambda": {"use_docker": False}}):
        yield Plain()


class OnTwin:
    """The twin's clients."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin

    def __call__(self, service: str) -> Any:
        return self.twin.aws.connection.client(service, REGION)

    def subnet(self, zone: str = "us-east-1a") -> dict[str, Any]:
        mine = [{"Name": "tag:app", "Values": ["storefront"]}, {"Name": "availability-zone", "Values": [zone]}]
        answer: dict[str, Any] = self("ec2").describe_subnets(Filters=mine)["Subnets"][0]
        return answer

    def a_member(self, group: str = "storefront-checkout") -> str:
        return str(group_of(self, group)["Instances"][0]["InstanceId"])


@pytest.fixture
def on_twin(twin: Twin) -> Iterator[OnTwin]:
    with twin.aws.connection.permitting(AnyCall()):
        yield OnTwin(twin)


def group_of(clients: Any, name: str) -> dict[str, Any]:
    answer = clients("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    group: dict[str, Any] = answer["AutoScalingGroups"][0]
    return group


def members(group: dict[str, Any]) -> list[str]:
    return sorted(raw["InstanceId"] for raw in group["Instances"] if raw["LifecycleState"] != "Terminating")


def state_of(clients: Any, instance: str) -> str:
    answer = clients("ec2").describe_instances(InstanceIds=[instance])
    return str(answer["Reservations"][0]["Instances"][0]["State"]["Name"])


def refused(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return str(caught.value.response["Error"]["Code"])


# --- scaling groups ---------------------------------------------------------------------------------------------------


def test_moto_launches_into_one_subnet_twin_spreads(plain: Plain, on_twin: OnTwin) -> None:
    assert {raw["AvailabilityZone"] for raw in plain.group("spread")["Instances"]} == {"us-east-1a"}

    zones = [raw["AvailabilityZone"] for raw in group_of(on_twin, "storefront-web")["Instances"]]
    assert sorted(zones) == ["us-east-1a"] * 2 + ["us-east-1b"] * 2 + ["us-east-1c"] * 2


def test_moto_replaces_at_once_twin_after_a_delay(plain: Plain, on_twin: OnTwin) -> None:
    before = members(plain.group("at-once"))
    plain("ec2").terminate_instances(InstanceIds=before[:1])
    after = members(group_of(plain, "at-once"))
    assert len(after) == 3
    assert before[0] not in after

    gone = on_twin.a_member()
    on_twin("ec2").terminate_instances(InstanceIds=[gone])
    assert gone in members(group_of(on_twin, "storefront-checkout"))
    on_twin.twin.clock.sleep(LOOK)
    group = group_of(on_twin, "storefront-checkout")
    assert gone not in members(group)
    assert [raw["LifecycleState"] for raw in group["Instances"]].count("Pending") == 1


def test_moto_ignores_suspended_processes(plain: Plain, on_twin: OnTwin) -> None:
    before = members(plain.group("suspended"))
    plain("autoscaling").suspend_processes(AutoScalingGroupName="suspended", ScalingProcesses=["Launch"])
    plain("ec2").terminate_instances(InstanceIds=before[:1])
    assert len(members(group_of(plain, "suspended"))) == 3

    on_twin("autoscaling").suspend_processes(AutoScalingGroupName="storefront-checkout", ScalingProcesses=["Launch"])
    on_twin("ec2").terminate_instances(InstanceIds=[on_twin.a_member()])
    on_twin.twin.clock.sleep(300)
    assert len(members(group_of(on_twin, "storefront-checkout"))) == 5


def test_moto_raises_key_error_for_an_unknown_group(plain: Plain, on_twin: OnTwin) -> None:
    with pytest.raises(KeyError):
        plain("autoscaling").suspend_processes(AutoScalingGroupName="nobody", ScalingProcesses=["Launch"])
    assert refused(on_twin("autoscaling").suspend_processes, AutoScalingGroupName="nobody") == "ValidationError"
    assert (
        refused(on_twin("autoscaling").set_desired_capacity, AutoScalingGroupName="nobody", DesiredCapacity=1)
        == "ValidationError"
    )


def test_moto_suspends_processes_that_do_not_exist(plain: Plain, on_twin: OnTwin) -> None:
    plain.group("bogus")
    plain("autoscaling").suspend_processes(AutoScalingGroupName="bogus", ScalingProcesses=["Breathing"])
    assert group_of(plain, "bogus")["SuspendedProcesses"]
    code = refused(
        on_twin("autoscaling").suspend_processes,
        AutoScalingGroupName="storefront-web",
        ScalingProcesses=["Breathing"],
    )
    assert code == "ValidationError"


# --- instances --------------------------------------------------------------------------------------------------------


def test_moto_starts_terminated_instances_again(plain: Plain, on_twin: OnTwin) -> None:
    lazarus = plain.instance()
    plain("ec2").terminate_instances(InstanceIds=[lazarus])
    plain("ec2").start_instances(InstanceIds=[lazarus])
    assert state_of(plain, lazarus) == "running"

    gone, ec2 = on_twin.a_member(), on_twin("ec2")
    ec2.terminate_instances(InstanceIds=[gone])
    for call in (ec2.start_instances, ec2.stop_instances, ec2.reboot_instances):
        assert refused(call, InstanceIds=[gone]) == "IncorrectInstanceState"
    assert state_of(on_twin, gone) == "shutting-down"
    on_twin.twin.clock.sleep(SHUTTING_DOWN)
    assert state_of(on_twin, gone) == "terminated"


def test_motos_reboot_is_not_visible(plain: Plain, on_twin: OnTwin) -> None:
    def status(clients: Any, instance: str) -> str:
        answer = clients("ec2").describe_instance_status(InstanceIds=[instance])["InstanceStatuses"]
        return str(answer[0]["InstanceStatus"]["Status"])

    rebooted = plain.instance()
    plain("ec2").reboot_instances(InstanceIds=[rebooted])
    assert status(plain, rebooted) == "ok"

    member = on_twin.a_member()
    assert status(on_twin, member) == "ok"
    on_twin("ec2").reboot_instances(InstanceIds=[member])
    assert status(on_twin, member) == "initializing"
    on_twin.twin.clock.sleep(BOOT)
    assert status(on_twin, member) == "ok"


def test_motos_interfaces_outlive_their_instance(plain: Plain, on_twin: OnTwin) -> None:
    def interfaces(clients: Any, instance: str) -> int:
        filters = [{"Name": "attachment.instance-id", "Values": [instance]}]
        return len(clients("ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"])

    mortal = plain.instance()
    plain("ec2").terminate_instances(InstanceIds=[mortal])
    assert interfaces(plain, mortal) == 1

    member = on_twin.a_member()
    assert interfaces(on_twin, member) == 1
    on_twin("ec2").terminate_instances(InstanceIds=[member])
    assert interfaces(on_twin, member) == 0


# --- the network ------------------------------------------------------------------------------------------------------


def association(clients: Any, subnet: str) -> tuple[str, str]:
    """(association, ACL) of a subnet."""
    filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
    answer = clients("ec2").describe_network_acls(Filters=filters)["NetworkAcls"]
    return next(
        (str(raw["NetworkAclAssociationId"]), str(acl["NetworkAclId"]))
        for acl in answer
        for raw in acl["Associations"]
        if raw["SubnetId"] == subnet
    )


def test_moto_destroys_an_association_for_unknown_acl(plain: Plain, on_twin: OnTwin) -> None:
    held, _ = association(plain, plain.subnet())
    replace = plain("ec2").replace_network_acl_association
    assert refused(replace, AssociationId=held, NetworkAclId="acl-0123") == "InvalidNetworkAclID.NotFound"
    with pytest.raises(StopIteration):
        association(plain, plain.subnet())

    subnet = on_twin.subnet()["SubnetId"]
    held, acl = association(on_twin, subnet)
    replace = on_twin("ec2").replace_network_acl_association
    assert refused(replace, AssociationId=held, NetworkAclId="acl-0123") == "InvalidNetworkAclID.NotFound"
    assert association(on_twin, subnet) == (held, acl)


def test_moto_raises_stop_iteration_for_a_stale_association(plain: Plain, on_twin: OnTwin) -> None:
    stale = "aclassoc-0123"
    with pytest.raises((StopIteration, RuntimeError)):
        plain("ec2").replace_network_acl_association(AssociationId=stale, NetworkAclId="acl-0123")
    _, acl = association(on_twin, on_twin.subnet()["SubnetId"])
    replace = on_twin("ec2").replace_network_acl_association
    assert refused(replace, AssociationId=stale, NetworkAclId=acl) == "InvalidAssociationID.NotFound"


def test_moto_associates_an_acl_of_another_vpc(plain: Plain, on_twin: OnTwin) -> None:
    def foreign(clients: Any) -> str:
        vpc = clients("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        return str(clients("ec2").create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"])

    held, _ = association(plain, plain.subnet("us-east-1b"))
    assert plain("ec2").replace_network_acl_association(AssociationId=held, NetworkAclId=foreign(plain))
    held, _ = association(on_twin, on_twin.subnet()["SubnetId"])
    replace = on_twin("ec2").replace_network_acl_association
    assert refused(replace, AssociationId=held, NetworkAclId=foreign(on_twin)) == "InvalidParameterValue"


def test_motos_new_acl_has_no_rule(plain: Plain, on_twin: OnTwin) -> None:
    vpc = plain("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    assert plain("ec2").create_network_acl(VpcId=vpc)["NetworkAcl"]["Entries"] == []

    entries = on_twin("ec2").create_network_acl(VpcId=on_twin.subnet()["VpcId"])["NetworkAcl"]["Entries"]
    assert sorted((raw["RuleNumber"], raw["RuleAction"], raw["Egress"]) for raw in entries) == [
        (32767, "deny", False),
        (32767, "deny", True),
    ]


def test_moto_executes_dry_runs_of_acl_calls(plain: Plain, on_twin: OnTwin) -> None:
    def acls(clients: Any) -> int:
        return len(clients("ec2").describe_network_acls()["NetworkAcls"])

    vpc, before = plain("ec2").describe_vpcs()["Vpcs"][0]["VpcId"], acls(plain)
    plain("ec2").create_network_acl(VpcId=vpc, DryRun=True)
    assert acls(plain) == before + 1

    before, held = acls(on_twin), association(on_twin, on_twin.subnet()["SubnetId"])
    ec2 = on_twin("ec2")
    assert refused(ec2.create_network_acl, VpcId=on_twin.subnet()["VpcId"], DryRun=True) == "DryRunOperation"
    replace = ec2.replace_network_acl_association
    assert refused(replace, AssociationId=held[0], NetworkAclId=held[1], DryRun=True) == "DryRunOperation"
    assert (acls(on_twin), association(on_twin, on_twin.subnet()["SubnetId"])) == (before, held)


def test_moto_raises_stop_iteration_for_missing_acl_rule(plain: Plain, on_twin: OnTwin) -> None:
    acl = plain("ec2").describe_network_acls()["NetworkAcls"][0]["NetworkAclId"]
    with pytest.raises((StopIteration, RuntimeError)):
        plain("ec2").delete_network_acl_entry(NetworkAclId=acl, RuleNumber=77, Egress=True)
    _, acl = association(on_twin, on_twin.subnet()["SubnetId"])
    delete = on_twin("ec2").delete_network_acl_entry
    assert refused(delete, NetworkAclId=acl, RuleNumber=77, Egress=True) == "InvalidNetworkAclEntry.NotFound"
    delete(NetworkAclId=acl, RuleNumber=100, Egress=True)


def test_moto_names_a_route_table_for_unknown_acl(plain: Plain, on_twin: OnTwin) -> None:
    described = plain("ec2").describe_network_acls
    assert refused(described, NetworkAclIds=["acl-0123"]) == "InvalidRouteTableID.NotFound"
    described = on_twin("ec2").describe_network_acls
    assert refused(described, NetworkAclIds=["acl-0123"]) == "InvalidNetworkAclID.NotFound"


def interface_groups(clients: Any, instance: str) -> tuple[str, list[str]]:
    filters = [{"Name": "attachment.instance-id", "Values": [instance]}]
    interface = clients("ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"][0]
    return interface["NetworkInterfaceId"], sorted(group["GroupId"] for group in interface["Groups"])


def instance_groups(clients: Any, instance: str) -> list[str]:
    answer = clients("ec2").describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    return sorted(group["GroupId"] for group in answer["SecurityGroups"])


def test_moto_adds_interface_groups_without_replacing(plain: Plain, on_twin: OnTwin) -> None:
    def new_group(clients: Any, vpc: str) -> str:
        return str(clients("ec2").create_security_group(GroupName="new", Description="new", VpcId=vpc)["GroupId"])

    vpc = plain("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    first = str(plain("ec2").create_security_group(GroupName="first", Description="first", VpcId=vpc)["GroupId"])
    ran = plain("ec2").run_instances(
        ImageId="ami-1", MinCount=1, MaxCount=1, SubnetId=plain.subnet(), SecurityGroupIds=[first]
    )
    instance, wanted = ran["Instances"][0]["InstanceId"], new_group(plain, vpc)
    interface, _ = interface_groups(plain, instance)
    plain("ec2").modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[wanted])
    assert interface_groups(plain, instance)[1] == sorted([first, wanted])

    member, wanted = on_twin.a_member(), new_group(on_twin, on_twin.subnet()["VpcId"])
    interface, before = interface_groups(on_twin, member)
    on_twin("ec2").modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[wanted])
    assert (interface_groups(on_twin, member)[1], instance_groups(on_twin, member)) == ([wanted], [wanted])
    on_twin("ec2").modify_instance_attribute(InstanceId=member, Groups=before)
    assert (interface_groups(on_twin, member)[1], instance_groups(on_twin, member)) == (before, before)


def test_moto_deletes_security_groups_in_use(plain: Plain, on_twin: OnTwin) -> None:
    vpc = plain("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    used = plain("ec2").create_security_group(GroupName="used", Description="used", VpcId=vpc)["GroupId"]
    plain("ec2").run_instances(
        ImageId="ami-1", MinCount=1, MaxCount=1, SubnetId=plain.subnet(), SecurityGroupIds=[used]
    )
    plain("ec2").delete_security_group(GroupId=used)

    _, (group,) = interface_groups(on_twin, on_twin.a_member())
    assert refused(on_twin("ec2").delete_security_group, GroupId=group) == "DependencyViolation"


def test_motos_targets_are_healthy_behind_a_deny_all_acl(plain: Plain, on_twin: OnTwin) -> None:
    elb, vpc = plain("elbv2"), plain("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    targets = elb.create_target_group(Name="t", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0][
        "TargetGroupArn"
    ]
    elb.register_targets(TargetGroupArn=targets, Targets=[{"Id": plain.instance()}])
    held, _ = association(plain, plain.subnet("us-east-1c"))
    closed = plain("ec2").create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    plain("ec2").replace_network_acl_association(AssociationId=held, NetworkAclId=closed)
    health = elb.describe_target_health(TargetGroupArn=targets)["TargetHealthDescriptions"]
    assert [raw["TargetHealth"]["State"] for raw in health] == ["healthy"]

    subnet = on_twin.subnet()
    held, _ = association(on_twin, subnet["SubnetId"])
    closed = on_twin("ec2").create_network_acl(VpcId=subnet["VpcId"])["NetworkAcl"]["NetworkAclId"]
    on_twin("ec2").replace_network_acl_association(AssociationId=held, NetworkAclId=closed)
    on_twin.twin.clock.sleep(25)
    (arn,) = group_of(on_twin, "storefront-web")["TargetGroupARNs"]
    health = on_twin("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    states = [raw["TargetHealth"]["State"] for raw in health]
    assert (states.count("healthy"), states.count("unhealthy")) == (4, 2)


# --- tables, functions, metrics, alarms -------------------------------------------------------------------------------


def test_motos_tables_are_never_updating(plain: Plain, on_twin: OnTwin) -> None:
    def table(clients: Any, name: str) -> tuple[str, int]:
        answer = clients("dynamodb").describe_table(TableName=name)["Table"]
        return answer["TableStatus"], answer["ProvisionedThroughput"]["WriteCapacityUnits"]

    capacity = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    plain("dynamodb").create_table(
        TableName="t",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        ProvisionedThroughput={"ReadCapacityUnits": 20, "WriteCapacityUnits": 20},
    )
    plain("dynamodb").update_table(TableName="t", ProvisionedThroughput=capacity)
    assert table(plain, "t") == ("ACTIVE", 1)

    on_twin("dynamodb").update_table(TableName="ledger", ProvisionedThroughput=capacity)
    assert table(on_twin, "ledger") == ("UPDATING", 20)
    update = on_twin("dynamodb").update_table
    assert refused(update, TableName="ledger", ProvisionedThroughput=capacity) == "ResourceInUseException"
    on_twin.twin.clock.sleep(UPDATING)
    assert table(on_twin, "ledger") == ("ACTIVE", 1)
    assert on_twin.twin.state.modules["ledger"].capacity == 1


def test_moto_invokes_a_function_without_concurrency(plain: Plain, on_twin: OnTwin) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", "")
    role = plain("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    plain("lambda").create_function(
        FunctionName="payments", Runtime="python3.13", Role=role, Handler="f.f", Code={"ZipFile": packed.getvalue()}
    )
    for clients in (plain, on_twin):
        clients("lambda").put_function_concurrency(FunctionName="payments", ReservedConcurrentExecutions=0)
    assert plain("lambda").invoke(FunctionName="payments")["StatusCode"] == 200
    assert refused(on_twin("lambda").invoke, FunctionName="payments") == "TooManyRequestsException"


def test_moto_has_no_percentiles(plain: Plain, on_twin: OnTwin) -> None:
    def p90(clients: Any) -> Any:
        data = [{"MetricName": "M", "Values": [float(n) for n in range(1, 11)], "Timestamp": START}]
        clients("cloudwatch").put_metric_data(Namespace="N", MetricData=data)
        metric = {"Namespace": "N", "MetricName": "M"}
        answer = clients("cloudwatch").get_metric_data(
            StartTime=START,
            EndTime=START + 60,
            MetricDataQueries=[{"Id": "a", "MetricStat": {"Metric": metric, "Period": 10, "Stat": "p90"}}],
        )
        return answer["MetricDataResults"][0]["Values"]

    with pytest.raises(TypeError):
        p90(plain)
    assert p90(on_twin) == [9.0]


def test_moto_never_evaluates_an_alarm(plain: Plain, on_twin: OnTwin) -> None:
    def state(clients: Any) -> str:
        return str(clients("cloudwatch").describe_alarms(AlarmNames=["busy"])["MetricAlarms"][0]["StateValue"])

    for clients in (plain, on_twin):
        clients("cloudwatch").put_metric_alarm(
            AlarmName="busy",
            Namespace="Storefront",
            MetricName="PagesTried",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=100,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )
    assert state(plain) == "OK"
    on_twin.twin.clock.sleep(120)
    assert (state(plain), state(on_twin)) == ("OK", "ALARM")


# --- errors -----------------------------------------------------------------------------------------------------------


def test_moto_raises_python_errors(plain: Plain, on_twin: OnTwin) -> None:
    volume = plain("ec2").describe_volumes()["Volumes"][0]["VolumeId"]
    with pytest.raises(TypeError):
        plain("ec2").detach_volume(VolumeId=volume)
    volume = on_twin("ec2").describe_volumes()["Volumes"][0]["VolumeId"]
    with pytest.raises(ClientError, match=r"DetachVolume.*TypeError") as caught:
        on_twin("ec2").detach_volume(VolumeId=volume)
    assert caught.value.response["Error"]["Code"] == "InternalFailure"

    with pytest.raises(NotImplementedError):
        plain("ec2").describe_volume_status()
    assert refused(on_twin("ec2").describe_volume_status) == "NotImplemented"
