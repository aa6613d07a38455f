"""The resources of a workload in its account: instances, subnets, scaling groups, functions, tables and stages.

An inventory only reads. It reads each kind once, at first use, and finds the module that each resource belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

from gameday.aws.account import Account, read
from gameday.aws.answers.apigateway import GET_REST_APIS, GET_STAGES
from gameday.aws.answers.autoscaling import DESCRIBE_AUTO_SCALING_GROUPS
from gameday.aws.answers.dynamodb import DESCRIBE_TABLE, LIST_TABLES, LIST_TAGS_OF_RESOURCE
from gameday.aws.answers.ec2 import (
    DESCRIBE_AVAILABILITY_ZONES,
    DESCRIBE_INSTANCES,
    DESCRIBE_SUBNETS,
    InstanceDescription,
    instances_of,
)
from gameday.aws.answers.lambda_ import LIST_FUNCTIONS, LIST_TAGS
from gameday.aws.answers.operation import Operation, tags_of
from gameday.change import JsonLike
from gameday.errors import AwsError

A = TypeVar("A")
_Kind = Literal["functions", "tables", "stages"]


@dataclass(frozen=True, slots=True)
class Ownership:
    """How the workload file states what a module (or the workload) owns: by tags, or by name."""

    tags: dict[str, str]
    functions: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()

    def has(self, name: str, names: tuple[str, ...], tags: dict[str, str]) -> bool:
        """Return whether a resource belongs here: the file names it, or it carries all of the tags."""
        return name in names or (bool(self.tags) and self.tags.items() <= tags.items())


@dataclass(frozen=True, slots=True)
class Instance:
    """An EC2 instance."""

    id: str
    zone: str
    subnet: str
    vpc: str
    state: str
    interfaces: tuple[str, ...]
    group: str | None  # its scaling group
    spot: bool
    instance_store: bool  # its root volume does not survive a stop
    tags: dict[str, str]
    module: str | None


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet of the workload."""

    id: str
    zone: str
    vpc: str


@dataclass(frozen=True, slots=True)
class ScalingGroup:
    """A scaling group of the workload."""

    name: str
    subnets: tuple[str, ...]
    target_groups: tuple[str, ...]
    module: str | None


@dataclass(frozen=True, slots=True)
class OwnedResource:
    """A function, a table or a stage of a module."""

    name: str
    module: str
    tags: dict[str, str]


