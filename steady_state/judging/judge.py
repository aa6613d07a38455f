"""The judgement of a claim from samples and phases: pure, so that Gameday can judge a stored record without AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gameday.steady_state.judging.budget import budget_of
from gameday.steady_state.judging.detection import judge_detection
from gameday.steady_state.judging.isolation import judge_modules
from gameday.steady_state.judging.lead import judge_leads
from gameday.steady_state.judging.loss import judge_losses
from gameday.steady_state.judging.phases import Error, PhaseBins, arrivals_of, judge_phase, seen_in
from gameday.steady_state.judging.phrases import lost_in_words
from gameday.steady_state.judging.recovery import judge_recovery
from gameday.steady_state.judging.sentence import sentence
from gameday.steady_state.judging.traffic import unseen_in_traffic
from gameday.steady_state.judging.trend import trend_notes
from gameday.steady_state.kpi.claim import (
    Claim,
    Detection,
    DetectionJudgement,
    Judgement,
    LeadJudgement,
    LossJudgement,
    ModuleJudgement,
    Move,
    PhaseJudgement,
    Phases,
    Recovery,
    RecoveryJudgement,
    Verdict,
    worst,
)
from gameday.steady_state.kpi.kpi import Bound, Tier
from gameday.steady_state.kpi.units import show_duration
from gameday.steady_state.samples import Series, inside, touching

__all__ = [
    "Claim",
    "Detection",
    "DetectionJudgement",
    "Judgement",
    "LeadJudgement",
    "LossJudgement",
    "ModuleJudgement",
    "Move",
    "PhaseJudgement",
    "Phases",
    "Recovery",
    "RecoveryJudgement",
    "Verdict",
    "judge",
    "worst",
]


COARSE = 10.0
"""Seconds of a KPI's period from which a note states the delay that it causes."""


def judge(claim: Claim, series: Mapping[str, Series], phases: Phases) -> Judgement:
    """Judge a claim: the worst of its KPIs in every phase, its recoveries, its detection and the contained modules.

    Missing data, lost traffic and no traffic are unknown, never held. A run that the guard or a stop alarm ended is
    broken. A run that ended early otherwise, did not inject or had no effect is unknown. So is a held claim whose fault
    was not seen in traffic, where `claim.traffic` asks for that.

    The verdict of the whole run is wrong with a chance of at most `claim.false_verdict`. All parts must be held for a
    held verdict, so each may spend it all. For broken the parts share the budget (`budget_of`).

    KPIs that are watched but not claimed are judged and shown, and do not change the verdict. Neither do losses.
    """
    tested = phases.injected is not None and phases.took_effect is not None
    budget = budget_of(claim, phases)
    recoveries = (
        {name: _recovery(claim, name, series.get(name, ()), phases, budget.recovery) for name in claim.claimed}
        if claim.recovery and tested
        else {}
    )
    seen = seen_in(claim, series, phases, recoveries)
    error = Error(claim.false_verdict, budget.phase)
    judged = tuple(judge_phase(bins, _bound(claim, bins.name, bins.phase), error) for bins in seen)
    modules = judge_modules(claim, seen, cut_short=phases.aborted is not None, spread=budget.spread) if tested else ()
    back = tuple(recoveries.values())
    shared = replace(claim, false_verdict=budget.part)
    detected = judge_detection(shared, claim.detection, series, phases) if claim.detection and tested else None
    early = _early(phases)
    verdict = early[0] if early else _verdict(claim, judged, back, modules, detected)
    if verdict is Verdict.HELD and (unseen := unseen_in_traffic(claim, series, phases)):
        verdict, early = Verdict.UNKNOWN, (Verdict.UNKNOWN, unseen)
    losses, leads = judge_losses(claim, series, phases), judge_leads(claim, series, phases)
    words = sentence(claim, verdict, early[1] if early else None, judged, back, modules, losses, detected)
    notes = (*_notes(claim, modules), *trend_notes(claim, series, phases))
    return Judgement(verdict, words, judged, back, modules, notes, detected, losses, leads)


