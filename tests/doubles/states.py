"""The documented states of the hazard table, each built over a shop on moto by what AWS answers in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from gameday.change import Call, Json
from gameday.errors import AwsError
from gameday.testing.wrapper import Wrapped

from tests.doubles.shop import OPTED_IN

Edit = Callable[[Any, Call], None]
"""Change an answer of moto, in place, into the one of the state."""
Edits = dict[str, Edit | Json | AwsError]
"""Operation → what the state changes in its answer; or the answer itself."""

OTHERS = "999999999999"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"


class Edited(Wrapped):
    """An account on which a state holds."""

    def __init__(self, account: Any, edits: Edits) -> None:
        super().__init__(account)
        self.edits = edits

    def answer(self, call: Call, region: str, paged: bool) -> Json:
        edit = self.edits.get(call.operation)
        if isinstance(edit, AwsError):
            raise edit
        if edit is not None and not callable(edit):
            return deepcopy(edit)
        answer = deepcopy(super().answer(call, region, paged))
        if callable(edit):
            edit(answer, call)
        return answer


# instances ------------------------------------------------------------------------------------------------------------


def of_instance(id_: str, **fields: Any) -> Edits:
    """DescribeInstances answers these fields for one instance; a filter on its state leaves it out where it must."""

    def edit(answer: Any, call: Call) -> None:
        wanted = _values(call, "instance-state-name")
        for reservation in answer["Reservations"]:
            for raw in reservation["Instances"]:
                if raw["InstanceId"] == id_:
                    raw.update(deepcopy(fields))
            reservation["Instances"] = [
                raw for raw in reservation["Instances"] if not wanted or raw["State"]["Name"] in wanted
            ]

    return {"describe_instances": edit}


def _values(call: Call, name: str) -> list[str]:
    filters: Any = call.params.get("Filters", [])
    return next((each["Values"] for each in filters if each["Name"] == name), [])


def without_tags(id_: str, *keys: str, **more: str) -> Edits:
    """DescribeInstances leaves these tags out for one instance, and adds others (`__` is `:`)."""
    added = [{"Key": key.replace("__", ":").replace("_", "-"), "Value": value} for key, value in more.items()]

    def edit(answer: Any, _: Call) -> None:
        for reservation in answer["Reservations"]:
            for raw in reservation["Instances"]:
                if raw["InstanceId"] == id_:
                    raw["Tags"] = [tag for tag in raw["Tags"] if tag["Key"] not in keys]
                    raw["Tags"] += added

    return {"describe_instances": edit}


GROUP_TAG = "aws:autoscaling:groupName"


def together(*all_edits: Edits) -> Edits:
    """Several states at the same time: their edits of one operation, one after the other."""
    merged: Edits = {}
    for edits in all_edits:
        for operation, edit in edits.items():
            first = merged.get(operation)
            if callable(first) and callable(edit):

                def both(answer: Any, call: Call, one: Edit = first, two: Edit = edit) -> None:
                    one(answer, call)
                    two(answer, call)

                merged[operation] = both
            else:
                merged[operation] = edit
    return merged


def alone(id_: str) -> Edits:
    """One instance is in no scaling group."""

    def edit(answer: Any, _: Call) -> None:
        for group in answer["AutoScalingGroups"]:
            members = [member for member in group["Instances"] if member["InstanceId"] != id_]
            group["DesiredCapacity"] -= len(group["Instances"]) - len(members)
            group["Instances"] = members

    return {**without_tags(id_, GROUP_TAG), "describe_auto_scaling_groups": edit}


def spot(id_: str, **request: Json) -> Edits:
    return {
        **together(alone(id_), of_instance(id_, InstanceLifecycle="spot", SpotInstanceRequestId="sir-1")),
        "describe_spot_instance_requests": {
            "SpotInstanceRequests": [{"State": "active", "InstanceId": id_, **request}]
        },
    }


def key(id_: str, state: str, manager: str) -> Edits:
    volume = {"VolumeId": "vol-1", "Encrypted": True, "KmsKeyId": KEY}
    return {
        **of_instance(id_, BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": "vol-1"}}]),
        "describe_volumes": {"Volumes": [volume]},
        "describe_key": {"KeyMetadata": {"KeyId": KEY, "KeyState": state, "KeyManager": manager}},
    }


def stores(_: str) -> Edits:
    def edit(answer: Any, call: Call) -> None:
        for raw in answer["InstanceTypes"]:
            raw["InstanceStorageSupported"] = True

    return {"describe_instance_types": edit}


def protected(attribute: str) -> Edits:
    def edit(answer: Any, call: Call) -> None:
        answer[f"{attribute[0].upper()}{attribute[1:]}"] = {"Value": call.params["Attribute"] == attribute}

    return {"describe_instance_attribute": edit}


def address(id_: str, owner: str) -> Edits:
    def edit(answer: Any, _: Call) -> None:
        for reservation in answer["Reservations"]:
            for raw in reservation["Instances"]:
                if raw["InstanceId"] == id_:
                    associated = {"PublicIp": "192.0.2.7", "IpOwnerId": owner}
                    raw["NetworkInterfaces"][0]["Association"] = associated

    return {"describe_instances": edit}


def without_interfaces(id_: str) -> Edits:
    def edit(answer: Any, _: Call) -> None:
        interfaces = answer["NetworkInterfaces"]
        answer["NetworkInterfaces"] = [raw for raw in interfaces if raw.get("Attachment", {}).get("InstanceId") != id_]

    return {"describe_network_interfaces": edit}


Build = Callable[[str, str], Edits]
"""The edits of a state, for an instance of the shop and one of the state's values (empty where it names none)."""

