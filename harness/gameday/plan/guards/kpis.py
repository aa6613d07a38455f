"""The KPIs that an experiment claims or guards must be readable where it runs."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection


def kpi_sources(context: PlanContext) -> Iterator[Objection]:
    """Refuse a twin run whose KPIs come from elsewhere than CloudWatch: a twin has metrics and alarms alone."""
    request = context.request
    asked = request.asked.items()
    elsewhere = ", ".join(f"{name} ({source.name})" for name, source in asked if not source.on_twin)
    if request.place == "twin" and elsewhere:
        yield Objection(
            "the twin has CloudWatch's metrics and alarms alone, "
            f"and these KPIs of workload {request.workload.name} are read elsewhere: {elsewhere}",
            "give them a `cloudwatch:` metric that the twin file feeds under `metrics:`, or run with --on aws",
        )
