"""What an inventory holds: instances, subnets, scaling groups and their members, and resources of other kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ownership:
    """How the workload file states what a module (or the workload) owns: by tags, or by name."""

    tags: dict[str, str]
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by the key of a kind: {"functions": (…)}

    def has_tags(self, tags: Mapping[str, str]) -> bool:
        """Return whether a resource carries all of the tags; false where the file gives no tags."""
        return bool(self.tags) and self.tags.items() <= tags.items()


@dataclass(frozen=True, slots=True)
class AttachedVolume:
    """An EBS volume of an instance."""

    id: str
    is_deleted: bool  # with the instance, when that is terminated


@dataclass(frozen=True, slots=True)
class Instance:
    """An EC2 instance."""

    id: str
    zone: str
    subnet: str
    vpc: str
    state: str
    interfaces: tuple[str, ...]
    addresses: tuple[str, ...]  # private ones, IPv4 and IPv6, of all interfaces
    group: str | None  # its scaling group
    spot: bool
    spot_request: str  # the id of its Spot request; empty where it has none
    type: str
    public_address: str  # an IPv4 address that AWS assigned, and takes back at a stop; empty where it has none
    volumes: tuple[AttachedVolume, ...]
    instance_store: bool  # its root volume does not survive a stop
    tags: dict[str, str]
    module: str | None
    on_dedicated_host: bool = False


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet of the workload."""

    id: str
    zone: str
    vpc: str
    tags: dict[str, str]
    owner: str = ""  # the account that owns it and may share it


@dataclass(frozen=True, slots=True)
class Member:
    """A member as its scaling group sees it."""

    id: str
    lifecycle: str  # InService, Standby, Pending, Warmed:Running, …
    healthy: bool
    weight: int  # what it counts towards the group's desired capacity

    @property
    def in_service(self) -> bool:
        """Whether the group counts on it: it is in service and healthy."""
        return self.lifecycle == "InService" and self.healthy


@dataclass(frozen=True, slots=True)
class ScalingGroup:
    """A scaling group that the workload owns, or that has instances of the workload."""

    name: str
    subnets: tuple[str, ...]
    zones: tuple[str, ...]
    target_groups: tuple[str, ...]
    desired: int
    members: tuple[Member, ...]
    tags: dict[str, str]
    module: str | None


@dataclass(frozen=True, slots=True)
class OwnedResource:
    """A resource of a module, of any kind of `aws.kinds`."""

    name: str
    module: str
    tags: dict[str, str]
    arn: str
    is_named: bool = False  # by the workload file; else its tags alone make it the module's
