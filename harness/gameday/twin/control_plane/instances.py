"""The life of EC2 instances in virtual time: moto changes states at once, the twin as slowly as EC2 usually does.

Source of the states: EC2 User Guide, "Amazon EC2 instance state changes". AWS promises no times, so these are typical
ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from gameday.twin.moto.objects import Moto
from gameday.twin.timetable import Timetable

PENDING = 10.0
"""Seconds from a launch or start until an instance is running."""
STOPPING = 30.0
SHUTTING_DOWN = 30.0
BOOT = 30.0
"""Seconds from running, or from a reboot, until the instance serves and its status checks pass."""
DAY = 86400.0

_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
_ALIVE = ("pending", "running", "stopping", "stopped")


class Machine:
    """An instance: `state` is EC2's name; from `ready` on it serves while it runs."""

    __slots__ = ("instance", "moves", "posted", "ready", "state")

    def __init__(self, instance: Moto, state: str, ready: float) -> None:
        self.instance = instance  # moto's
        self.state = state
        self.ready = ready
        self.posted: float | None = None  # when EC2 last posted the console output of a boot
        self.moves = 0  # how often its state was set: a planned move from an earlier state is void


class Machines:
    """All instances of the account, in order of launch. It calls `moved` when an instance changes by itself."""

    def __init__(self, ec2: Moto, time: Timetable, moved: Callable[[], None]) -> None:
        self._ec2 = ec2
        self._time = time
        self._moved = moved
        self._machines: dict[str, Machine] = {}

    def __iter__(self) -> Iterator[Machine]:
        return (machine for machine in self._machines.values() if machine.state != "terminated")

    def __contains__(self, instance: str) -> bool:
        return instance in self._machines

    def state(self, instance: str) -> str:
        """Return EC2's name of an instance's state; an unknown instance is terminated."""
        return self._machines[instance].state if instance in self._machines else "terminated"

    def serving(self, instance: str) -> bool:
        """Whether an instance runs and has booted."""
        machine = self._machines.get(instance)
        return machine is not None and machine.state == "running" and machine.ready <= self._time.now

    def console(self, instance: str) -> dict[str, Any]:
        """Answer GetConsoleOutput: when the output of the last boot was posted. Raises KeyError."""
        posted = self._machines[instance].posted
        found = {} if posted is None else {"Timestamp": datetime.fromtimestamp(posted, UTC)}
        return {"InstanceId": instance, **found}

    def zone(self, instance: str) -> str:
        """Return an instance's availability zone."""
        return str(self._machines[instance].instance.availability_zone)

    def launched(self, instance: Moto, delay: float) -> None:
        """Register a launched instance, which serves `delay` seconds from now; with 0 it runs already."""
        machine = self._machines[instance.id] = Machine(instance, "pending", self._time.now + delay)
        for interface in instance.nics.values():
            interface.delete_on_termination = (
                True  # AWS's default for interfaces that a launch creates; moto keeps them
            )
        self._move(machine, "pending" if delay else "running")
        if delay:
            self._later(machine, min(PENDING, delay), "running")
            self._posts(machine, delay)
        else:  # it belongs to the world that has been running for a while
            machine.posted = self._time.now - DAY

    def rebooted(self, instances: Iterable[str]) -> None:
        """Let instances serve again when they have booted."""
        for instance in instances:
            self._boots(self._machines[instance], BOOT)

    def look(self) -> None:
        """Turn the states that calls have set in moto into transitions that take their time."""
        for reservation in self._ec2.reservations.values():
            for instance in reservation.instances:
                if instance.id not in self._machines:
                    self.launched(instance, PENDING + BOOT)
                self._follow(self._machines[instance.id])

    def _follow(self, machine: Machine) -> None:
        target, state = machine.instance.state, machine.state
        if target == "terminated" and state in _ALIVE:
            self._move(machine, "shutting-down")
            self._later(machine, SHUTTING_DOWN, "terminated")
        elif target == "stopped" and state in ("pending", "running"):
            self._move(machine, "stopping")
            self._later(machine, STOPPING, "stopped")
        elif target == "running" and state == "stopped":
            self._move(machine, "pending")
            self._later(machine, PENDING, "running")
            self._boots(machine, PENDING + BOOT)
        elif target != state:
            _write(machine)

    def _boots(self, machine: Machine, seconds: float) -> None:
        machine.ready = self._time.now + seconds
        self._posts(machine, seconds)

    def _posts(self, machine: Machine, seconds: float) -> None:
        def booted() -> None:
            machine.posted = self._time.now
            self._moved()

        self._time.after(seconds, booted)

    def _move(self, machine: Machine, state: str) -> None:
        machine.state = state
        machine.moves += 1
        _write(machine)

    def _later(self, machine: Machine, seconds: float, state: str) -> None:
        planned = machine.moves

        def arrive() -> None:
            if machine.moves == planned:
                self._move(machine, state)
                self._moved()

        self._time.after(seconds, arrive)


def _write(machine: Machine) -> None:
    state = machine.instance.instance_state
    state.name, state.code = machine.state, _CODES[machine.state]
