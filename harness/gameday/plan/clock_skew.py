"""Clocks that differ: a plan warns where a source keeps another time than we do, and refuses where it is far off."""

from __future__ import annotations

from gameday.aws.account import AWS
from gameday.plan.plan import Plan
from gameday.steady_state.skew import Clocks

TOLERATED = 2.0
"""Seconds by which clocks may differ without a word: what a `Date` can show, and no more than a few probes."""
LARGEST = 10.0
"""Seconds beyond which nothing is injected: a recovery would be told wrong by more than most intervals are wide."""


def with_clocks(plan: Plan, clocks: Clocks | None) -> Plan:
    """The plan, with a warning or a refusal for each source that it reads whose clock differs from ours for certain."""
    kpis = plan.workload.kpis.values()
    on_aws = plan.experiment.detected_by or any(kpi.source.calls for kpi in kpis)
    off = {
        name: found
        for name, found in (clocks.offsets if clocks else {}).items()
        if found.least > TOLERATED and (name != AWS or on_aws)
    }
    told = {
        name: f"the clock of {name} is {found.words}, so that onset and recovery would be told wrong by as much: set "
        "both by NTP"
        for name, found in off.items()
    }
    refused = tuple(words for name, words in told.items() if off[name].least > LARGEST)
    warned = tuple(words for name, words in told.items() if off[name].least <= LARGEST)
    return plan.model_copy(
        update={"refusals": (*plan.refusals, *refused), "warnings": (*plan.warnings, *warned)},
    )
