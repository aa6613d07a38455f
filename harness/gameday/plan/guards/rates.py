"""AWS limits how fast calls may follow each other, and the undo keeps half of that."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.engine.pacing import slowed
from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection


def call_rates(context: PlanContext) -> Iterator[Objection]:
    """Warn where not all changes can be made at once, because half of an API's rate is kept for the undo."""
    changes = (change for planned_fault in context.plan.planned_faults for change in planned_fault.changes)
    yield from (Objection(line, refuses=False) for line in slowed(changes))
