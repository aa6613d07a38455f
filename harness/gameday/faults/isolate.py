"""The fault that cuts off a module: a security group without rules."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from gameday.aws.answers.ec2 import DESCRIBE_VPCS
from gameday.aws.resources import Instance
from gameday.change import HitResource, Json, PlannedFault, Setting, SettingChange
from gameday.faults.fault import Fault, FaultContext, counted, effect, shares, staged, unhealthy_targets, unknown_places
from gameday.faults.vpc import GROUPS, empty_group


class IsolateModule(Fault):
    """Cut off a module's instances: their interfaces get a security group without rules.

    Tracked connections may live until they idle out (EC2 User Guide, "Security group connection tracking").
    """

    name: ClassVar[str] = "isolate-module"
    settings: ClassVar[tuple[Setting, ...]] = (GROUPS,)
    calls: ClassVar[tuple[str, ...]] = (
        "ec2.create_security_group",
        "ec2.revoke_security_group_egress",
        "ec2.delete_security_group",
    )
    undo: ClassVar[str] = "each interface gets its security groups back, the run's group is deleted"
    effect: ClassVar[str] = "a load balancer finds the module's targets unfit"
    needs: ClassVar[str] = "a target group that some of the instances are in: its health checks are the proof"
    example: ClassVar[str] = "isolate-module: {module: recommendations}"

    module: str = Field(description="the module")
    zone: str | None = Field(None, description="only its instances in this availability zone")

    def inject(self, context: FaultContext) -> PlannedFault:
        """The changes, resolved against the account; reads only. Raises AwsError."""
        refusals = unknown_places(context, self.module, self.zone)
        hit = [instance for instance in context.inventory.instances if self._hits(instance)]
        probes = unhealthy_targets(context, hit)
        if not refusals and not hit:
            refusals.append(f"module {self.module} has no running instance to isolate")
        elif hit and not probes:
            refusals.append(f"nothing would show that it takes effect: no target group has instances of {self.module}")
        vpcs = sorted({instance.vpc for instance in hit})
        names = {vpc: f"group{number}" if number else "group" for number, vpc in enumerate(vpcs)}
        makes = [empty_group(context.region, vpc, names[vpc], ipv6) for vpc, ipv6 in _ipv6(context, vpcs).items()]
        isolated: dict[str, Json] = {
            interface: [{"$": f"made.{names[instance.vpc]}"}] for instance in hit for interface in instance.interfaces
        }
        return PlannedFault(
            fault=self.name,
            label=f"isolate module {self.module}: {counted(len(hit), 'instance')}",
            stages=staged([*makes], _with_replacement(context.changes(GROUPS, isolated), hit)),
            effect=effect(self.effect, probes),
            hit=tuple(HitResource(resource="instance", id=instance.id) for instance in hit),
            hits=shares(context, hit),
            refusals=tuple(refusals),
        )

    def _hits(self, instance: Instance) -> bool:
        return instance.module == self.module and instance.state == "running" and self.zone in (None, instance.zone)


def _with_replacement(changes: list[SettingChange], hit: list[Instance]) -> list[SettingChange]:
    """Name the scaling group that replaces the instance of an interface, and the interface with it."""
    groups = {interface: instance.group for instance in hit for interface in instance.interfaces}
    names = {interface: f"scaling group {group}" if group else "" for interface, group in groups.items()}
    return [change.model_copy(update={"replaced_by": names[change.id]}) for change in changes]


def _ipv6(context: FaultContext, vpcs: list[str]) -> dict[str, bool]:
    """Each VPC, and whether it has IPv6 blocks."""
    if not vpcs:
        return {}
    answer = context.inventory.read(DESCRIBE_VPCS, VpcIds=vpcs)
    return {raw["VpcId"]: bool(raw.get("Ipv6CidrBlockAssociationSet")) for raw in answer["Vpcs"]}
