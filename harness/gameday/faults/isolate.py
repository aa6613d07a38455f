"""The fault that cuts off a module: security groups for its interfaces, or a network ACL for its own subnets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field

from gameday.aws.answers.ec2 import DESCRIBE_NETWORK_INTERFACES, DESCRIBE_VPCS, NetworkInterface
from gameday.aws.resources import Instance
from gameday.change import AnyChange, Condition, HitResource, Json, PlannedFault, Setting, SettingChange
from gameday.faults.fault import Fault, FaultContext, counted, effect, listed, shares, staged, unknown_places
from gameday.faults.interfaces import interfaces_in
from gameday.faults.targets import Lookup, all_unfit, hit_targets, names_of
from gameday.faults.vpc import ACL, GROUPS, deny_all_acl, empty_group, not_held, not_isolated, open_group
from gameday.steady_state.kpi.units import show_duration

TRACKED_FOR = 432_000
"""Seconds for which an idle TCP connection is tracked by default; 350 on Nitro v6 (EC2 API Reference,
ConnectionTrackingConfiguration)."""

INTERFACES = 200
"""Interfaces in one read. EC2 documents no limit for NetworkInterfaceIds; this one keeps requests short."""


class IsolateModule(Fault):
    """Cut off a module's instances, in their own subnets by a network ACL, elsewhere by security groups.

    Where every interface in the instances' subnets is theirs, a network ACL of the run cuts all their traffic.

    Elsewhere each interface first gets a security group that lets everything in and out, so that AWS no longer tracks
    its connections. Then it gets one without rules. Interfaces with a public address skip the first step. AWS tracks
    connections through Network Load Balancers, NAT gateways and interface endpoints in any case, and they live until
    they idle out (EC2 User Guide, "Security group connection tracking").
    """

    name: ClassVar[str] = "isolate-module"
    settings: ClassVar[tuple[Setting, ...]] = (GROUPS, ACL)
    calls: ClassVar[tuple[str, ...]] = (
        "ec2.create_network_acl",
        "ec2.delete_network_acl",
        "ec2.create_security_group",
        "ec2.authorize_security_group_ingress",
        "ec2.revoke_security_group_egress",
        "ec2.delete_security_group",
    )
    undo: ClassVar[str] = (
        "each interface gets its security groups back, or each subnet its ACL; what the run created is deleted"
    )
    effect: ClassVar[str] = "the load balancers find all targets of the module unfit"
    needs: ClassVar[str] = (
        "a healthy target for each instance, or `effect: {kpi: NAME}` in the experiment; with security groups, a KPI "
        "of the module or of one that needs it, else the verdict is unknown"
    )
    example: ClassVar[str] = "isolate-module: {module: recommendations}"

    module: str = Field(description="the module")
    zone: str | None = Field(None, description="only its instances in this availability zone")

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        hit = [instance for instance in context.inventory.instances if self._hits(instance)]
        lookup = hit_targets(context, names_of(hit), {instance.vpc for instance in hit})
        by_acl = _own_subnets(context, hit)
        interfaces = [] if by_acl else _interfaces(context, hit)
        blind_to = "" if by_acl else _tracked(interfaces, lookup)
        stages = _acl_stages(context, hit) if by_acl else _group_stages(context, hit, interfaces)
        return PlannedFault(
            fault=self.name,
            label=f"isolate module {self.module}: {counted(len(hit), 'instance')}",
            stages=stages,
            effect=effect(self.effect, all_unfit(lookup)).model_copy(update={"blind_to": blind_to}),
            hit=tuple(HitResource(resource="instance", id=instance.id) for instance in hit),
            hits=shares(context, hit),
            conditions=tuple(_undone(hit, stages)),
            refusals=tuple(self._refusals(context, hit, lookup)),
            warnings=tuple(_warnings(interfaces, blind_to)),
        )

    def _refusals(self, context: FaultContext, hit: Sequence[Instance], lookup: Lookup) -> list[str]:
        reasons = unknown_places(context, self.module, self.zone)
        if not reasons and not hit:
            return [f"module {self.module} has no running instance to isolate"]
        # A load balancer does not know a member in standby: where others are proven, an idle one needs no proof.
        serving = [instance for instance in hit if instance.id in context.inventory.capacity] or hit
        unproven = [instance.id for instance in serving if instance.id not in lookup.proven]
        if unproven and not context.proof:
            reasons.append(
                f"nothing would show that it takes effect on {listed(unproven)}: {lookup.in_words}, and none has them "
                "as healthy targets; write `effect: {kpi: NAME}` with a KPI that shows it"
            )
        return reasons

    def _hits(self, instance: Instance) -> bool:
        return instance.module == self.module and instance.state == "running" and self.zone in (None, instance.zone)


# what there is --------------------------------------------------------------------------------------------------------


def _own_subnets(context: FaultContext, hit: Sequence[Instance]) -> bool:
    """Whether every interface in the instances' subnets is one of theirs, and the workload owns these subnets."""
    ids = {instance.subnet for instance in hit}
    subnets = [subnet for subnet in context.inventory.subnets if subnet.id in ids]
    own = ("", context.inventory.place.account)  # another account that shares a subnet keeps its ACL for itself
    if not hit or len(subnets) < len(ids) or any(subnet.owner not in own for subnet in subnets):
        return False
    theirs = {interface for instance in hit for interface in instance.interfaces}
    return all(raw["NetworkInterfaceId"] in theirs for raw in interfaces_in(context, subnets))


