"""The workload's limits: how much of a module, how many instances, for how long. On the twin they only warn."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection
from gameday.plan.plan import taken_away
from gameday.steady_state.kpi.units import exact_duration, exact_share, show_share


def module_share(context: PlanContext) -> Iterator[Objection]:
    """Refuse to hit more of a module's capacity than `limits.module_share`; on the twin, warn."""
    most = context.plan.workload.limits.module_share
    for module, share in _hit(context).items():
        if share > most + 1e-9:
            text = (
                f"{show_share(share)} of the capacity of {module} would be hit, over the limit of {exact_share(most)}"
            )
            yield _beyond(text, context)


def instances(context: PlanContext) -> Iterator[Objection]:
    """Refuse to hit more instances than `limits.instances`; on the twin, warn."""
    most = context.plan.workload.limits.instances
    faults = context.plan.planned_faults
    acted_on = {
        target
        for fault in faults
        for change in fault.changes
        if change.resource_kind == "instance"
        for target in change.targets
    }
    hit = acted_on | {resource.id for fault in faults for resource in fault.hit if resource.resource == "instance"}
    if len(hit) > most:
        yield _beyond(f"{len(hit)} instances would be hit, over the limit of {most}", context)


def exposure(context: PlanContext) -> Iterator[Objection]:
    """Refuse faults that may last longer than `limits.exposure`; on the twin, warn."""
    most = context.plan.workload.limits.exposure
    seconds = context.plan.longest_exposure
    if seconds > most:
        text = (
            f"the faults may last {exact_duration(seconds)} (until they take effect, and then `lasts`), "
            f"over the limit of {exact_duration(most)}"
        )
        yield _beyond(text, context)


def _hit(context: PlanContext) -> dict[str, float]:
    """Module with instances → the share of its capacity in service that all faults together take away."""
    taken = taken_away(context.plan.planned_faults)
    return {module: share for module, share in taken.items() if module in context.in_service}


def _beyond(text: str, context: PlanContext) -> Objection:
    if context.plan.place == "twin":
        return Objection(f"{text} (an account would refuse)", refuses=False)
    return Objection(text)
