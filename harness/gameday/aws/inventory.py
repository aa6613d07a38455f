"""What a workload has in its account: instances, subnets, scaling groups, functions, tables, stages, and whose.

Read only, and only what is asked for: each kind is read once, when first looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from gameday.aws.account import Account
from gameday.change import Call, Json


@dataclass(frozen=True, slots=True)
class Ownership:
    """How a module (or the workload) says what it owns: by tags, or by name."""

    tags: dict[str, str]
    functions: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()

    def has(self, name: str, names: tuple[str, ...], tags: dict[str, str]) -> bool:
        """Whether a resource belongs here: named, or carrying all of the tags."""
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


def tags_of(raw: Json) -> dict[str, str]:
    """Tags as a mapping, from the list of Key and Value that most services answer with."""
    return {tag["Key"]: tag["Value"] for tag in raw or []}


class Inventory:
    """The workload's resources in one region."""

    def __init__(self, account: Account, region: str, owns: Ownership, modules: dict[str, Ownership]) -> None:
        self._account = account
        self._region = region
        self._owns = owns
        self._modules = modules

    def read(self, service: str, operation: str, **params: Json) -> Json:
        """One read, with all its pages; raises AwsError."""
        return self._account.pages(Call(service=service, operation=operation, params=params), self._region)

    def read_all(self, service: str, operation: str, params: list[dict[str, Json]]) -> list[Json]:
        """The same read for many parameters at once; raises the first AwsError."""
        calls = [(Call(service=service, operation=operation, params=each), self._region) for each in params]
        answers = self._account.call_all(calls, paged=True)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def module_of(self, tags: dict[str, str]) -> str | None:
        """The module whose tags a resource carries."""
        return next((name for name, owned in self._modules.items() if owned.has("", (), tags)), None)

    def owned(self, tags: dict[str, str]) -> bool:
        """Whether tags say that a resource is the workload's."""
        return self._owns.has("", (), tags) or self.module_of(tags) is not None

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """The names of the region's availability zones."""
        answer = self.read("ec2", "describe_availability_zones")
        return tuple(sorted(zone["ZoneName"] for zone in answer["AvailabilityZones"]))

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        """The workload's instances that are not gone."""
        alive = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
        answer = self.read("ec2", "describe_instances", Filters=alive)
        found = [self._instance(raw) for group in answer["Reservations"] for raw in group["Instances"]]
        return tuple(sorted((one for one in found if self.owned(one.tags)), key=lambda one: one.id))

    def _instance(self, raw: Json) -> Instance:
        tags = tags_of(raw.get("Tags"))
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
        answer = self.read("ec2", "describe_subnets")
        mine = [raw for raw in answer["Subnets"] if self.owned(tags_of(raw.get("Tags")))]
        found = [Subnet(raw["SubnetId"], raw["AvailabilityZone"], raw["VpcId"]) for raw in mine]
        return tuple(sorted(found, key=lambda subnet: subnet.id))

    @cached_property
    def scaling_groups(self) -> tuple[ScalingGroup, ...]:
        """The workload's scaling groups."""
        answer = self.read("autoscaling", "describe_auto_scaling_groups")
        found = []
        for raw in answer["AutoScalingGroups"]:
            tags = tags_of(raw.get("Tags"))
            if self.owned(tags):
                subnets = tuple(part.strip() for part in raw.get("VPCZoneIdentifier", "").split(",") if part.strip())
                targets = tuple(raw.get("TargetGroupARNs", []))
                found.append(ScalingGroup(raw["AutoScalingGroupName"], subnets, targets, self.module_of(tags)))
        return tuple(sorted(found, key=lambda group: group.name))

    @cached_property
    def functions(self) -> tuple[OwnedResource, ...]:
        """The modules' functions."""
        all_of = self.read("lambda", "list_functions")["Functions"]
        tags = self.read_all("lambda", "list_tags", [{"Resource": raw["FunctionArn"]} for raw in all_of])
        pairs = zip(all_of, tags, strict=True)
        return tuple(
            n for raw, tag in pairs for n in self._named(raw["FunctionName"], "functions", tag.get("Tags", {}))
        )

    @cached_property
    def tables(self) -> tuple[OwnedResource, ...]:
        """The modules' tables."""
        names = self.read("dynamodb", "list_tables")["TableNames"]
        tables = self.read_all("dynamodb", "describe_table", [{"TableName": name} for name in names])
        arns = [{"ResourceArn": answer["Table"]["TableArn"]} for answer in tables]
        tags = self.read_all("dynamodb", "list_tags_of_resource", arns)
        pairs = zip(names, tags, strict=True)
        return tuple(named for name, tag in pairs for named in self._named(name, "tables", tags_of(tag.get("Tags"))))

    @cached_property
    def stages(self) -> tuple[OwnedResource, ...]:
        """The modules' API Gateway stages, named api-id/stage."""
        apis = self.read("apigateway", "get_rest_apis").get("items", [])
        answers = self.read_all("apigateway", "get_stages", [{"restApiId": api["id"]} for api in apis])
        found = []
        for api, answer in zip(apis, answers, strict=True):
            for stage in answer.get("item", []):
                tags = {**(api.get("tags") or {}), **(stage.get("tags") or {})}
                found += self._named(f"{api['id']}/{stage['stageName']}", "stages", tags)
        return tuple(found)

    def _named(self, name: str, kind: str, tags: dict[str, str]) -> list[OwnedResource]:
        named = (module for module, owned in self._modules.items() if name in getattr(owned, kind))
        module = next(named, None) or self.module_of(tags)
        return [OwnedResource(name, module, tags)] if module else []
