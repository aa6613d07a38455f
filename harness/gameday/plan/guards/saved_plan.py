"""A saved plan is applied exactly, so the account must be as it was when the plan was made."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.change import Json, PlannedFault
from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection
from gameday.plan.plan import Plan

REMEDY = "make a new plan, and read it"


def saved_plan(context: PlanContext) -> Iterator[Objection]:
    """Refuse a saved plan that the account no longer fits: other targets, other values, others who would suffer."""
    if context.facts.saved:
        yield from (Objection(line, REMEDY) for line in differences(context.facts.saved, context.plan))


def differences(planned: Plan, now: Plan) -> tuple[str, ...]:
    """What is no longer as it was when a plan was made, one line each."""
    lines = [
        f"the plan is for {what} {was}, this is {is_}"
        for what, was, is_ in (
            ("account", planned.account, now.account),
            ("region", planned.region, now.region),
        )
        if was != is_
    ]
    if len(planned.planned_faults) != len(now.planned_faults):
        counts = len(planned.planned_faults), len(now.planned_faults)
        lines.append(f"the plan injects {counts[0]} faults, the experiment has {counts[1]}")
    for was, is_ in zip(planned.planned_faults, now.planned_faults, strict=False):
        if was != is_:
            lines.append(f"{was.label}: the account has changed since the plan was made ({_difference(was, is_)})")
    if not lines and planned.digest != now.digest:
        lines.append("who would suffer is no longer what it was when the plan was made")
    return tuple(lines)


def _difference(was: PlannedFault, now: PlannedFault) -> str:
    old, new = _settings(was), _settings(now)
    changed = [f"{key} was {old[key]}, is {new[key]}" for key in old.keys() & new.keys() if old[key] != new[key]]
    gone, come = sorted(old.keys() - new.keys()), sorted(new.keys() - old.keys())
    lines = [*changed, *(f"{key} is no longer a target" for key in gone), *(f"{key} is a new target" for key in come)]
    return "; ".join(lines[:3]) or "other targets"


def _settings(planned_fault: PlannedFault) -> dict[str, Json]:
    return {change.subject: change.before for change in planned_fault.setting_changes}
