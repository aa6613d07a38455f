"""The hazard table as a whole: every kind of target with its states, and the rows of a fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from gameday.faults.hazards.functions import FUNCTIONS
from gameday.faults.hazards.groups import GROUPS, MEMBERS
from gameday.faults.hazards.hazard import Answer, TargetState
from gameday.faults.hazards.instances import INSTANCES
from gameday.faults.hazards.network import INTERFACES, SUBNETS
from gameday.faults.hazards.stages import HTTP_STAGES, STAGES
from gameday.faults.hazards.tables import TABLES

STATES = MappingProxyType(
    {
        "instance": INSTANCES,
        "group member": MEMBERS,
        "scaling group": GROUPS,
        "subnet": SUBNETS,
        "interface": INTERFACES,
        "function": FUNCTIONS,
        "table": TABLES,
        "stage": STAGES,
        "HTTP stage": HTTP_STAGES,
    }
)
"""Kind of target, in words → its documented states."""

_OF_INSTANCES = ("instance", "group member", "scaling group")
TARGETS = MappingProxyType(
    {
        "terminate-instance": _OF_INSTANCES,
        "stop-instance": _OF_INSTANCES,
        "reboot-instance": _OF_INSTANCES,
        "az-blackhole": (*_OF_INSTANCES, "subnet"),
        "isolate-module": ("instance", "group member", "subnet", "interface"),
        "throttle": ("function", "table", "stage", "HTTP stage"),
    }
)
"""Fault → the kinds of target that it meets."""


@dataclass(frozen=True, slots=True)
class Row:
    """One fault on one state of its target."""

    fault: str
    target: str
    state: TargetState
    answer: Answer


def rows(fault: str) -> Iterator[Row]:
    """Yield the rows of a fault, in the order of its kinds of target."""
    for target in TARGETS.get(fault, ()):
        for state in STATES[target]:
            if fault in state.answers:
                yield Row(fault, target, state, state.answers[fault])


def open_rows() -> tuple[Row, ...]:
    """Return all rows whose outcome today is not right."""
    return tuple(row for fault in TARGETS for row in rows(fault) if row.answer.open)
