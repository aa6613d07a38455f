"""Whether a fault was seen in traffic: needed where the reads that proved its effect cannot show that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gameday.steady_state.judging.isolation import judge_modules
from gameday.steady_state.judging.phases import seen_in
from gameday.steady_state.kpi.claim import Claim, Phases, Verdict
from gameday.steady_state.samples import Series

WORSE = 0.01
"""How much worse a KPI must have become: the default margin of isolation."""


def unseen_in_traffic(claim: Claim, series: Mapping[str, Series], phases: Phases) -> str | None:
    """Return why the run does not prove the fault in traffic; None where it does, or where nothing asks for it."""
    traffic = claim.traffic
    if traffic is None:
        return None
    kpis = {name: claim.kpis[name].model_copy(update={"module": name}) for name in traffic.kpis}
    alone = replace(claim, kpis=kpis, claimed=(), during={}, contained=tuple(kpis), margin=WORSE)
    parts = [_alone(phases, index) for index in traffic.faults] if phases.faults else [phases]
    judged = (judge_modules(alone, seen_in(alone, series, part, {}), cut_short=False) for part in parts)
    if all(any(change.verdict is Verdict.BROKEN for change in changes) for changes in judged):
        return None
    return f"health checks do not show that the fault cut {traffic.blind_to}; {_looked_at(traffic.kpis)}"


def _alone(phases: Phases, index: int) -> Phases:
    """Return the phases of one fault: what it did shows against the time since the change of ours before it."""
    mine = phases.faults[index]
    earlier = [at for each in phases.faults for at in (each.injected, each.undone) if at is not None]
    since = max((at for at in earlier if mine.injected is not None and at < mine.injected), default=None)
    before = phases.before if since is None or mine.injected is None else (since, mine.injected)
    return replace(
        phases, before=before, injected=mine.injected, took_effect=mine.took_effect, undo=mine.undo, faults=()
    )


def _looked_at(kpis: tuple[str, ...]) -> str:
    if not kpis:
        return "no KPI of the modules that may suffer could show it"
    if len(kpis) == 1:
        return f"KPI {kpis[0]} did not become worse"
    return f"none of the KPIs {', '.join(kpis)} became worse"
