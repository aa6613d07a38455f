"""The fault that cuts off a zone: a network ACL that denies everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from gameday.aws.answers.ec2 import DESCRIBE_SUBNETS, NetworkInterface, addresses_of
from gameday.aws.resources import Instance, Subnet
from gameday.change import HitResource, Json, PlannedFault, Setting, SettingChange
from gameday.faults.autoscaling import SUBNETS, SUSPENDED
from gameday.faults.fault import Fault, FaultContext, counted, effect, listed, shares, staged, unknown_places
from gameday.faults.instance_conditions import undeleted
from gameday.faults.interfaces import Neighbor, interfaces_in, neighbors
from gameday.faults.launches import Launches, launches_into
from gameday.faults.targets import Lookup, all_unfit, hit_targets, names_of
from gameday.faults.vpc import ACL, deny_all_acl, not_held


class AzBlackhole(Fault):
    """Cut off the workload's subnets in a zone: a network ACL of the run denies all their traffic.

    Traffic inside one subnet goes on, since ACLs act at a subnet's edge. So do the VPC's own DNS and metadata services.
    """

    name: ClassVar[str] = "az-blackhole"
    settings: ClassVar[tuple[Setting, ...]] = (ACL, SUBNETS, SUSPENDED)
    calls: ClassVar[tuple[str, ...]] = ("ec2.create_network_acl", "ec2.delete_network_acl")
    undo: ClassVar[str] = "each subnet gets its ACL back, the run's ACL is deleted, scaling groups get their zone back"
    effect: ClassVar[str] = "the load balancers find all targets in the subnets unfit"
    needs: ClassVar[str] = (
        "a healthy target of a target group in each subnet with instances, or `effect: {kpi: NAME}` in the experiment"
    )
    example: ClassVar[str] = "az-blackhole: {zone: us-east-1a, launches: blocked}"

    zone: str = Field(description="the availability zone")
    launches: Literal["allowed", "blocked"] = Field(
        "allowed", description="whether scaling groups may launch into the zone"
    )
    partial: bool = Field(
        False,
        description="go on where instances of the zone are in subnets that the workload does not own: they stay as is",
    )
    foreign_interfaces: Literal["refuse", "allow"] = Field(
        "refuse", description="when those subnets hold interfaces that the workload does not own"
    )

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        cut = _cut(context, self.zone)
        launches = launches_into(context, self.zone, cut.instances) if self.launches == "blocked" else Launches({}, ())
        refusals = unknown_places(context, None, self.zone)
        if not refusals:
            refusals += self._refusals(context, cut, launches)
        vpcs = sorted({subnet.vpc for subnet in cut.subnets})
        names = {vpc: f"acl{number}" if number else "acl" for number, vpc in enumerate(vpcs)}
        makes = [deny_all_acl(context.region, vpc, name) for vpc, name in names.items()]
        denied: dict[str, Json] = {subnet.id: {"$": f"made.{names[subnet.vpc]}"} for subnet in cut.subnets}
        return PlannedFault(
            fault=self.name,
            label=(
                f"black-hole {self.zone}: {counted(len(cut.subnets), 'subnet')}, "
                f"{counted(len(cut.instances), 'instance')}"
            ),
            stages=staged(
                [*makes, *_rebalancing(context, launches)],
                [*_subnets(context, launches)],
                [*context.changes(ACL, denied)],
            ),
            effect=effect(self.effect, all_unfit(cut.lookup)),
            hit=tuple(HitResource(resource="instance", id=instance.id) for instance in cut.instances),
            hits=shares(context, cut.instances) | cut.shares_of_addresses,
            conditions=(*undeleted(sorted(launches.left)), *not_held([subnet.id for subnet in cut.subnets])),
            cut_off=tuple(
                HitResource(resource=each.kind or "interface", id=each.id or each.interface) for each in cut.others
            ),
            refusals=tuple(refusals),
            warnings=tuple(self._warnings(cut)),
        )

    def _refusals(self, context: FaultContext, cut: _Cut, launches: Launches) -> list[str]:
        """What speaks against the fault, without what the places of the file do."""
        if not cut.subnets:
            return [f"the workload has no subnet in {self.zone}{_shared(context, cut.missed)}"]
        reasons = [f"launches: blocked does not hold: {reason}; write `launches: allowed`" for reason in launches.open]
        if cut.missed and not self.partial:
            reasons.append(
                f"{listed(cut.in_uncut_subnets)} of {self.zone} would not be cut off, since the workload does not own "
                "the subnet: give the subnet the workload's tags, or write `partial: true`"
            )
        if cut.unproven and not context.proof:
            reasons.append(
                f"nothing would show that it takes effect on {listed(cut.unproven)}: {cut.lookup.in_words}, and none "
                "has a healthy target in the same subnet; write `effect: {kpi: NAME}` with a KPI that shows it"
            )
        if cut.foreign and self.foreign_interfaces == "refuse" and "foreign-interfaces" not in context.allow:
            reasons.append(
                "interfaces that the workload does not own would be cut off too: "
                f"{listed([neighbor.in_words for neighbor in cut.foreign])}; "
                "write `foreign_interfaces: allow` if that is meant"
            )
        return reasons

    def _warnings(self, cut: _Cut) -> list[str]:
        missed = f"{listed(cut.in_uncut_subnets)} of {self.zone} keep their network: `partial: true`"
        return [missed] if cut.missed and self.partial else []


@dataclass(frozen=True)
class _Cut:
    """What a zone's cut hits: the subnets that it changes, and what they hold."""

    subnets: list[Subnet]
    instances: list[Instance]  # running in these subnets
    missed: list[Instance]  # running in the zone, in subnets that stay as they are
    others: list[Neighbor]  # every other interface in these subnets
    lookup: Lookup
    addresses: dict[str, str]  # interface of a task → its subnet

    @property
    def foreign(self) -> list[Neighbor]:
        """The interfaces whose owner is not the workload's. A target of its own target groups is."""
        targets = {id_ for found in self.lookup.found if found.owned for id_ in found.hit}
        return [each for each in self.others if not each.owned and each.interface not in targets]

    @property
    def unproven(self) -> list[str]:
        """The instances in subnets without a healthy target: an ACL acts on a whole subnet, so one target shows it."""
        shown = {instance.subnet for instance in self.instances if instance.id in self.lookup.proven}
        shown |= {subnet for interface, subnet in self.addresses.items() if interface in self.lookup.proven}
        if not self.instances and not shown:
            return [subnet.id for subnet in self.subnets]
        return [instance.id for instance in self.instances if instance.subnet not in shown]

    @property
    def in_uncut_subnets(self) -> list[str]:
        """The missed instances in words."""
        return [f"{instance.id} in {instance.subnet}" for instance in self.missed]

    @property
    def shares_of_addresses(self) -> dict[str, float]:
        """Module → the share of its targets that are cut off, for target groups of addresses of tasks."""
        return {
            found.module: len(found.ids) / found.healthy
            for found in self.lookup.found
            if found.module and set(found.hit) & self.addresses.keys()
        }