INSTANCES: dict[str, Build] = {
    "running": lambda _, __: {},
    "between states": lambda id_, value: of_instance(id_, State={"Name": value}),
    "stopped": lambda id_, value: of_instance(id_, State={"Name": value}),
    "hibernated": lambda id_, _: of_instance(
        id_, State={"Name": "stopped"}, StateReason={"Code": "Client.UserInitiatedHibernate"}
    ),
    "shutting down": lambda id_, value: of_instance(id_, State={"Name": value}),
    "terminated": lambda id_, value: {
        **of_instance(id_, State={"Name": value}, NetworkInterfaces=[]),
        **without_interfaces(id_),
    },
    "termination protection": lambda _, __: protected("disableApiTermination"),
    "stop protection": lambda _, __: protected("disableApiStop"),
    "shutdown behavior terminate": lambda _, __: {},
    "root on an instance store": lambda id_, _: {**of_instance(id_, RootDeviceType="instance-store"), **stores(id_)},
    "instance store volumes": lambda id_, _: stores(id_),
    "address that AWS assigned": lambda id_, _: address(id_, "amazon"),
    "Elastic IP address": lambda id_, _: address(id_, "123456789012"),
    "volume deleted on termination": lambda id_, _: {
        **of_instance(id_, BlockDeviceMappings=[{"Ebs": {"VolumeId": "vol-1", "DeleteOnTermination": True}}]),
        "describe_volumes": {"Volumes": [{"VolumeId": "vol-1"}]},
    },
    "customer managed key": lambda id_, _: key(id_, "Enabled", "CUSTOMER"),
    "key that is not enabled": lambda id_, value: key(id_, value, "AWS"),
    "AWS managed key": lambda id_, _: key(id_, "Enabled", "AWS"),
    "one-time Spot request": lambda id_, _: spot(id_, Type="one-time"),
    "Spot launch group": lambda id_, _: spot(id_, Type="persistent", LaunchGroup="together"),
    "persistent Spot request": lambda id_, _: spot(id_, Type="persistent"),
    "cancelled Spot request": lambda id_, _: spot(id_, Type="persistent", State="cancelled"),
    "Spot Instance of a group or fleet": lambda id_, _: {
        **of_instance(id_, InstanceLifecycle="spot", SpotInstanceRequestId="sir-1"),
        "describe_spot_instance_requests": {"SpotInstanceRequests": [{"Type": "persistent"}]},
    },
    "other lifecycle": lambda id_, value: of_instance(id_, InstanceLifecycle=value),
    "dedicated tenancy": lambda id_, _: of_instance(
        id_, Placement={"AvailabilityZone": "us-east-1a", "Tenancy": "dedicated"}
    ),
    "Dedicated Host": lambda id_, _: of_instance(id_, Placement={"AvailabilityZone": "us-east-1a", "Tenancy": "host"}),
    "hibernation enabled": lambda id_, _: of_instance(id_, HibernationOptions={"Configured": True}),
    "placement group": lambda id_, _: of_instance(
        id_, Placement={"AvailabilityZone": "us-east-1a", "GroupName": "near"}
    ),
    "no scaling group": lambda id_, _: alone(id_),
    "EC2 Fleet": lambda id_, _: {
        **together(alone(id_), without_tags(id_, aws__ec2__fleet_id="fleet-1")),
        "describe_fleets": {"Fleets": [{"FleetId": "fleet-1", "Type": "maintain"}]},
    },
    "several network interfaces": lambda _, __: {},  # `second_interface` of the test makes it
    "without the opt-in tag": lambda id_, _: without_tags(id_, *OPTED_IN),
}


