"""The KPIs that an experiment claims or guards must be readable where it runs."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection
from gameday.steady_state.kpi.reading import ON_THE_TWIN


def kpi_sources(context: PlanContext) -> Iterator[Objection]:
    """Refuse a twin run whose KPIs come from elsewhere than CloudWatch: a twin has metrics and alarms alone."""
    request = context.request
    origins = {name: reading.origin for name, reading in request.asked.items()}
    elsewhere = ", ".join(f"{name} ({origin})" for name, origin in origins.items() if origin not in ON_THE_TWIN)
    if request.place == "twin" and elsewhere:
        yield Objection(
            "the twin has CloudWatch's metrics and alarms alone, "
            f"and these KPIs of workload {request.workload.name} are read elsewhere: {elsewhere}",
            "give them a `cloudwatch:` metric that the twin file feeds under `metrics:`, or run with --on aws",
        )
