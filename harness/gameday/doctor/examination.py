"""What an examination looks at, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from gameday.aws.inventory import Inventory
from gameday.errors import Reason
from gameday.files.workload import Workload
from gameday.plan.plan import Plan
from gameday.run.environment import Environment


class Severity(IntEnum):
    """How much a finding matters; the smallest is the most important."""

    REFUSES = 0  # a run would be refused, or could not be undone
    UNREAD = 1  # nobody can say: a read failed
    WARNS = 2
    NOTE = 3  # what is well, and facts


@dataclass(frozen=True)
class Finding:
    """A finding in words, and what to do about it."""

    severity: Severity
    topic: str
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class PlannedExperiment:
    """An experiment with its plan, or with the reasons why there is none."""

    name: str
    plan: Plan | None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class DoctorContext:
    """A workload in one region: its account, its resources, and the plans of its experiments."""

    workload: Workload
    region: str
    environment: Environment
    inventory: Inventory
    planned: tuple[PlannedExperiment, ...]

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans that could be made."""
        return tuple(each.plan for each in self.planned if each.plan)


Examination = Callable[[DoctorContext], Iterable[Finding]]
"""An examination: a function that yields findings. It may raise GamedayError where a read fails."""
