"""The fault that cuts off a zone: a network ACL that denies everything."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from gameday.change import HitResource, Json, PlannedFault, Setting, SettingChange
from gameday.faults.autoscaling import SUBNETS, SUSPENDED
from gameday.faults.fault import Fault, FaultContext, counted, effect, shares, staged, unhealthy_targets, unknown_places
from gameday.faults.interfaces import foreign_interfaces
from gameday.faults.vpc import ACL, deny_all_acl


class AzBlackhole(Fault):
    """Cut off the workload's subnets in a zone: a network ACL of the run denies all their traffic.

    Traffic inside one subnet goes on, since ACLs act at a subnet's edge. So do the VPC's own DNS and metadata services.
    """

    name: ClassVar[str] = "az-blackhole"
    settings: ClassVar[tuple[Setting, ...]] = (ACL, SUBNETS, SUSPENDED)
    calls: ClassVar[tuple[str, ...]] = ("ec2.create_network_acl", "ec2.delete_network_acl")
    undo: ClassVar[str] = "each subnet gets its ACL back, the run's ACL is deleted, scaling groups get their zone back"
    effect: ClassVar[str] = "a load balancer finds targets of the zone unfit"
    needs: ClassVar[str] = "a target group that some of the instances are in: its health checks are the proof"
    example: ClassVar[str] = "az-blackhole: {zone: us-east-1a, launches: blocked}"

    zone: str = Field(description="the availability zone")
    launches: Literal["allowed", "blocked"] = Field(
        "allowed", description="whether scaling groups may launch into the zone"
    )
    foreign_interfaces: Literal["refuse", "allow"] = Field(
        "refuse", description="when those subnets hold interfaces that the workload does not own"
    )

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        subnets = [subnet for subnet in context.inventory.subnets if subnet.zone == self.zone]
        instances = context.inventory.instances
        hit = [instance for instance in instances if instance.zone == self.zone and instance.state == "running"]
        refusals = unknown_places(context, None, self.zone)
        if not subnets and not refusals:
            refusals.append(f"the workload has no subnet in {self.zone}")
        probes = unhealthy_targets(context, hit)
        if subnets and not probes:
            refusals.append(f"nothing would show that it takes effect: no target group has targets in {self.zone}")
        foreign = foreign_interfaces(context, subnets)
        if foreign and self.foreign_interfaces == "refuse":
            named = ", ".join(foreign[:5]) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
            refusals.append(f"interfaces that the workload does not own would be cut off too: {named}")
        vpcs = sorted({subnet.vpc for subnet in subnets})
        names = {vpc: f"acl{number}" if number else "acl" for number, vpc in enumerate(vpcs)}
        makes = [deny_all_acl(context.region, vpc, name) for vpc, name in names.items()]
        denied: dict[str, Json] = {subnet.id: {"$": f"made.{names[subnet.vpc]}"} for subnet in subnets}
        return PlannedFault(
            fault=self.name,
            label=f"black-hole {self.zone}: {counted(len(subnets), 'subnet')}, {counted(len(hit), 'instance')}",
            stages=staged(
                [*makes, *self._rebalancing(context)], [*self._launches(context)], [*context.changes(ACL, denied)]
            ),
            effect=effect(self.effect, probes),
            hit=tuple(HitResource(resource="instance", id=instance.id) for instance in hit),
            hits=shares(context, hit),
            refusals=tuple(refusals),
        )

    def _groups(self, context: FaultContext) -> dict[str, list[str]]:
        """Scaling groups that launch into the zone and elsewhere → their subnets in other zones."""
        if self.launches == "allowed":
            return {}
        cut_off = {subnet.id for subnet in context.inventory.subnets if subnet.zone == self.zone}
        left = {
            group.name: [subnet for subnet in group.subnets if subnet not in cut_off]
            for group in context.inventory.scaling_groups
            if cut_off & set(group.subnets)
        }
        return {name: subnets for name, subnets in left.items() if subnets}

    def _rebalancing(self, context: FaultContext) -> list[SettingChange]:
        # A group that loses a zone's subnets would move the zone's instances elsewhere at once: that is not this fault.
        suspended: dict[str, Json] = {name: {"adds": ["AZRebalance"], "removes": []} for name in self._groups(context)}
        return context.changes(SUSPENDED, suspended)

    def _launches(self, context: FaultContext) -> list[SettingChange]:
        return [*context.changes(SUBNETS, {name: ",".join(left) for name, left in self._groups(context).items()})]
