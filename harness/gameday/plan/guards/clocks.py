"""The clocks of KPI sources must be close to ours, or the report dates onset and recovery wrongly."""

from __future__ import annotations

from collections.abc import Iterator

from gameday.aws.account import AWS
from gameday.plan.guards.context import PlanContext
from gameday.plan.guards.guard import Objection
from gameday.plan.plan import Plan

TOLERATED = 2.0
"""Seconds by which clocks may differ without a warning: what a `Date` can show, and no more than a few probes."""
LARGEST = 10.0
"""Seconds beyond which nothing is injected: more than the width of most recovery intervals."""


def clocks(context: PlanContext) -> Iterator[Objection]:
    """Refuse a source whose clock is more than 10 seconds from ours for certain; warn from 2 seconds on."""
    found = context.facts.clocks
    for name, offset in (found.offsets if found else {}).items():
        if offset.least > TOLERATED and (name != AWS or _reads_aws(context.plan)):
            yield Objection(
                f"the clock of {name} is {offset.words}: onset and recovery would be wrong by as much",
                "set both clocks by NTP",
                refuses=offset.least > LARGEST,
            )


def _reads_aws(plan: Plan) -> bool:
    kpis = plan.workload.kpis.values()
    return bool(plan.experiment.detected_by) or any(kpi.source.calls for kpi in kpis)