class Inventory:
    """The workload's resources in one region."""

    def __init__(self, account: Account, region: str, owns: Ownership, modules: dict[str, Ownership]) -> None:
        self._account = account
        self._region = region
        self._owns = owns
        self._modules = modules

    def read(self, operation: Operation[A], **params: JsonLike) -> A:
        """Return the answer to one read, with all its pages. Raises AwsError."""
        return read(self._account, self._region, operation, **params)

    def read_all(self, operation: Operation[A], params: Sequence[Mapping[str, JsonLike]]) -> list[A]:
        """Return the answers to one read with many parameters, in their order. Raises the first AwsError."""
        calls = [(operation.call(**each), self._region) for each in params]
        typed = []
        for answer in self._account.call_all(calls, paged=True):
            if isinstance(answer, AwsError):
                raise answer
            typed.append(operation.typed(answer))
        return typed

    def module_of(self, tags: dict[str, str]) -> str | None:
        """Return the module whose tags a resource carries; None where there is none."""
        return next((name for name, owned in self._modules.items() if owned.has("", (), tags)), None)

    def owned(self, tags: dict[str, str]) -> bool:
        """Return whether the workload owns a resource with these tags."""
        return self._owns.has("", (), tags) or self.module_of(tags) is not None

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """The names of the region's availability zones."""
        answer = self.read(DESCRIBE_AVAILABILITY_ZONES)
        return tuple(sorted(zone["ZoneName"] for zone in answer["AvailabilityZones"]))

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        """The workload's instances that are neither terminated nor about to be."""
        alive = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
        instances = map(self._instance, instances_of(self.read(DESCRIBE_INSTANCES, Filters=alive)))
        owned = (instance for instance in instances if self.owned(instance.tags))
        return tuple(sorted(owned, key=lambda instance: instance.id))

    def _instance(self, raw: InstanceDescription) -> Instance:
        tags = tags_of(raw.get("Tags", []))
        return Instance(
            id=raw["InstanceId"],
            zone=raw["Placement"]["AvailabilityZone"],
            subnet=raw.get("SubnetId", ""),
            vpc=raw.get("VpcId", ""),
            state=raw["State"]["Name"],
            interfaces=tuple(interface["NetworkInterfaceId"] for interface in raw.get("NetworkInterfaces", [])),
            group=tags.get("aws:autoscaling:groupName"),
            spot=raw.get("InstanceLifecycle") == "spot",
            instance_store=raw.get("RootDeviceType") == "instance-store",
            tags=tags,
            module=self.module_of(tags),
        )

    @cached_property
    def subnets(self) -> tuple[Subnet, ...]:
        """The workload's subnets."""
        owned = [raw for raw in self.read(DESCRIBE_SUBNETS)["Subnets"] if self.owned(tags_of(raw.get("Tags", [])))]
        subnets = [Subnet(raw["SubnetId"], raw["AvailabilityZone"], raw["VpcId"]) for raw in owned]
        return tuple(sorted(subnets, key=lambda subnet: subnet.id))

    @cached_property
    def scaling_groups(self) -> tuple[ScalingGroup, ...]:
        """The workload's scaling groups."""
        groups = []
        for raw in self.read(DESCRIBE_AUTO_SCALING_GROUPS)["AutoScalingGroups"]:
            tags = tags_of(raw.get("Tags", []))
            if self.owned(tags):
                subnets = tuple(part.strip() for part in raw.get("VPCZoneIdentifier", "").split(",") if part.strip())
                targets = tuple(raw.get("TargetGroupARNs", []))
                groups.append(ScalingGroup(raw["AutoScalingGroupName"], subnets, targets, self.module_of(tags)))
        return tuple(sorted(groups, key=lambda group: group.name))

    @cached_property
    def functions(self) -> tuple[OwnedResource, ...]:
        """The modules' functions."""
        names = {raw["FunctionName"]: raw["FunctionArn"] for raw in self.read(LIST_FUNCTIONS)["Functions"]}
        answers = self.read_all(LIST_TAGS, [{"Resource": arn} for arn in names.values()])
        tagged = zip(names, answers, strict=True)
        owned = (self._owned(name, "functions", answer.get("Tags", {})) for name, answer in tagged)
        return tuple(function for function in owned if function)

    @cached_property
    def tables(self) -> tuple[OwnedResource, ...]:
        """The modules' tables."""
        names = self.read(LIST_TABLES)["TableNames"]
        tables = self.read_all(DESCRIBE_TABLE, [{"TableName": name} for name in names])
        arns = [{"ResourceArn": answer["Table"]["TableArn"]} for answer in tables]
        tagged = zip(names, self.read_all(LIST_TAGS_OF_RESOURCE, arns), strict=True)
        owned = (self._owned(name, "tables", tags_of(answer.get("Tags", []))) for name, answer in tagged)
        return tuple(table for table in owned if table)

    @cached_property
    def stages(self) -> tuple[OwnedResource, ...]:
        """The modules' API Gateway stages, named api-id/stage; a stage also has the tags of its API."""
        apis = self.read(GET_REST_APIS).get("items", [])
        answers = self.read_all(GET_STAGES, [{"restApiId": api["id"]} for api in apis])
        owned = [
            self._owned(f"{api['id']}/{stage['stageName']}", "stages", {**api.get("tags", {}), **stage.get("tags", {})})
            for api, answer in zip(apis, answers, strict=True)
            for stage in answer.get("item", [])
        ]
        return tuple(stage for stage in owned if stage)

    def _owned(self, name: str, kind: _Kind, tags: dict[str, str]) -> OwnedResource | None:
        """The resource with its module, which names it or whose tags it carries; None where no module owns it."""
        named = (module for module, owned in self._modules.items() if name in getattr(owned, kind))
        module = next(named, None) or self.module_of(tags)
        return OwnedResource(name, module, tags) if module else None