# groups ---------------------------------------------------------------------------------------------------------------


def member(id_: str, **fields: Any) -> Edits:
    """The group answers these fields for one member; a balancer knows it only while it is in service."""

    def groups(answer: Any, _: Call) -> None:
        for group in answer["AutoScalingGroups"]:
            for raw in group["Instances"]:
                raw.update(fields if raw["InstanceId"] == id_ else {})

    def health(answer: Any, _: Call) -> None:
        if fields.get("LifecycleState", "InService") != "InService":
            described = answer["TargetHealthDescriptions"]
            answer["TargetHealthDescriptions"] = [each for each in described if each["Target"]["Id"] != id_]

    return {"describe_auto_scaling_groups": groups, "describe_target_health": health}


def group(**fields: Any) -> Edits:
    def edit(answer: Any, _: Call) -> None:
        for raw in answer["AutoScalingGroups"]:
            raw.update(deepcopy(fields))

    return {"describe_auto_scaling_groups": edit}


def weighted() -> Edits:
    def edit(answer: Any, _: Call) -> None:
        for raw in answer["AutoScalingGroups"]:
            raw["DesiredCapacity"] *= 4
            for each in raw["Instances"]:
                each["WeightedCapacity"] = "4"

    return {"describe_auto_scaling_groups": edit}


def first_subnet_alone() -> Edits:
    def edit(answer: Any, _: Call) -> None:
        for raw in answer["AutoScalingGroups"]:
            raw["VPCZoneIdentifier"] = raw["VPCZoneIdentifier"].split(",")[0]

    return {"describe_auto_scaling_groups": edit}


def group_without_opt_in() -> Edits:
    def edit(answer: Any, _: Call) -> None:
        for raw in answer["AutoScalingGroups"]:
            raw["Tags"] = [tag for tag in raw["Tags"] if tag["Key"] not in OPTED_IN]

    return {"describe_auto_scaling_groups": edit}


def _lifecycle(id_: str, value: str) -> Edits:
    return member(id_, LifecycleState=value)


MEMBERS: dict[str, Build] = {
    "in service": _lifecycle,
    "standby": _lifecycle,
    "being launched": _lifecycle,
    "being terminated": _lifecycle,
    "detaching": _lifecycle,
    "warm pool": _lifecycle,
    "replacing its root volume": _lifecycle,
    "quarantined": _lifecycle,
    "unhealthy": lambda id_, _: member(id_, HealthStatus="Unhealthy"),
    "scale-in protection": lambda id_, _: member(id_, ProtectedFromScaleIn=True),
}

GROUPS: dict[str, Build] = {
    "whole": lambda _, __: {},
    "short of capacity": lambda _, __: group(DesiredCapacity=5),
    "weighted members": lambda _, __: weighted(),
    "capacity in vCPUs or memory": lambda _, value: group(DesiredCapacityType=value, DesiredCapacity=16),
    "replacing suspended": lambda _, __: {},  # the test suspends it in moto
    "other processes suspended": lambda _, __: {},
    "no subnets named": lambda _, __: group(VPCZoneIdentifier=""),
    "subnets in the zone alone": lambda _, __: first_subnet_alone(),
    "without the opt-in tag": lambda _, __: group_without_opt_in(),
    "being deleted": lambda _, __: group(Status="Delete in progress"),
    "instance refresh in progress": lambda _, __: {},
}


# subnets and interfaces -----------------------------------------------------------------------------------------------


