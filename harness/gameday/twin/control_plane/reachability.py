"""The paths between the workload's instances on which packets are lost: moto's network, judged by `security`.

- A request reaches a module on instances through a node of its load balancer, in any of the balancer's subnets.
- A path works while one such node passes it on. The twin assumes that clients avoid load balancer nodes that do not
  answer; in AWS, DNS takes about a minute for that.
- Connections that security groups track go on after the groups have changed (`Network.tracks`).
- Clients reach functions, tables and stages over HTTPS, outside of the VPC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network

from gameday.twin.control_plane.security import ALL_PORTS, LINUX_EPHEMERAL, AclRule, Endpoint, GroupRule, Network, Ports
from gameday.twin.control_plane.target_health import Target, balancers
from gameday.twin.moto.objects import Moto
from gameday.twin.state import OUTSIDE

ELSEWHERE = "203.0.113.1"
"""An address on the internet (TEST-NET-3, RFC 5737): customers, and AWS's own services."""

HTTPS = 443
_TCP = ("6", "tcp", "-1", "all")


@dataclass(frozen=True, slots=True)
class Host:
    """An instance, and its targets in load balancers."""

    instance: Moto
    targets: Sequence[Target]


def read_network(ec2: Moto) -> Network:
    """Read the rules of all VPCs of the account, without those for IPv6 and prefix lists."""
    acls = {
        association.subnet_id: tuple(_acl_rules(acl))
        for acl in ec2.network_acls.values()
        for association in acl.associations
    }
    groups = {
        name: tuple(rule for raw in (*group.ingress_rules, *group.egress_rules) for rule in _group_rules(raw))
        for members in ec2.groups.values()
        for name, group in members.items()
    }
    return Network(acls, groups)


def _acl_rules(acl: Moto) -> Iterator[AclRule]:
    for entry in acl.network_acl_entries:
        if str(entry.protocol) in _TCP and entry.cidr_block:
            ports = ALL_PORTS if str(entry.protocol) == "-1" else _ports(entry.port_range_from, entry.port_range_to)
            allow = entry.rule_action == "allow"
            yield AclRule(int(entry.rule_number), _true(entry.egress), allow, entry.cidr_block, ports)


def _group_rules(raw: Moto) -> Iterator[GroupRule]:
    block, group = raw.ip_range.get("CidrIp"), raw.source_group.get("GroupId")
    if raw.ip_protocol in _TCP and (block or group):
        ports = ALL_PORTS if raw.ip_protocol == "-1" else _ports(raw.from_port, raw.to_port)
        yield GroupRule(_true(raw.is_egress), ports, block, group)


def _ports(first: int | str | None, last: int | str | None) -> Ports:
    return ALL_PORTS if first is None or last is None or int(first) < 0 else (int(first), int(last))


def _true(raw: object) -> bool:
    return str(raw).lower() == "true"


Way = tuple[Endpoint, int, int]
"""A node of a load balancer, the port on which it listens, and the port of its target."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The pairs that do not work, as `WorldState` has them."""

    lost: frozenset[tuple[str, str]]
    closed: frozenset[tuple[str, str]]


class Reachability:
    """Find lost paths; results for equal ends are kept while the rules stay the same.

    `calls`: (caller, called) pairs of modules.
    """

    def __init__(self, ec2: Moto, elbv2: Moto, calls: frozenset[tuple[str, str]]) -> None:
        self._ec2 = ec2
        self._elbv2 = elbv2
        self._calls = calls
        self._network = Network({}, {})
        self._tracked: set[tuple[str, str]] = set()

    def paths(self, hosts: Mapping[str, Sequence[Host]], serving: Callable[[str], bool]) -> Paths:
        """Find the (from, to) pairs that do not work: instances of modules that call each other, and OUTSIDE.

        Between two calls it remembers which connections may be open: those of pairs that worked, between instances that
        served all the time.
        """
        network = read_network(self._ec2)
        if network != self._network:
            self._network = network
        away = self._network.endpoint(None, None, ELSEWHERE)
        places = {
            name: [(host.instance.id, self._place(host.instance)) for host in some] for name, some in hosts.items()
        }
        broken: set[tuple[str, str]] = set()
        alive: set[tuple[str, str]] = set()
        tracked: set[tuple[str, str]] = set()

        def judge(caller: tuple[str, Endpoint], target: tuple[str, Endpoint], ways: Sequence[Way]) -> None:
            (source, start), (to, end) = caller, target
            pair = source, to
            remembers = self._network.tracks(start) and self._network.tracks(end)
            remembers = remembers and all(name == OUTSIDE or serving(name) for name in pair)
            if self._works(start, end, ways):
                tracked.update({pair} if remembers else ())
                return
            broken.add(pair)
            if remembers and pair in self._tracked and self._goes_on(start, end, ways):
                tracked.add(pair)
                alive.add(pair)

        for name, some in hosts.items():
            callers = [(OUTSIDE, away)]
            callers += [place for caller, near in places.items() if (caller, name) in self._calls for place in near]
            for host, target in zip(some, places[name], strict=True):
                ways = [(node, door, each.port) for each in host.targets for node, door in self._nodes(each)]
                for caller in callers:
                    judge(caller, target, ways)
        for caller in (place for some in places.values() for place in some):
            judge(caller, (OUTSIDE, away), [])
        self._tracked = tracked
        return Paths(frozenset(broken - alive), frozenset(alive))

    def _works(self, start: Endpoint, end: Endpoint, ways: Sequence[Way]) -> bool:
        """Whether a new connection works: through a load balancer's node, or outside of the VPC."""
        passes = self._network.passes
        if end.groups is None:
            return passes(start, end, HTTPS)
        return any(passes(start, node, door) and passes(node, end, port) for node, door, port in ways)

    def _goes_on(self, start: Endpoint, end: Endpoint, ways: Sequence[Way]) -> bool:
        """Whether the network ACLs still let an open connection through."""
        passes = self._network.acls_pass
        if end.groups is None:
            return passes(start, end, HTTPS)
        return any(passes(start, node, door) and passes(node, end, port) for node, door, port in ways)

    def _nodes(self, target: Target) -> Iterator[tuple[Endpoint, int]]:
        """List the nodes of the load balancers in front of a target, with the port that each listens on."""
        for balancer in balancers(self._elbv2, target.group):
            groups = tuple(balancer.security_groups or ())
            for listener in balancer.listeners.values():
                for subnet in balancer.subnets:
                    address = _first_address(subnet.cidr_block)
                    yield self._network.endpoint(subnet.id, groups, address), int(listener.port)

    def _place(self, instance: Moto) -> Endpoint:
        interface = instance.nics[0]
        groups = tuple(sorted(group.id for group in interface.group_set))
        return self._network.endpoint(interface.subnet.id, groups, interface.private_ip_address, LINUX_EPHEMERAL)


@cache
def _first_address(block: str) -> str:
    """Return a subnet's first free address: AWS reserves four (Amazon VPC User Guide, "Subnet CIDR blocks")."""
    return str(IPv4Network(block)[4])
