"""The resources of a workload in its account: instances, subnets, scaling groups, and every kind of `aws.kinds`.

An inventory only reads, each thing once, at first use. It asks AWS by tags and by names, so that what it reads does not
grow with other people's resources. It finds the module that each resource belongs to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from gameday.aws.account import Account, read
from gameday.aws.answers.autoscaling import DESCRIBE_AUTO_SCALING_GROUPS, AutoScalingGroup
from gameday.aws.answers.ec2 import (
    DESCRIBE_AVAILABILITY_ZONES,
    DESCRIBE_INSTANCES,
    DESCRIBE_SUBNETS,
    InstanceDescription,
    SubnetDescription,
    addresses_of,
    instances_of,
)
from gameday.aws.answers.operation import Operation, tags_of
from gameday.aws.answers.tagging import GET_RESOURCES, GetResources
from gameday.aws.arns import ArnPlace
from gameday.aws.capacity import capacity_of, idle_reason, members_of
from gameday.aws.kinds import KINDS, ResourceKind
from gameday.aws.resources import AttachedVolume, Instance, Member, OwnedResource, Ownership, ScalingGroup, Subnet
from gameday.aws.selections import Selection, selections
from gameday.change import JsonLike
from gameday.errors import AwsError

A = TypeVar("A")

EC2_VALUES = 200
"""Values of one filter (Amazon EC2 API Reference, DescribeInstances: "up to 200 filter values"); Auto Scaling alike."""
TAG_VALUES = 20
"""Values of one key of a tag filter (Resource Groups Tagging API Reference, GetResources)."""
ARNS = 100
"""ARNs in one request (GetResources, ResourceARNList)."""
GROUPS = 50
"""Names in one request (Auto Scaling API Reference, DescribeAutoScalingGroups: "up to 50 names" a page by default)."""
PAGE = 1000
"""Results on a page of EC2: AWS advises to page, and gives unpaged reads a smaller bucket (EC2 API throttling)."""


class Inventory:
    """The workload's resources in one region."""

    def __init__(self, account: Account, place: ArnPlace, owns: Ownership, modules: Mapping[str, Ownership]) -> None:
        self._account = account
        self._place = place
        self._owns = owns
        self._modules = modules
        self._resources: dict[str, tuple[OwnedResource, ...]] = {}

    @property
    def place(self) -> ArnPlace:
        """What ARNs of its resources say of their place."""
        return self._place

    def read(self, operation: Operation[A], **params: JsonLike) -> A:
        """Return the answer to one read, with all its pages. Raises AwsError."""
        return read(self._account, self._place.region, operation, **params)

    def read_all(self, operation: Operation[A], params: Sequence[Mapping[str, JsonLike]]) -> list[A]:
        """Return the answers to one read with many parameters, in their order. Raises the first AwsError."""
        return [answer for answer in self.read_there(operation, params, ()) if answer is not None]

    def read_there(
        self, operation: Operation[A], params: Sequence[Mapping[str, JsonLike]], gone: Collection[str]
    ) -> list[A | None]:
        """Return the answers to one read with many parameters, None for an error code of `gone`. Raises AwsError."""
        calls = [(operation.call(**each), self._place.region) for each in params]
        answers = self._account.call_all(calls, paged=True)
        for answer in answers:
            if isinstance(answer, AwsError) and answer.code not in gone:
                raise answer
        return [None if isinstance(answer, AwsError) else operation.typed(answer) for answer in answers]

    # ownership --------------------------------------------------------------------------------------------------------

    def module_of(self, tags: Mapping[str, str]) -> str | None:
        """Return the module whose tags a resource carries; None where there is none."""
        return next((name for name, owned in self._modules.items() if owned.has_tags(tags)), None)

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Return whether the workload owns a resource with these tags."""
        return self._owns.has_tags(tags) or self.module_of(tags) is not None

    def tags(self, kind: str, id_: str) -> Mapping[str, str] | None:
        """Return the tags of a resource of the workload by its kind in words; None where there is no such resource.

        An interface has the tags of its instance. Reads what was not read yet. Raises AwsError.
        """
        if kind == "interface":
            return next((instance.tags for instance in self.instances if id_ in instance.interfaces), None)
        if kind == "instance":
            return next((instance.tags for instance in self.instances if instance.id == id_), None)
        if kind == "subnet":
            return next((subnet.tags for subnet in self.subnets if subnet.id == id_), None)
        if kind == "scaling group":
            return next((group.tags for group in self.scaling_groups if group.name == id_), None)
        of_kind = next(known for known in KINDS.values() if known.name == kind)
        return next((resource.tags for resource in self.resources(of_kind) if resource.name == id_), None)

    def _selections(self, most: int) -> tuple[Selection, ...]:
        return selections([self._owns.tags, *(owned.tags for owned in self._modules.values())], most)

    # what EC2 and Auto Scaling have -----------------------------------------------------------------------------------

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """The names of the region's availability zones."""
        answer = self.read(DESCRIBE_AVAILABILITY_ZONES)
        return tuple(sorted(zone["ZoneName"] for zone in answer["AvailabilityZones"]))

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        """The workload's instances that are neither terminated nor about to be."""
        alive: JsonLike = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
        params: list[dict[str, JsonLike]] = [
            {"Filters": [alive, *filters], "MaxResults": PAGE} for filters in self._filters()
        ]
        answers = self.read_all(DESCRIBE_INSTANCES, params)
        instances = {raw["InstanceId"]: self._instance(raw) for answer in answers for raw in instances_of(answer)}
        return tuple(instances[id_] for id_ in sorted(instances) if self.owns(instances[id_].tags))

    def _filters(self) -> list[list[JsonLike]]:
        """The filters of EC2 and Auto Scaling for the workload's tags, one list for each read."""
        return [
            [{"Name": f"tag:{key}", "Values": list(values)} for key, values in selection.items()]
            for selection in self._selections(EC2_VALUES)
        ]

    def _instance(self, raw: InstanceDescription) -> Instance:
        tags = tags_of(raw.get("Tags", []))
        return Instance(
            id=raw["InstanceId"],
            zone=raw["Placement"]["AvailabilityZone"],
            subnet=raw.get("SubnetId", ""),
            vpc=raw.get("VpcId", ""),
            state=raw["State"]["Name"],
            interfaces=tuple(interface["NetworkInterfaceId"] for interface in raw.get("NetworkInterfaces", [])),
            addresses=tuple(
                address for interface in raw.get("NetworkInterfaces", []) for address in addresses_of(interface)
            ),
            group=tags.get("aws:autoscaling:groupName"),
            spot=raw.get("InstanceLifecycle") == "spot",
            spot_request=raw.get("SpotInstanceRequestId", ""),
            type=raw.get("InstanceType", ""),
            public_address=_public_address(raw),
            volumes=tuple(
                AttachedVolume(mapping["Ebs"]["VolumeId"], mapping["Ebs"].get("DeleteOnTermination", False))
                for mapping in raw.get("BlockDeviceMappings", [])
                if "Ebs" in mapping
            ),
            instance_store=raw.get("RootDeviceType") == "instance-store",
            tags=tags,
            module=self.module_of(tags),
            on_dedicated_host=raw["Placement"].get("Tenancy") == "host",
        )

    @cached_property
    def subnets(self) -> tuple[Subnet, ...]:
        """The workload's subnets."""
        params: list[dict[str, JsonLike]] = [{"Filters": filters, "MaxResults": PAGE} for filters in self._filters()]
        answers = self.read_all(DESCRIBE_SUBNETS, params)
        subnets = {raw["SubnetId"]: _subnet(raw) for answer in answers for raw in answer["Subnets"]}
        return tuple(subnets[id_] for id_ in sorted(subnets) if self.owns(subnets[id_].tags))

    @cached_property
    def scaling_groups(self) -> tuple[ScalingGroup, ...]:
        """The scaling groups that the workload owns, and those of its instances."""
        holders = sorted({instance.group for instance in self.instances if instance.group})
        params: list[dict[str, JsonLike]] = [{"Filters": filters} for filters in self._filters()]
        params += [{"AutoScalingGroupNames": some} for some in _chunks(holders, GROUPS)]
        answers = self.read_all(DESCRIBE_AUTO_SCALING_GROUPS, params)
        found = {raw["AutoScalingGroupName"]: raw for answer in answers for raw in answer["AutoScalingGroups"]}
        groups = (self._group(found[name]) for name in sorted(found))
        return tuple(group for group in groups if group.name in holders or self.owns(group.tags))

    def _group(self, raw: AutoScalingGroup) -> ScalingGroup:
        name, tags = raw["AutoScalingGroupName"], tags_of(raw.get("Tags", []))
        of_members = (instance.module for instance in self.instances if instance.group == name)
        return ScalingGroup(
            name=name,
            subnets=tuple(part.strip() for part in raw.get("VPCZoneIdentifier", "").split(",") if part.strip()),
            zones=tuple(raw.get("AvailabilityZones", [])),
            target_groups=tuple(raw.get("TargetGroupARNs", [])),
            desired=raw["DesiredCapacity"],
            members=tuple(
                Member(
                    id=member["InstanceId"],
                    lifecycle=member["LifecycleState"],
                    healthy=member["HealthStatus"].lower() == "healthy",
                    weight=int(member.get("WeightedCapacity", "1")),
                )
                for member in raw.get("Instances", [])
            ),
            tags=tags,
            module=self.module_of(tags) or next(of_members, None),
        )

    # what carries load ------------------------------------------------------------------------------------------------

    @cached_property
    def capacity(self) -> Mapping[str, float]:
        """Each instance in service → its capacity; see `aws.capacity`. It counts as its scaling group sees it."""
        return capacity_of(self.instances, self.scaling_groups)

    @cached_property
    def in_service(self) -> tuple[Instance, ...]:
        """The workload's instances that carry load."""
        return tuple(instance for instance in self.instances if instance.id in self.capacity)

    def idle_reason(self, instance: Instance) -> str:
        """Return in words why an instance carries no load; empty where it is in service."""
        return idle_reason(instance, members_of(self.scaling_groups))

    def tags_of_module(self, module: str | None) -> Mapping[str, str]:
        """Return the tags by which a module owns its instances; those of the workload where it has none."""
        return (self._modules[module].tags if module else {}) or self._owns.tags

    # the other kinds --------------------------------------------------------------------------------------------------

    def resources(self, kind: ResourceKind) -> tuple[OwnedResource, ...]:
        """Return the modules' resources of a kind, by name: those that a module names, and those with a module's tags.

        A named resource need not exist: the read of its setting finds that out. AWS may still list the tags of what was
        deleted a short time ago. Raises AwsError.
        """
        if kind.owned_as not in self._resources:
            named = self._named(kind)
            tags = self._tags_of_arns(tuple(named)) if named else {}
            owned = [
                OwnedResource(id_, module, tags.get(arn, {}), arn, is_named=True)
                for arn, (id_, module) in named.items()
            ]
            owned += [
                OwnedResource(id_, module, tags, arn)
                for arn, tags in self._tagged.items()
                if arn not in named and (id_ := kind.id_of(arn)) and (module := self.module_of(tags))
            ]
            self._resources[kind.owned_as] = tuple(sorted(owned, key=lambda resource: resource.name))
        return self._resources[kind.owned_as]

    def missing(self, kind: ResourceKind, ids: Sequence[str]) -> list[str]:
        """Return the resources that do not exist: the tagging API does not say it. Raises AwsError."""
        answers = self._account.call_all([(kind.read_of(id_), self._place.region) for id_ in ids])
        for answer in answers:
            if isinstance(answer, AwsError) and answer.code != kind.gone:
                raise answer
        return [id_ for id_, answer in zip(ids, answers, strict=True) if isinstance(answer, AwsError)]

    def _named(self, kind: ResourceKind) -> dict[str, tuple[str, str]]:
        """ARN → id and module of each resource that a module names; the first module that names it owns it."""
        named: dict[str, tuple[str, str]] = {}
        for module, owned in self._modules.items():
            for id_ in owned.names.get(kind.owned_as, ()):
                arn = kind.arn(id_, self._place)
                if arn is not None:
                    named.setdefault(arn, (id_, module))
        return named

    def tagged(self, *types: str) -> dict[str, dict[str, str]]:
        """Return ARN → tags of the workload's resources of these types of the tagging API. Raises AwsError."""
        params: list[dict[str, JsonLike]] = [
            {
                "ResourceTypeFilters": [*types],
                "TagFilters": [{"Key": key, "Values": list(values)} for key, values in selection.items()],
            }
            for selection in self._selections(TAG_VALUES)
        ]
        found = _tags_by_arn(self.read_all(GET_RESOURCES, params))
        return {arn: found[arn] for arn in sorted(found) if self.owns(found[arn])}

    @cached_property
    def _tagged(self) -> dict[str, dict[str, str]]:
        """ARN → tags of every resource of a known kind that carries the tags of some module."""
        types: list[JsonLike] = [*sorted({kind.tagged_as for kind in KINDS.values()})]
        modules = selections((owned.tags for owned in self._modules.values()), TAG_VALUES)
        params: list[dict[str, JsonLike]] = [
            {
                "ResourceTypeFilters": types,
                "TagFilters": [{"Key": key, "Values": list(values)} for key, values in selection.items()],
            }
            for selection in modules
        ]
        return _tags_by_arn(self.read_all(GET_RESOURCES, params))

    def _tags_of_arns(self, arns: Sequence[str]) -> dict[str, dict[str, str]]:
        """ARN → tags of these resources; what carries no tags is left out."""
        params: list[dict[str, JsonLike]] = [{"ResourceARNList": list(some)} for some in _chunks(arns, ARNS)]
        return _tags_by_arn(self.read_all(GET_RESOURCES, params))


def _tags_by_arn(answers: Iterable[GetResources]) -> dict[str, dict[str, str]]:
    return {raw["ResourceARN"]: tags_of(raw["Tags"]) for answer in answers for raw in answer["ResourceTagMappingList"]}


def _chunks(items: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    return (items[start : start + most] for start in range(0, len(items), most))


def _public_address(raw: InstanceDescription) -> str:
    """Return the public IPv4 address that AWS assigned; an Elastic IP address belongs to the account, and stays."""
    found = (interface.get("Association", {}) for interface in raw.get("NetworkInterfaces", []))
    return next((address.get("PublicIp", "") for address in found if address.get("IpOwnerId") == "amazon"), "")


def _subnet(raw: SubnetDescription) -> Subnet:
    tags, owner = tags_of(raw.get("Tags", [])), raw.get("OwnerId", "")
    return Subnet(raw["SubnetId"], raw["AvailabilityZone"], raw["VpcId"], tags, owner)
