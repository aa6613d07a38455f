"""What the account's state means for traffic: the one value that the control plane hands to the data plane.

The control plane (the world, its controllers and the VPC's rules) makes a `WorldState` after every mutating call and
after every step of a controller; the data plane (traffic) plays requests on it. Neither knows a fault by name.
"""

from __future__ import annotations

from dataclasses import dataclass

OUTSIDE = "outside"
"""Customers, load balancers and AWS's own services, as one end of a path."""


@dataclass(frozen=True, slots=True)
class NodeState:
    """One instance of a module."""

    id: str
    zone: str
    serving: bool  # running, booted, not rebooting: it answers every packet that reaches it
    in_rotation: bool  # registered and healthy: the load balancer sends it requests


@dataclass(frozen=True, slots=True)
class ModuleStatus:
    """What a module can do right now. Each kind of module uses its own fields."""

    nodes: tuple[NodeState, ...] = ()  # instances
    concurrency: int | None = None  # function: executions at the same time; 0 throttles everything
    capacity: float | None = None  # table: units per second
    rate: float | None = None  # stage: requests per second, refilling a bucket of `burst`
    burst: float | None = None


@dataclass(frozen=True, slots=True)
class WorldState:
    """All modules, and the paths on which packets are lost."""

    modules: dict[str, ModuleStatus]
    lost: frozenset[tuple[str, str]] = frozenset()
    """(from, to) pairs of node ids or OUTSIDE whose packets are lost, in either direction.

    The caller gets no answer until its own timeout. A pair gives the request's direction, and covers replies too."""
    closed: frozenset[tuple[str, str]] = frozenset()
    """Pairs between which only connections go on that were open before; every new one fails, also a health check's."""