def subnets(**fields: Any) -> Edits:
    def edit(answer: Any, call: Call) -> None:
        by_tags = any(each["Name"].startswith("tag:") for each in _filters(call))
        for raw in answer["Subnets"]:
            raw.update(deepcopy(fields))
        if by_tags and fields.get("Tags") == []:
            answer["Subnets"] = []

    return {"describe_subnets": edit}


def _filters(call: Call) -> list[Any]:
    filters: Any = call.params.get("Filters", [])
    return list(filters)


def tagged_by_a_run(operation: str, listed: str) -> Edits:
    """What these faults would change belongs to an earlier run; what is looked up by the run's own tag does not."""

    def edit(answer: Any, call: Call) -> None:
        if not any(each["Name"].startswith("tag:") for each in _filters(call)):
            for raw in answer[listed]:
                raw["Tags"] = [{"Key": "gameday:run", "Value": "another"}]

    return {operation: edit}


def stranger(about: str) -> Edits:
    """Every subnet that is asked for holds one interface more."""

    def edit(answer: Any, call: Call) -> None:
        asked = _values(call, "subnet-id")
        answer["NetworkInterfaces"] += [
            {"NetworkInterfaceId": "eni-other", "SubnetId": subnet, "Description": about, "Groups": []}
            for subnet in asked[:1]
        ]

    return {
        "describe_network_interfaces": edit,
        **dict.fromkeys(
            (
                "describe_db_instances", "describe_file_systems", "list_tags_for_resource", "describe_nat_gateways",
                "describe_vpc_endpoints", "describe_tags", "list_tags", "describe_cluster",
            ),
            AwsError("any", "any", "AccessDenied", "not yours"),
        ),
    }  # fmt: skip


def subnet_without_opt_in() -> Edits:
    def edit(answer: Any, _: Call) -> None:
        for raw in answer["Subnets"]:
            raw["Tags"] = [tag for tag in raw["Tags"] if tag["Key"] not in OPTED_IN]

    return {"describe_subnets": edit}


def unfit(state: str) -> Edits:
    def edit(answer: Any, _: Call) -> None:
        for each in answer["TargetHealthDescriptions"]:
            each["TargetHealth"] = {"State": state}

    return {"describe_target_health": edit}


def interface(**fields: Any) -> Edits:
    def edit(answer: Any, _: Call) -> None:
        for raw in answer["NetworkInterfaces"]:
            raw.update(deepcopy(fields))

    return {"describe_network_interfaces": edit}


def behind_nlb() -> Edits:
    def edit(answer: Any, _: Call) -> None:
        for raw in answer["TargetGroups"]:
            raw["LoadBalancerArns"] = ["arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/web/1"]

    return {"describe_target_groups": edit}


SUBNETS: dict[str, Build] = {
    "default ACL": lambda _, __: {},
    "custom ACL": lambda _, __: {},  # `custom_acl` of the test makes it
    "ACL of a run": lambda _, __: tagged_by_a_run("describe_network_acls", "NetworkAcls"),
    "default subnet": lambda _, __: subnets(DefaultForAz=True),
    "shared, tags seen": lambda _, __: subnets(OwnerId=OTHERS),
    "shared, tags not seen": lambda _, __: subnets(OwnerId=OTHERS, Tags=[]),
    "interface of others": lambda _, value: stranger(value),
    "without the opt-in tag": lambda _, __: subnet_without_opt_in(),
    "no healthy target": lambda _, value: unfit(value),
}

INTERFACES: dict[str, Build] = {
    "private": lambda _, __: {},
    "public address": lambda _, __: interface(Association={"PublicIp": "192.0.2.7", "IpOwnerId": "amazon"}),
    "IPv6 address": lambda _, __: interface(Ipv6Addresses=[{"Ipv6Address": "2001:db8::1"}]),
    "behind a Network Load Balancer": lambda _, __: behind_nlb(),
    "security group of a run": lambda _, __: tagged_by_a_run("describe_security_groups", "SecurityGroups"),
    "tracking timeout of its own": lambda _, __: interface(
        ConnectionTrackingConfiguration={"TcpEstablishedTimeout": 120}
    ),
}

BUILDS: Mapping[str, Mapping[str, Build]] = {
    "instance": INSTANCES,
    "group member": MEMBERS,
    "scaling group": GROUPS,
    "subnet": SUBNETS,
    "interface": INTERFACES,
}
"""Kind of target → its states, by name."""
