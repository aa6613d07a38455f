"""Instances and scaling groups as AWS's documents show them, answered without moto."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gameday.aws.arns import ArnPlace
from gameday.aws.inventory import Inventory
from gameday.aws.resources import Ownership
from gameday.change import Call, Json
from gameday.errors import AwsError
from gameday.faults.fault import FaultContext

REGION = "us-east-1"
NOW = 1_800_000_000.0
OWNS = {"module": "web"}


def instance(id_: str, group: str | None = None, **fields: Any) -> dict[str, Any]:
    """An instance of module web, as DescribeInstances answers."""
    tags = fields.pop("tags", {}) | OWNS | ({"aws:autoscaling:groupName": group} if group else {})
    return {
        "InstanceId": id_,
        "InstanceType": "t3.micro",
        "Placement": {"AvailabilityZone": "us-east-1a"},
        "State": {"Name": fields.pop("state", "running")},
        "RootDeviceType": "ebs",
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        **fields,
    }


def member(
    id_: str, lifecycle: str = "InService", health: str = "Healthy", weight: int | None = None
) -> dict[str, Any]:
    """A member of a group, as DescribeAutoScalingGroups answers."""
    weighs = {} if weight is None else {"WeightedCapacity": str(weight)}
    return {"InstanceId": id_, "LifecycleState": lifecycle, "HealthStatus": health, **weighs}


def group(name: str, members: Sequence[Mapping[str, Any]], desired: int, **fields: Any) -> dict[str, Any]:
    """A scaling group, as DescribeAutoScalingGroups answers."""
    return {
        "AutoScalingGroupName": name,
        "DesiredCapacity": desired,
        "Instances": [*members],
        "SuspendedProcesses": [],
        **fields,
    }


class Fleet:
    """An account with these instances and groups. `answers` replaces or adds answers, by operation; errors too."""

    def __init__(
        self,
        instances: Sequence[Mapping[str, Any]],
        groups: Sequence[Mapping[str, Any]] = (),
        answers: Mapping[str, Json | AwsError] | None = None,
    ) -> None:
        named = {str(raw["InstanceType"]) for raw in instances}
        stores = [
            {"InstanceType": name, "InstanceStorageSupported": name.startswith(("i4i", "m6gd"))} for name in named
        ]
        self.answers: dict[str, Any] = {
            "describe_instances": {"Reservations": [{"Instances": [*instances]}]},
            "describe_auto_scaling_groups": {"AutoScalingGroups": [*groups]},
            "describe_instance_types": {"InstanceTypes": stores},
            "describe_volumes": {"Volumes": []},
            "describe_availability_zones": {"AvailabilityZones": [{"ZoneName": "us-east-1a"}]},
            "describe_target_groups": {"TargetGroups": []},
            "get_resources": {"ResourceTagMappingList": []},
            "get_console_output": {"InstanceId": "i-1"},
        } | dict(answers or {})
        self.calls: list[Call] = []

    def call(self, call: Call, region: str) -> Any:
        self.calls.append(call)
        answer = self.answers[call.operation]
        if isinstance(answer, AwsError):
            raise answer
        return answer

    pages = call

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Any]:
        return [self._answer(call) for call, _ in calls]

    def _answer(self, call: Call) -> Any:
        try:
            return self.call(call, REGION)
        except AwsError as error:
            return error

    def look(self, seed: int = 0) -> FaultContext:
        place = ArnPlace("aws", REGION, "123456789012")
        inventory = Inventory(self, place, Ownership({}), {"web": Ownership(OWNS)})
        return FaultContext(self, REGION, inventory, ("web",), seed=seed, now=NOW)
