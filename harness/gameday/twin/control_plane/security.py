"""The packets that a VPC lets through: network ACLs and security groups, evaluated as AWS documents them. Pure.

- A network ACL filters at a subnet's edge, and is stateless. The matching rule with the lowest number decides; without
  a match the ACL denies (Amazon VPC User Guide, "Control subnet traffic with network access control lists").
  Replies need rules of their own, for the caller's ephemeral ports ("Custom network ACLs", "Ephemeral ports"). Traffic
  between hosts of the same subnet does not pass its ACL ("Network ACL basics").
- A security group filters at an interface, and is stateful: replies always pass. Its rules only allow, and it drops the
  rest ("Control traffic to your AWS resources using security groups").
- A security group tracks a connection, unless it lets everything in and out. A tracked connection goes on after the
  group has changed, an untracked one does not (EC2 User Guide, "Security group connection tracking").

Not evaluated: IPv6, prefix lists, route tables, and the VPC's own DNS, DHCP and metadata, which AWS never filters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

Ports = tuple[int, int]
"""First and last port, both included."""

EVERYWHERE = "0.0.0.0/0"

ALL_PORTS: Ports = (0, 65535)

LINUX_EPHEMERAL: Ports = (32768, 60999)
"""The ports to which replies to an instance go: net.ipv4.ip_local_port_range of Linux (ip(7))."""

AWS_EPHEMERAL: Ports = (1024, 65535)
"""The ports to which replies to load balancers, NAT gateways and functions go ("Custom network ACLs", "Ephemeral
ports")."""


@dataclass(frozen=True, slots=True)
class AclRule:
    """An entry of a network ACL, for TCP."""

    number: int
    egress: bool
    allow: bool
    block: str  # CIDR
    ports: Ports = ALL_PORTS


@dataclass(frozen=True, slots=True)
class GroupRule:
    """A rule of a security group, for TCP: it allows a CIDR block, or the interfaces of a group."""

    egress: bool
    ports: Ports = ALL_PORTS
    block: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An end of a path with everything that rules look at: equal ends have equal paths."""

    subnet: str | None  # None: outside of the VPC, without a network ACL of ours
    groups: frozenset[str] | None  # None: without a security group of ours
    blocks: frozenset[str]  # the CIDR blocks of rules that contain its address
    ephemeral: Ports = AWS_EPHEMERAL


@dataclass(frozen=True)
class Network:
    """The rules of a VPC: the network ACL of each subnet, and its security groups."""

    acls: Mapping[str, tuple[AclRule, ...]]  # subnet → its ACL's rules, in any order
    groups: Mapping[str, tuple[GroupRule, ...]]
    _blocks: frozenset[str] = field(init=False, compare=False)
    _paths: dict[tuple[Endpoint, Endpoint, int], bool] = field(init=False, compare=False, default_factory=dict)
    _places: dict[tuple[object, ...], Endpoint] = field(init=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        blocks = {rule.block for rules in self.acls.values() for rule in rules}
        blocks |= {rule.block for rules in self.groups.values() for rule in rules if rule.block}
        object.__setattr__(self, "_blocks", frozenset(blocks))

    def endpoint(
        self, subnet: str | None, groups: tuple[str, ...] | None, address: str, ephemeral: Ports = AWS_EPHEMERAL
    ) -> Endpoint:
        """Describe an address as an end of paths."""
        place = subnet, groups, address, ephemeral
        if place not in self._places:
            inside = frozenset(
                block for block in self._blocks if IPv4Address(address) in IPv4Network(block, strict=False)
            )
            held = None if groups is None else frozenset(groups)
            self._places[place] = Endpoint(subnet, held, inside, ephemeral)
        return self._places[place]

    def passes(self, source: Endpoint, target: Endpoint, port: int) -> bool:
        """Whether a TCP connection from `source` to a port of `target` works: requests and replies."""
        path = source, target, port
        if path not in self._paths:
            self._paths[path] = self._groups_allow(*path) and self._acls_allow(*path)
        return self._paths[path]

    def tracks(self, end: Endpoint) -> bool:
        """Whether the security groups of an interface track its connections: they do not let everything in and out."""
        rules = [rule for group in end.groups or () for rule in self.groups.get(group, ())]
        everything = {rule.egress for rule in rules if rule.block == EVERYWHERE and rule.ports == ALL_PORTS}
        return everything != {True, False}

    def acls_pass(self, source: Endpoint, target: Endpoint, port: int) -> bool:
        """Whether the network ACLs let a connection through: they ask for each packet, also of an open one."""
        return self._acls_allow(source, target, port)

    def _groups_allow(self, source: Endpoint, target: Endpoint, port: int) -> bool:
        return self._group_allows(source, True, target, port) and self._group_allows(target, False, source, port)

    def _group_allows(self, mine: Endpoint, egress: bool, other: Endpoint, port: int) -> bool:
        return mine.groups is None or any(
            rule.egress == egress
            and rule.ports[0] <= port <= rule.ports[1]
            and (rule.block in other.blocks or (rule.group is not None and rule.group in (other.groups or ())))
            for group in mine.groups
            for rule in self.groups.get(group, ())
        )

    def _acls_allow(self, source: Endpoint, target: Endpoint, port: int) -> bool:
        if source.subnet == target.subnet:
            return True
        asks, replies = (port, port), source.ephemeral
        return (
            self._acl_allows(source, True, target, asks)
            and self._acl_allows(target, False, source, asks)
            and self._acl_allows(target, True, source, replies)
            and self._acl_allows(source, False, target, replies)
        )

    def _acl_allows(self, mine: Endpoint, egress: bool, other: Endpoint, ports: Ports) -> bool:
        """Whether all of these ports pass: a reply may go to any port of its range."""
        if mine.subnet is None:
            return True
        rules = [r for r in self.acls.get(mine.subnet, ()) if r.egress == egress and r.block in other.blocks]
        rules.sort(key=lambda rule: rule.number)
        steps = {ports[0]} | {port for rule in rules for port in (rule.ports[0], rule.ports[1] + 1)}
        return all(_first_match(rules, port) for port in steps if ports[0] <= port <= ports[1])


def _first_match(rules: list[AclRule], port: int) -> bool:
    return next((rule.allow for rule in rules if rule.ports[0] <= port <= rule.ports[1]), False)