def _recovery(claim: Claim, name: str, bins: Series, phases: Phases, alpha: float) -> RecoveryJudgement:
    """Judge a recovery; it is not held where requests were lost on their way from the recovery on."""
    wanted, kpi = claim.recovery, claim.kpis[name]
    assert wanted is not None, "only a claim of recovery is judged"  # noqa: S101
    found = judge_recovery(name, kpi, bins, phases, wanted, alpha)
    stop = phases.undo if wanted.since == "impact" and phases.undo is not None else phases.end
    start = found.recovered if found.recovered is not None else phases.injected
    if found.verdict is not Verdict.HELD or start is None or stop is None or start >= stop:
        return found
    span = (start, stop)
    came = arrivals_of(PhaseBins(name, kpi, "recovery", span, touching(bins, *span), inside(bins, *phases.before)))
    if came is None or not (came.are_lost or came.silent):
        return found
    return replace(found, verdict=Verdict.UNKNOWN, words=f"{found.words}, but {lost_in_words(came)}")


def _bound(claim: Claim, kpi: str, phase: str) -> Bound | None:
    own = claim.kpis[kpi].bound
    return claim.during.get(kpi, own) if phase == "during" else own


def _early(phases: Phases) -> tuple[Verdict, str] | None:
    """Return the verdict of a run that did not test the claim to its end, and why; None: it did."""
    why, _, about = (phases.aborted or "").partition(":")
    details = f" ({about.strip()})" if about else ""
    if why in ("guard", "alarm"):
        return Verdict.BROKEN, f"the {'guard' if why == 'guard' else 'stop alarm'} ended the run{details}"
    if phases.injected is None:
        return Verdict.UNKNOWN, f"the run injected nothing{details}"
    if phases.aborted is not None:
        return Verdict.UNKNOWN, f"{_ABORTS.get(why, why)} ended the run early{details}"
    if phases.took_effect is None:
        idle = [each.fault for each in phases.faults if each.injected is not None and each.took_effect is None]
        which = f"the fault {' and '.join(idle)}" if idle else "the fault"
        return (
            Verdict.UNKNOWN,
            f"{which} had no effect, so the run {'did not test the claim' if idle else 'tested nothing'}",
        )
    return None


_ABORTS = {
    "blind": "missing data",
    "failed": "a failed call",
    "signal": "a signal",
    "halt": "gameday halt",
    "lease": "the loss of its lease",
    "undone-early": "somebody who removed its fault",
    "error": "an error",
    "killed": "the death of its process",
}


def _verdict(
    claim: Claim,
    judged: tuple[PhaseJudgement, ...],
    recoveries: tuple[RecoveryJudgement, ...],
    modules: tuple[ModuleJudgement, ...],
    detected: DetectionJudgement | None,
) -> Verdict:
    counted = [module.verdict for module in modules if module.judged]
    if modules and not counted:
        counted = [Verdict.UNKNOWN]
    return worst(
        [
            *(phase.verdict for phase in judged if phase.kpi in claim.claimed),
            *(recovery.verdict for recovery in recoveries),
            *([detected.verdict] if detected else []),
            *counted,
        ]
    )


def _notes(claim: Claim, modules: tuple[ModuleJudgement, ...]) -> tuple[str, ...]:
    notes = [module.words for module in modules if not module.judged]
    if not any(claim.kpis[name].tier is Tier.BUSINESS for name in claim.claimed):
        notes.insert(0, "the experiment claims no business KPI, so it says nothing about what customers get")
    if claim.margin is not None and not claim.contained:
        notes.append("the experiment claims isolation, but every module may suffer, so there is nothing to judge")
    notes += [_drifting(name) for name in _drifting_kpis(claim)]
    notes += [_coarse(name, claim.kpis[name].interval) for name in claim.claimed if claim.kpis[name].interval >= COARSE]
    return tuple(notes)


def _coarse(kpi: str, interval: float) -> str:
    """State the delay of a period: an instant lies half a period before the end of its period on average."""
    mean, most = show_duration(interval / 2), show_duration(interval)
    return f"{kpi} has a sample every {most}, so Gameday sees an event {mean} late on average, plus the source's delay"


def _drifting_kpis(claim: Claim) -> list[str]:
    """Return the rates without a denominator that are compared with their baseline."""
    rates = [name for name, kpi in claim.kpis.items() if kpi.kind == "rate" and kpi.per is None]
    return [
        name
        for name in rates
        if (name in claim.claimed and claim.kpis[name].bound.within is not None)
        or (claim.margin is not None and claim.kpis[name].module in claim.contained)
    ]


def _drifting(kpi: str) -> str:
    return f"{kpi} is compared with its baseline, so each drift of the traffic counts as a change: give it `per`"
