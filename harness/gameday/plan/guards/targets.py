"""What the planned faults say of their targets and changes."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection


def faults(context: PlanContext) -> Iterator[Objection]:
    """Refuse what a fault itself refuses: targets that are not there, settings that it cannot change."""
    for planned_fault in context.plan.planned_faults:
        yield from (Objection(reason) for reason in planned_fault.refusals)
        yield from (Objection(warning, refuses=False) for warning in planned_fault.warnings)


def opt_in(context: PlanContext) -> Iterator[Objection]:
    """Refuse targets that do not carry the workload's opt-in tag."""
    tag = ", ".join(f"{key}={value}" for key, value in (context.plan.workload.opt_in or {}).items())
    for planned_fault in context.plan.planned_faults:
        for target in planned_fault.without_opt_in:
            yield Objection(f"{target} does not carry the opt-in tag {tag}")


def irreversible_actions(context: PlanContext) -> Iterator[Objection]:
    """Refuse what nothing can undo, or what loses something for good, unless the experiment allows it."""
    if "irreversible" in context.plan.experiment.allow:
        return
    remedy = "add `allow: [irreversible]` to the experiment if you accept that"
    for planned_fault in context.plan.planned_faults:
        for change in planned_fault.irreversible_actions:
            yield Objection(f"{change.about} cannot be undone ({change.why})", remedy)
        for setting_change in planned_fault.setting_changes:
            if setting_change.lost:
                yield Objection(f"{setting_change.about} loses for good {'; '.join(setting_change.lost)}", remedy)


def shared_settings(context: PlanContext) -> Iterator[Objection]:
    """Refuse two faults that would change the same setting of the same resource."""
    seen: dict[tuple[str, str], str] = {}
    for planned_fault in context.plan.planned_faults:
        for change in planned_fault.setting_changes:
            key = (change.setting.name, change.id)
            if key in seen:
                yield Objection(f"{planned_fault.fault} and {seen[key]} would both change {change.subject}")
            seen[key] = planned_fault.fault
