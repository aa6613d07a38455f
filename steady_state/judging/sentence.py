"""The verdict in one or two plain sentences: what was claimed and what was seen, with numbers."""

from __future__ import annotations

from gameday.steady_state.judging.phrases import points_in_words
from gameday.steady_state.kpi.claim import (
    Claim,
    DetectionJudgement,
    LossJudgement,
    ModuleJudgement,
    PhaseJudgement,
    RecoveryJudgement,
    Verdict,
)
from gameday.steady_state.kpi.kpi import Tier

MOST = 2
"""Findings told in full; the others are counted."""

_WHEN = {"during": "while the fault lasted", "after": "after the undo", "before": "before the fault"}


def sentence(
    claim: Claim,
    verdict: Verdict,
    early: str | None,
    phases: tuple[PhaseJudgement, ...],
    recovery: tuple[RecoveryJudgement, ...],
    modules: tuple[ModuleJudgement, ...],
    losses: tuple[LossJudgement, ...] = (),
    detected: DetectionJudgement | None = None,
) -> str:
    """`early`: why the claim was not tested to its end, which then is what there is to say."""
    return _told(claim, verdict, early, phases, recovery, modules, detected) + _cost(claim, losses)


def _cost(claim: Claim, losses: tuple[LossJudgement, ...]) -> str:
    """What customers lost for certain, by the claimed business KPIs."""
    business = (one for one in losses if one.kpi in claim.claimed and claim.kpis[one.kpi].tier is Tier.BUSINESS)
    words = [one.words for one in business if one.low is not None and one.low > 0]
    told = "; ".join(words[:MOST]) + _more(len(words) - MOST)
    return f" {told[0].upper()}{told[1:]}." if told else ""


def _told(
    claim: Claim,
    verdict: Verdict,
    early: str | None,
    phases: tuple[PhaseJudgement, ...],
    recovery: tuple[RecoveryJudgement, ...],
    modules: tuple[ModuleJudgement, ...],
    detected: DetectionJudgement | None,
) -> str:
    counted = _in_order(claim, phases)
    if early is not None:
        claimed = ", ".join(f"{name} {_bound(claim, name)}" for name in claim.claimed[:MOST])
        return f"{verdict.value.capitalize()}: {early}. Claimed was {claimed}{_more(len(claim.claimed) - MOST)}."
    if verdict is Verdict.HELD:
        return f"Held: {'; '.join(_good(claim, counted, recovery, modules, detected))}."
    found = [
        *(_of_phase(one) for one in counted if one.verdict is verdict),
        *(f"{one.kpi} was {one.words}" for one in recovery if one.verdict is verdict),
        *(f"alarm {one.alarm} {one.words}" for one in (detected,) if one and one.verdict is verdict),
        *(f"{one.module}: {one.seen}" for one in modules if one.verdict is verdict and one.judged),
    ]
    if not found:
        return (
            f"{verdict.value.capitalize()}: no module that must not suffer has a KPI to judge the {_margin(claim)} by."
        )
    return f"{verdict.value.capitalize()}: {'; '.join(found[:MOST])}{_more(len(found) - MOST)}."


def _in_order(claim: Claim, phases: tuple[PhaseJudgement, ...]) -> list[PhaseJudgement]:
    """What counts, the fault's time first, and business before technical."""
    counted = [one for one in phases if one.kpi in claim.claimed]
    return sorted(
        counted, key=lambda one: (list(_WHEN).index(one.phase), claim.kpis[one.kpi].tier is not Tier.BUSINESS)
    )


def _of_phase(one: PhaseJudgement) -> str:
    return f"{one.kpi} {_WHEN[one.phase]}: {one.seen} (claimed: {one.bound})"


def _good(
    claim: Claim,
    phases: list[PhaseJudgement],
    recovery: tuple[RecoveryJudgement, ...],
    modules: tuple[ModuleJudgement, ...],
    detected: DetectionJudgement | None,
) -> list[str]:
    kept = [one for one in phases if one.bound != "any"]
    found = [_of_phase(one) for one in ([one for one in kept if one.phase == "during"] or kept)[:MOST]]
    suffered = [one for one in recovery if one.took is not None]
    if suffered:
        slowest = max(suffered, key=lambda one: one.took or 0.0)
        found.append(f"{slowest.kpi} was {slowest.words}")
    if detected:
        found.append(f"alarm {detected.alarm} {detected.words}")
    judged = [one for one in modules if one.judged]
    if judged:
        which = f"{len(judged)} of {len(judged)} modules" if len(judged) > 1 else f"module {judged[0].module}"
        found.append(f"{which} stayed contained to within the {_margin(claim)}")
    return found


def _bound(claim: Claim, name: str) -> str:
    other = claim.during.get(name, claim.kpis[name].bound)
    return other.words if other else claim.kpis[name].bound.words


def _margin(claim: Claim) -> str:
    return f"margin of {points_in_words(claim.margin or 0.0)}"


def _more(count: int) -> str:
    return f", and {count} more" if count > 0 else ""
