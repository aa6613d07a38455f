"""Scaling groups in virtual time: they replace unhealthy members, and spread members evenly over zones.

Sources, all in the Amazon EC2 Auto Scaling User Guide:

- "Health checks for instances in an Auto Scaling group": a grace period; type ELB follows the load balancer's checks
- "Types of processes": what a suspended process stops
- "Availability Zone rebalancing": launches before it terminates
- "Instance lifecycle": members that leave drain first
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from gameday.twin.control_plane.instances import Machines
from gameday.twin.control_plane.target_health import Targets, delay_of
from gameday.twin.moto.objects import Moto
from gameday.twin.timetable import Timetable

LOOK = 15.0
"""Seconds between two checks of a group's members (AWS gives no number; replacing starts within about a minute)."""

_WORKING = ("Pending", "InService")


class Groups:
    """All scaling groups of the account. `launch_delay` gives the seconds from launch until an instance serves."""

    def __init__(
        self,
        autoscaling: Moto,
        machines: Machines,
        targets: Targets,
        time: Timetable,
        launch_delay: Callable[[Moto], float],
        changed: Callable[[], None],
    ) -> None:
        self._autoscaling = autoscaling
        self._machines = machines
        self._targets = targets
        self._time = time
        self._launch_delay = launch_delay
        self._changed = changed
        self._since: dict[str, float] = {}  # instance → when it came into service
        # (target group, instance) → the scaling group that registered it
        self._balanced: dict[tuple[str, str], Moto] = {}
        self._coming: dict[str, Moto] = {}  # group → the member launched to rebalance zones, until it is fit
        time.every(LOOK, self.look)

    def look(self) -> None:
        """Run every group's processes once."""
        for group in list(self._autoscaling.autoscaling_groups.values()):
            self._settle(group)
            self._find_unfit(group)
            self._dismiss_unfit(group)
            self._fill(group)
            self._thin_out(group)
            self._rebalance(group)
            self._leave_balancers(group)
        self._changed()

    def forget(self, group: Moto) -> None:
        """Terminate the members of a deleted group."""
        for member in list(group.instance_states):
            self._terminate(group, member)

    # --- the steps of `look` ----------------------------------------------------------------------------------------

    def _settle(self, group: Moto) -> None:
        """Put running members into service, and behind the group's load balancers."""
        for member in group.instance_states:
            instance = member.instance.id
            if member.lifecycle_state == "Pending" and self._machines.state(instance) == "running":
                member.lifecycle_state = "InService"
            if member.lifecycle_state != "InService" or "AddToLoadBalancer" in _suspended(group):
                continue
            self._since.setdefault(instance, self._time.now)
            for target_group in self._target_groups(group):
                key = target_group.arn, instance
                if key not in self._balanced and self._machines.state(instance) == "running":
                    target_group.register([{"Id": instance, "Port": target_group.port}])
                    self._balanced[key] = group
        self._targets.look()

    def _find_unfit(self, group: Moto) -> None:
        if "HealthCheck" in _suspended(group):
            return
        for member in group.instance_states:
            if member.lifecycle_state in _WORKING and self._unfit(group, member):
                member.health_status = "Unhealthy"

    def _unfit(self, group: Moto, member: Moto) -> bool:
        instance = member.instance.id
        if self._machines.state(instance) not in ("pending", "running"):
            return True
        grace = self._time.now - self._since.get(instance, self._time.now) < float(group.health_check_grace_period)
        unhealthy = any(target.state == "unhealthy" for target in self._targets.of(instance))
        return group.health_check_type == "ELB" and unhealthy and not grace

    def _dismiss_unfit(self, group: Moto) -> None:
        if {"ReplaceUnhealthy", "Terminate"} & _suspended(group):
            return
        for member in list(group.instance_states):
            if member.lifecycle_state in _WORKING and member.health_status == "Unhealthy":
                self._dismiss(group, member)

    def _fill(self, group: Moto) -> None:
        if "Launch" in _suspended(group):
            return
        while len(_working(group)) < (group.desired_capacity or 0):
            if self._launch(group) is None:
                return

    def _thin_out(self, group: Moto) -> None:
        coming = self._coming.get(group.name)
        if coming is not None and (coming not in group.instance_states or self._fit(coming)):
            del self._coming[group.name]
            coming = None
        if "Terminate" in _suspended(group):
            return
        counted = [member for member in _working(group) if member is not coming]
        for _ in range(len(counted) - (group.desired_capacity or 0)):
            open_ = [member for member in counted if not member.protected_from_scale_in]
            if not open_:
                return
            zones = Counter(member.instance.availability_zone for member in counted)
            allowed = self._subnets(group)
            # Unfit members leave first. Then these decide: zones that the group has left, the fullest zone, the oldest.
            leaving = min(
                open_,
                key=lambda member: (
                    self._fit(member),
                    member.instance.availability_zone in allowed,
                    -zones[member.instance.availability_zone],
                ),
            )
            counted.remove(leaving)
            self._dismiss(group, leaving)

    def _rebalance(self, group: Moto) -> None:
        if {"AZRebalance", "Launch", "Terminate"} & _suspended(group) or group.name in self._coming:
            return
        working, allowed = _working(group), self._subnets(group)
        if len(working) != group.desired_capacity or not all(self._fit(member) for member in working) or not allowed:
            return
        zones = Counter(member.instance.availability_zone for member in working)
        even = max(zones[zone] for zone in allowed) - min(zones[zone] for zone in allowed) <= 1
        if not even or set(zones) - set(allowed):
            self._coming[group.name] = self._launch(group)

    def _leave_balancers(self, group: Moto) -> None:
        """Deregister members that are no longer in service from the load balancers where the group registered them."""
        staying = {member.instance.id for member in group.instance_states if member.lifecycle_state == "InService"}
        for (arn, instance), owner in list(self._balanced.items()):
            if owner is group and instance not in staying:
                del self._balanced[arn, instance]
                for target_group in self._target_groups(group):
                    if target_group.arn == arn:
                        self._targets.deregister(target_group, instance)

    # --- what the steps use -----------------------------------------------------------------------------------------

    def _launch(self, group: Moto) -> Moto:
        """Launch a member in the zone that has the fewest; None where the group has no subnet."""
        allowed = self._subnets(group)
        if not allowed:
            return None
        zones = Counter(member.instance.availability_zone for member in _working(group))
        zone = min(allowed, key=lambda name: zones[name])  # of several, the first in the group's list of subnets
        subnets, group.vpc_zone_identifier = group.vpc_zone_identifier, allowed[zone]
        group.replace_autoscaling_group_instances(1, group.get_propagated_tags())
        group.vpc_zone_identifier = subnets
        member = group.instance_states[-1]
        delay = self._launch_delay(group)
        self._machines.launched(member.instance, delay)
        member.lifecycle_state = "Pending" if delay else "InService"
        if not delay:  # the member belongs to the world that has been running for a while
            self._since[member.instance.id] = float("-inf")
        return member

    def _dismiss(self, group: Moto, member: Moto) -> None:
        """Drain a member, then terminate it."""
        member.lifecycle_state = "Terminating"
        self._leave_balancers(group)
        alive = self._machines.state(member.instance.id) == "running"
        delays = (delay_of(target_group) for target_group in self._target_groups(group))
        wait = max(delays, default=0.0) if alive else 0.0
        self._time.after(wait, partial(self._terminate, group, member))

    def _terminate(self, group: Moto, member: Moto) -> None:
        group.instance_states = [state for state in group.instance_states if state is not member]
        self._since.pop(member.instance.id, None)
        if self._machines.state(member.instance.id) not in ("shutting-down", "terminated"):
            self._autoscaling.ec2_backend.terminate_instances([member.instance.id])
            self._machines.look()
        self._changed()

    def _fit(self, member: Moto) -> bool:
        """Whether a member is in service, and healthy in all its target groups."""
        targets = self._targets.of(member.instance.id)
        return member.lifecycle_state == "InService" and all(target.state == "healthy" for target in targets)

    def _target_groups(self, group: Moto) -> list[Moto]:
        known = self._autoscaling.elbv2_backend.target_groups
        return [known[arn] for arn in group.target_group_arns or () if arn in known]

    def _subnets(self, group: Moto) -> dict[str, str]:
        """Map each zone to the subnet that the group launches into, in the group's order."""
        names = [name.strip() for name in (group.vpc_zone_identifier or "").split(",") if name.strip()]
        by_id = {
            subnet.id: subnet for zone in self._autoscaling.ec2_backend.subnets.values() for subnet in zone.values()
        }
        by_zone: dict[str, str] = {}
        for name in names:
            if name in by_id:
                by_zone.setdefault(by_id[name].availability_zone, name)
        return by_zone


def _working(group: Moto) -> list[Moto]:
    return [member for member in group.instance_states if member.lifecycle_state in _WORKING]


def _suspended(group: Moto) -> set[str]:
    return {process["ProcessName"] for process in group.suspended_processes}
