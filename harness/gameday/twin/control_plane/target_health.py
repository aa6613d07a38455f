"""The health of load balancers' targets, checked in virtual time.

Sources, all in the Application Load Balancers guide: "Target health status", "Target health reason codes", "Health
checks for your target groups".

- A new target is healthy after one good check, any other after `healthy` good checks in a row.
- A stopped instance is unused.
- A deregistered target drains: it still finishes its requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gameday.files.twin_file import HealthCheck
from gameday.twin.control_plane.instances import Machines
from gameday.twin.moto.objects import Moto
from gameday.twin.moto.seal import Rejected
from gameday.twin.timetable import Timetable

_REASONS = {
    "initial": ("Elb.InitialHealthChecking", "Initial health checks in progress"),
    "unhealthy": ("Target.Timeout", "Request timed out"),
    "draining": ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
    "stopped": ("Target.InvalidState", "Target is in the stopped state"),
    "zone": ("Target.NotInUse", "Target is in an Availability Zone that is not enabled for the load balancer"),
    "unknown": ("Target.NotRegistered", "Target is not registered to the target group"),
}


class Target:
    """An instance in a target group. `why` is a key of `_REASONS`; `streak` counts checks that contradict its state."""

    __slots__ = ("group", "instance", "port", "state", "streak", "why")

    def __init__(self, group: Moto, instance: str, port: int, state: str) -> None:
        self.group = group
        self.instance = instance
        self.port = port
        self.set(state)

    def set(self, state: str, why: str = "") -> None:
        """Enter a state."""
        self.state, self.why, self.streak = state, why or state, 0


class Targets:
    """All targets, in order of registration. It calls `changed` when a target's health has changed."""

    def __init__(
        self, elb: Moto, machines: Machines, check: HealthCheck, time: Timetable, changed: Callable[[], None]
    ) -> None:
        self._elb = elb
        self._machines = machines
        self._check = check
        self._time = time
        self._changed = changed
        self._targets: dict[tuple[str, str], Target] = {}
        self.responds: Callable[[str], bool] = machines.serving
        self.first = "initial"  # the first state of a new target
        time.every(check.interval, self._check_all)

    def of(self, instance: str) -> list[Target]:
        """List an instance's targets."""
        return [target for (_, name), target in self._targets.items() if name == instance]

    def __iter__(self) -> Iterator[Target]:
        return iter(self._targets.values())

    def look(self) -> None:
        """Take over the targets that calls have registered and deregistered in moto."""
        for arn, group in self._elb.target_groups.items():
            for instance, raw in group.targets.items():
                known = self._targets.get((arn, instance))
                if known is None or known.state == "draining":
                    self._targets[arn, instance] = Target(group, instance, int(raw["Port"]), self.first)
        for (arn, instance), target in list(self._targets.items()):
            if self._elb.target_groups.get(arn) is not target.group:
                del self._targets[arn, instance]
            elif instance not in target.group.targets and target.state != "draining":
                self._drain(arn, target)

    def deregister(self, group: Moto, instance: str) -> float:
        """Take an instance out of a target group. Returns the seconds for which it drains."""
        group.targets.pop(instance, None)
        self.look()
        return delay_of(group)

    def _drain(self, arn: str, target: Target) -> None:
        target.set("draining")

        def over() -> None:
            if self._targets.get((arn, target.instance)) is target:
                del self._targets[arn, target.instance]
                self._changed()

        self._time.after(delay_of(target.group), over)

    def _check_all(self) -> None:
        before = [target.state for target in self]
        for (arn, instance), target in list(self._targets.items()):
            state = self._machines.state(instance)
            if state in ("shutting-down", "terminated"):  # ELB deregisters terminated instances by itself
                target.group.targets.pop(instance, None)
                del self._targets[arn, instance]
            elif target.state == "draining":
                continue
            elif state != "running":
                target.set("unused", "stopped")
            elif self._machines.zone(instance) not in _zones(self._elb, target.group):
                target.set("unused", "zone")
            else:
                self._count(target, self.responds(instance))
        if before != [target.state for target in self]:
            self._changed()

    def _count(self, target: Target, good: bool) -> None:
        if target.state == "unused":
            target.set("initial")
        if (target.state == "healthy" and good) or (target.state == "unhealthy" and not good):
            target.streak = 0
            return
        target.streak += 1
        if good and (target.state == "initial" or target.streak >= self._check.healthy):
            target.set("healthy")
        elif not good and target.streak >= self._check.unhealthy:
            target.set("unhealthy")

    def describe(self, arn: str, wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Answer DescribeTargetHealth: the wanted targets of a group, or all. Raises Rejected."""
        group = self._elb.target_groups.get(arn)
        if group is None:
            raise Rejected("TargetGroupNotFound", "One or more target groups not found")
        known = [target for (name, _), target in self._targets.items() if name == arn]
        if not wanted:
            return [_described(target) for target in known]
        by_id = {target.instance: target for target in known}
        return [
            _described(by_id.get(raw["Id"]) or Target(group, raw["Id"], int(raw.get("Port") or group.port), "unknown"))
            for raw in wanted
        ]


def delay_of(group: Moto) -> float:
    """Return the seconds for which a deregistered target drains."""
    return float(group.attributes["deregistration_delay.timeout_seconds"])


def balancers(elb: Moto, group: Moto) -> list[Moto]:
    """List the load balancers in front of a target group."""
    return [elb.load_balancers[arn] for arn in group.load_balancer_arns if arn in elb.load_balancers]


def _zones(elb: Moto, group: Moto) -> set[str]:
    return {subnet.availability_zone for balancer in balancers(elb, group) for subnet in balancer.subnets}


def _described(target: Target) -> dict[str, Any]:
    state = "unused" if target.state == "unknown" else target.state
    reason, description = _REASONS.get(target.why, (None, None))
    return {
        "Target": {"Id": target.instance, "Port": target.port},
        "HealthCheckPort": str(target.port),
        "TargetHealth": {"State": state, "Reason": reason, "Description": description},
    }
