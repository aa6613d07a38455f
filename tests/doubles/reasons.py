"""A plan in front of its guards, without an account."""

from __future__ import annotations

from typing import Any

from gameday.plan.guards.context import PlanContext, RunFacts
from gameday.plan.guards.guard import Reasons, ask
from gameday.plan.guards.registry import GUARDS
from gameday.plan.plan import Plan, RunRequest

NOW = 1_800_000_000.0


def context_of(plan: Plan, account: Any = None, facts: RunFacts | None = None, **known: Any) -> PlanContext:
    """What guards see of a plan; nobody is asked for what is not `known`."""
    request = RunRequest(plan.experiment, plan.workload, plan.twin, plan.place)
    return PlanContext(request, NOW, facts or RunFacts(), plan.account, plan, account, **known)


def reasons_of(guard: str, context: PlanContext) -> Reasons:
    """What the guard of that name answers."""
    return ask([found for found in GUARDS if found.name == guard], context)
