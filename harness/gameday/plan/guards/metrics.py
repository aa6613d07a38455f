"""An effect that metrics prove needs a whole period of the metric before the injection."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection
from gameday.steady_state.kpi.units import exact_duration


def time_before(context: PlanContext) -> Iterator[Objection]:
    """Refuse on the twin a baseline too short for a metric that proves an effect: the twin has no metrics of before.

    An account has them from the time before the run. CloudWatch stamps a period by its start, so the period in which
    the run injects does not count (`engine/probes.exceeds`).
    """
    plan = context.plan
    if plan.place != "twin" or plan.twin is None:
        return
    start, baseline = context.now - plan.twin.warm_up, plan.experiment.baseline
    for planned_fault in plan.planned_faults:
        period = max((probe.excess.period for probe in planned_fault.effect.probes if probe.excess), default=0)
        if not period:
            continue
        first = ceil(start / period) * period
        lacking = first + period - (context.now + baseline)
        if lacking > 0:
            text = (
                f"{planned_fault.fault} needs a whole period of {exact_duration(period)} before it, to show its effect "
                f"in metrics; the twin has none after a warm-up of {exact_duration(plan.twin.warm_up)} and a baseline "
                f"of {exact_duration(baseline)}"
            )
            yield Objection(text, f"write at least `baseline: {exact_duration(round(baseline + lacking, 9))}`")
