"""The verdict in plain sentences: the claim and what was seen, with numbers."""

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
"""The findings in full; the others are only counted."""

NAMED = 6
"""The most names of the others."""

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
    """Write the verdict. `early`: why the run did not test the claim to its end; then that reason is the sentence."""
    return _verdict(claim, verdict, early, phases, recovery, modules, detected) + _cost(claim, losses)


def _cost(claim: Claim, losses: tuple[LossJudgement, ...]) -> str:
    """Write what customers certainly lost, by the claimed business KPIs."""
    business = (loss for loss in losses if loss.kpi in claim.claimed and claim.kpis[loss.kpi].tier is Tier.BUSINESS)
    words = [loss.words for loss in business if loss.low is not None and loss.low > 0]
    text = "; ".join(words[:MOST]) + _more(len(words) - MOST)
    return f" {text[0].upper()}{text[1:]}." if text else ""


def _verdict(
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
        return f"{verdict.value.capitalize()}: {early}. Claim: {claimed}{_more(len(claim.claimed) - MOST)}."
    if verdict is Verdict.HELD:
        return f"Held: {'; '.join(_good(claim, counted, recovery, modules, detected))}."
    findings = [
        *((phase.kpi, _of_phase(phase)) for phase in counted if phase.verdict is verdict),
        *((kpi.kpi, _of_recovery(kpi)) for kpi in recovery if kpi.verdict is verdict),
        *(
            [("its alarm", f"alarm {detected.alarm} {detected.words}")]
            if detected and detected.verdict is verdict
            else []
        ),
        *(
            (module.module, f"{module.module}: {module.seen}")
            for module in modules
            if module.verdict is verdict and module.judged
        ),
    ]
    if not findings:
        return (
            f"{verdict.value.capitalize()}: no contained module has a KPI, so nothing can judge the {_margin(claim)}."
        )
    texts, others = "; ".join(text for _, text in findings[:MOST]), [name for name, _ in findings[MOST:]]
    names = list(dict.fromkeys(others))
    return f"{verdict.value.capitalize()}: {texts}{_more(len(others))}{_named(names)}."


def _in_order(claim: Claim, phases: tuple[PhaseJudgement, ...]) -> list[PhaseJudgement]:
    """Sort the claimed KPIs: the fault's time first, and business before technical."""
    counted = [phase for phase in phases if phase.kpi in claim.claimed]
    return sorted(
        counted, key=lambda phase: (list(_WHEN).index(phase.phase), claim.kpis[phase.kpi].tier is not Tier.BUSINESS)
    )


def _of_phase(phase: PhaseJudgement) -> str:
    return f"{phase.kpi} {_WHEN[phase.phase]}: {phase.seen} (claimed: {phase.bound})"


def _of_recovery(recovery: RecoveryJudgement) -> str:
    # Without a fall, the words name an obstacle, such as "no data to judge recovery".
    return (
        f"{recovery.kpi} was {recovery.words}" if recovery.degraded else f"recovery of {recovery.kpi}: {recovery.words}"
    )


def _good(
    claim: Claim,
    phases: list[PhaseJudgement],
    recovery: tuple[RecoveryJudgement, ...],
    modules: tuple[ModuleJudgement, ...],
    detected: DetectionJudgement | None,
) -> list[str]:
    kept = [phase for phase in phases if phase.bound != "any"]
    findings = [_of_phase(phase) for phase in ([phase for phase in kept if phase.phase == "during"] or kept)[:MOST]]
    suffered = [kpi for kpi in recovery if kpi.took is not None]
    if suffered:
        slowest = max(suffered, key=lambda kpi: kpi.took or 0.0)
        findings.append(_of_recovery(slowest))
    if detected:
        findings.append(f"alarm {detected.alarm} {detected.words}")
    judged = [module for module in modules if module.judged]
    if judged:
        which = f"{len(judged)} of {len(judged)} modules" if len(judged) > 1 else f"module {judged[0].module}"
        findings.append(f"{which} stayed within the {_margin(claim)}")
    return findings


def _bound(claim: Claim, name: str) -> str:
    other = claim.during.get(name, claim.kpis[name].bound)
    return other.words if other else claim.kpis[name].bound.words


def _margin(claim: Claim) -> str:
    return f"margin of {points_in_words(claim.margin or 0.0)}"


def _more(count: int) -> str:
    return f", and {count} more" if count > 0 else ""


def _named(names: list[str]) -> str:
    """Name the KPIs and modules of the findings that are only counted."""
    return f" ({', '.join(names[:NAMED])}{', …' if len(names) > NAMED else ''})" if names else ""