def _interfaces(context: FaultContext, hit: Sequence[Instance]) -> list[NetworkInterface]:
    ids = [interface for instance in hit for interface in instance.interfaces]
    asked = [{"NetworkInterfaceIds": ids[start : start + INTERFACES]} for start in range(0, len(ids), INTERFACES)]
    answers = context.inventory.read_all(DESCRIBE_NETWORK_INTERFACES, asked)
    return [raw for answer in answers for raw in answer["NetworkInterfaces"]]


def _is_public(raw: NetworkInterface) -> bool:
    """Whether the internet could reach it through an open group: an IPv6 address is public, too."""
    return bool(raw.get("Association", {}).get("PublicIp") or raw.get("Ipv6Addresses"))


def _tracked(interfaces: Sequence[NetworkInterface], lookup: Lookup) -> str:
    """Return which connections may live on, and for how long; in words."""
    balancers = [targets.name for targets in lookup.found if targets.behind_nlb]
    through = f"Network Load Balancers (target group {', '.join(balancers)})" if balancers else "Network Load Balancers"
    public = sum(map(_is_public, interfaces))
    every = f", and every connection of {counted(public, 'interface')} with a public address" if public else ""
    longest = max(
        (
            raw.get("ConnectionTrackingConfiguration", {}).get("TcpEstablishedTimeout", TRACKED_FOR)
            for raw in interfaces
        ),
        default=TRACKED_FOR,
    )
    return (
        f"open connections through {through}, NAT gateways and interface endpoints{every}: "
        f"AWS tracks them for up to {show_duration(longest)} without traffic"
    )


def _warnings(interfaces: Sequence[NetworkInterface], blind_to: str) -> list[str]:
    if not interfaces:
        return []
    opened = len(interfaces) - sum(map(_is_public, interfaces))
    first = (
        f"for some seconds {counted(opened, 'interface')} let everything in that can reach them: AWS then no longer "
        "tracks their connections"
    )
    return [*([first] if opened else []), f"health checks do not show whether these are cut: {blind_to}"]


def _undone(hit: Sequence[Instance], stages: Stages) -> Iterator[Condition]:
    """Yield that no earlier run still holds what this one would change."""
    yield from not_held(sorted({instance.subnet for instance in hit}))
    groups = {
        str(group)
        for stage in stages
        for change in stage
        if isinstance(change, SettingChange) and change.setting == GROUPS and isinstance(change.before, list)
        for group in change.before
    }
    yield from not_isolated(sorted(groups))


# the changes ----------------------------------------------------------------------------------------------------------

Stages = tuple[tuple[AnyChange, ...], ...]


def _named(prefix: str, vpcs: Sequence[str]) -> dict[str, str]:
    """Return a name for each VPC's created resource: acl, acl1, …."""
    return {vpc: f"{prefix}{number}" if number else prefix for number, vpc in enumerate(vpcs)}


def _acl_stages(context: FaultContext, hit: Sequence[Instance]) -> Stages:
    acls = _named("acl", sorted({instance.vpc for instance in hit}))
    denied: dict[str, Json] = {instance.subnet: {"$": f"made.{acls[instance.vpc]}"} for instance in hit}
    makes = [deny_all_acl(context.region, vpc, name) for vpc, name in acls.items()]
    return staged(makes, context.changes(ACL, dict(sorted(denied.items()))))


def _group_stages(context: FaultContext, hit: Sequence[Instance], interfaces: Sequence[NetworkInterface]) -> Stages:
    vpcs = sorted({instance.vpc for instance in hit})
    closed, opened = _named("group", vpcs), _named("open", vpcs)
    vpc_of = {interface: instance.vpc for instance in hit for interface in instance.interfaces}
    private = {raw["NetworkInterfaceId"] for raw in interfaces if not _is_public(raw)}
    ipv6 = _ipv6(context, vpcs)
    makes = [empty_group(context.region, vpc, closed[vpc], ipv6[vpc]) for vpc in vpcs]
    makes += [
        open_group(context.region, vpc, opened[vpc], ipv6[vpc])
        for vpc in vpcs
        if any(vpc_of[interface] == vpc for interface in private)
    ]
    isolated: dict[str, Json] = {interface: [{"$": f"made.{closed[vpc]}"}] for interface, vpc in vpc_of.items()}
    groups = {interface: instance.group for instance in hit for interface in instance.interfaces}
    changes = []
    for change in context.changes(GROUPS, isolated):
        group, first = groups[change.id], [{"$": f"made.{opened[vpc_of[change.id]]}"}]
        # The scaling group replaces the instance, and the interface with it.
        replaced_by = f"scaling group {group}" if group else ""
        via = first if change.id in private else None
        changes.append(change.model_copy(update={"via": via, "replaced_by": replaced_by}))
    return staged(makes, changes)


def _ipv6(context: FaultContext, vpcs: Sequence[str]) -> dict[str, bool]:
    """Each VPC, and whether it has IPv6 blocks now: AWS lists those that it once had, too."""
    if not vpcs:
        return {}
    answer = context.inventory.read(DESCRIBE_VPCS, VpcIds=vpcs)
    over = ("disassociated", "failed")
    return {
        raw["VpcId"]: any(
            block.get("Ipv6CidrBlockState", {}).get("State") not in over
            for block in raw.get("Ipv6CidrBlockAssociationSet", [])
        )
        for raw in answer["Vpcs"]
    }