def _shared(context: FaultContext, missed: Sequence[Instance]) -> str:
    """Return in words the subnets of these instances that another account shares: it does not share their tags."""
    ids = sorted({instance.subnet for instance in missed})
    if not ids:
        return ""
    subnets = context.inventory.read(DESCRIBE_SUBNETS, SubnetIds=ids)["Subnets"]
    own = context.inventory.place.account
    shared = [
        f"{raw['SubnetId']}, which account {raw['OwnerId']} owns and shares"
        for raw in subnets
        if raw.get("OwnerId", own) != own
    ]
    return f"; its instances there are in {listed(shared)}: only that account may change the ACL" if shared else ""


def _cut(context: FaultContext, zone: str) -> _Cut:
    subnets = [subnet for subnet in context.inventory.subnets if subnet.zone == zone]
    cut = {subnet.id for subnet in subnets}
    running = [instance for instance in context.inventory.instances if instance.state == "running"]
    interfaces = interfaces_in(context, subnets)
    instances = [instance for instance in running if instance.subnet in cut]
    tasks = [raw for raw in interfaces if _is_task(raw)]
    names = names_of(instances) | {address: raw["NetworkInterfaceId"] for raw in tasks for address in addresses_of(raw)}
    return _Cut(
        subnets=subnets,
        instances=instances,
        missed=[instance for instance in running if instance.zone == zone and instance.subnet not in cut],
        others=neighbors(context, interfaces),
        lookup=hit_targets(context, names, {subnet.vpc for subnet in subnets}),
        addresses={raw["NetworkInterfaceId"]: raw.get("SubnetId", "") for raw in tasks},
    )


def _is_task(raw: NetworkInterface) -> bool:
    """Whether an interface is of an ECS task: load balancers may know it by its address."""
    return ":ecs:" in raw.get("Description", "")


def _rebalancing(context: FaultContext, launches: Launches) -> Sequence[SettingChange]:
    # A group that loses a zone's subnets would move the zone's instances elsewhere at once: that is not this fault.
    suspended: dict[str, Json] = {name: {"adds": ["AZRebalance"], "removes": []} for name in launches.left}
    return context.changes(SUSPENDED, suspended)


def _subnets(context: FaultContext, launches: Launches) -> Sequence[SettingChange]:
    return context.changes(SUBNETS, {name: ",".join(left) for name, left in launches.left.items()})
