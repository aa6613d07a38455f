"""Each verdict in plain sentences: what was claimed and seen, how certain that is, and what would settle it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from gameday.steady_state.judging.phrases import TOO_CLOSE, points_in_words, time_in_words
from gameday.steady_state.kpi.claim import (
    Claim,
    DetectionJudgement,
    Judgement,
    LeadJudgement,
    LossJudgement,
    ModuleJudgement,
    Move,
    PhaseJudgement,
    Phases,
    RecoveryJudgement,
    Verdict,
)
from gameday.steady_state.kpi.units import exact_duration

_WHEN = {"before": "before the fault", "during": "while the fault lasted", "after": "after the undo"}
_LONGER = {"before": "a longer baseline", "during": "a fault that lasts longer", "after": "a longer baseline"}

_RAREST = 1e-4
"""A smaller chance is written as this one."""

_STEP = 0.05
"""The smallest loss of traffic that would show is rounded up to these steps, so that equal KPIs share a sentence."""


@dataclass(frozen=True, slots=True)
class ExplainedVerdict:
    """A verdict, explained; each part is a clause without its full stop."""

    verdict: str  # held, broken, unknown; for a loss or a graph: its own state, such as "lost" or "led"
    about: str
    claimed: str  # empty for costs and graphs, which no claim covers
    seen: str
    odds: str  # how often such a verdict is wrong
    remedy: str  # what would make it more certain

    @property
    def statement(self) -> str:
        """What was seen, with the claim unless `seen` already names it."""
        names_claim = not self.claimed or "claimed" in self.seen or "allowed" in self.seen
        return f"{self.about}: {self.seen}" if names_claim else f"{self.about}: {self.seen} (claimed: {self.claimed})"

    @property
    def certainty(self) -> str:
        """How certain it is, and what would make it more certain: two sentences."""
        return f"{_start(self.odds)}. {_start(self.remedy)}."


NAMED = 12
"""The most clauses that one sentence holds."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Equal verdicts with equal certainty: a clause for each, and their certainty once."""

    verdict: str
    statements: tuple[str, ...]
    certainty: str

    @property
    def words(self) -> str:
        """The first clauses in a sentence, and how many more there are, then the certainty."""
        more = len(self.statements) - NAMED
        clauses = "; ".join(self.statements[:NAMED]) + (f"; and {more} more" if more > 0 else "")
        return f"{_start(clauses)}. {self.certainty}"


def together(findings: Iterable[ExplainedVerdict]) -> tuple[Explanation, ...]:
    """Group findings with the same verdict and certainty, in the order of the first finding of each group."""
    groups: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        groups.setdefault((finding.verdict, finding.certainty), []).append(finding.statement)
    return tuple(
        Explanation(verdict, tuple(statements), certainty) for (verdict, certainty), statements in groups.items()
    )


def explain(
    claim: Claim, judged: Judgement, phases: Phases, false_abort: float | None = None
) -> tuple[ExplainedVerdict, ...]:
    """Explain every verdict of a judgement in the order of the report: claimed KPIs, recovery, alarm, modules, cost,
    graphs.

    `false_abort`: the guard's budget. If the guard ended the run, its abort comes first.
    """
    odds = claim.false_verdict
    claimed = [phase for phase in judged.phases if phase.kpi in claim.claimed and phase.bound != "any"]
    return (
        *([_guard(phases.aborted, false_abort)] if false_abort and phases.abort == "guard" else []),
        *(_phase(phase, claim, phases, _hidden(claimed, phase.phase)) for phase in claimed),
        *(_recovery(recovery, claim, phases) for recovery in judged.recovery),
        *([_detection(judged.detection, claim)] if judged.detection else []),
        *(_module(module, claim, phases) for module in judged.modules),
        *(_loss(loss, odds) for loss in judged.losses),
        *(_lead(lead, odds) for lead in judged.leads),
    )


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]


def once_in(chance: float) -> str:
    """Write a chance in words: `1 time in 20`."""
    return f"1 time in {ceil(1 / max(chance, 1e-9) - 1e-6):,}"


def _seldom(chance: float | None, odds: float) -> str:
    """Write the chance of what was seen; a record of an earlier version knows only the odds that were accepted."""
    if chance is None:
        return f"at most {once_in(odds)}"
    return f"less than {once_in(_RAREST)}" if chance < _RAREST else f"about {once_in(chance)}"


def _guard(aborted: str | None, odds: float) -> ExplainedVerdict:
    seen = (aborted or "").partition(":")[2].strip()
    certainty = f"the guard aborts a run that stays within its bound at most {once_in(odds)}"
    return ExplainedVerdict("broken", "the guard", "no guarded KPI leaves the guard's bound", seen, certainty, _AGAIN)


_AGAIN = "fix what the guard found, then run again: a second abort leaves no doubt"
_AMBIGUOUS = "Gameday accepts a wrong verdict at most {}, and these data allow both verdicts"


def _to_its_end(phases: Phases) -> str:
    return "fix what the guard found, then run again" if phases.abort == "guard" else "run again, to the end"


def _phase(judged: PhaseJudgement, claim: Claim, phases: Phases, hidden: str) -> ExplainedVerdict:
    odds, kind = claim.false_verdict, claim.kpis[judged.kpi].kind
    when, longer = _WHEN[judged.phase], _LONGER[judged.phase]
    if judged.verdict is Verdict.UNKNOWN:
        certainty = _AMBIGUOUS.format(once_in(odds))
        ended = phases.aborted is not None or "did not get there" in f"{judged.why} {judged.seen}"
        remedy = _to_its_end(phases) if ended else _mend(judged, longer)
        if ended:
            certainty = f"a verdict that is wrong at most {once_in(odds)} needs the whole phase; the run saw part of it"
    elif judged.why == "the baseline itself":
        certainty, remedy = (
            "the baseline is compared with itself, so nothing is estimated",
            "no other run would change that",
        )
    elif judged.chance is None and kind == "gauge":
        certainty = "it kept clear of its limit in all readings, and moved too little to cross it"
        remedy = "a shorter period would give more readings"
    elif judged.verdict is Verdict.HELD:
        unseen = hidden if judged.visible is not None else ""
        certainty = f"a KPI at its bound would look this good {_seldom(judged.chance, odds)}{unseen}"
        remedy = f"{longer} would prove a tighter bound"
    else:
        certainty = f"a KPI at its bound would look this bad {_seldom(judged.chance, odds)}"
        remedy = "a second run would show whether it breaks again"
    return ExplainedVerdict(judged.verdict.value, f"{judged.kpi} {when}", judged.bound, judged.seen, certainty, remedy)


def _hidden(claimed: list[PhaseJudgement], phase: str) -> str:
    """Say how many requests may be lost on their way unseen, for the KPI that may lose most."""
    visible = [judged.visible for judged in claimed if judged.phase == phase and judged.visible is not None]
    share = min(1.0, ceil(max(visible, default=0.0) / _STEP - 1e-9) * _STEP)
    return f"; if less than {share * 100:.0f}% of the requests never arrived, it would not show"


def _mend(phase: PhaseJudgement, longer: str) -> str:
    """Say what to do about an unknown phase."""
    if phase.why.startswith("needs about "):
        return f"{longer} would settle it: it {phase.why}, or that much more traffic"
    if phase.why.startswith("data for only") or "no data" in (phase.seen, phase.why.removeprefix("the baseline has ")):
        return "fix its source: at least 80% of the time must have data"
    if "never arrived" in phase.why or phase.why.startswith("no request"):
        return "find out where the requests were lost: an outage in front of the workload looks like this"
    if "independent" in phase.why:
        return f"{longer}, or a claim on the requests behind the gauge, would settle it"
    if phase.why == TOO_CLOSE:
        return "it lies at its bound, so improve the workload or claim another bound"
    return f"it needs more traffic or {longer}"


def _recovery(judged: RecoveryJudgement, claim: Claim, phases: Phases) -> ExplainedVerdict:
    wanted = claim.recovery
    about = f"recovery of {judged.kpi}"
    if wanted is None:
        return ExplainedVerdict(
            judged.verdict.value, about, "nothing", judged.words, "it decides nothing", "claim a recovery"
        )
    sustained = exact_duration(wanted.sustained)
    claimed = f"back within {exact_duration(wanted.within)} of {wanted.since}, and steady for {sustained}"
    certainty = f"the true time lies outside this interval at most {once_in(claim.false_verdict)}"
    remedy = "more traffic, or a shorter period, would narrow the interval"
    if not judged.degraded and judged.verdict is Verdict.HELD:
        certainty = f"a KPI that suffered would look this good at most {once_in(claim.false_verdict)}"
        remedy = "more traffic would show smaller dips"
    elif judged.verdict is Verdict.UNKNOWN:
        certainty = _AMBIGUOUS.format(once_in(claim.false_verdict))
        remedy = _watch_longer(judged, claim, phases)
    return ExplainedVerdict(judged.verdict.value, about, claimed, judged.words, certainty, remedy)


def _watch_longer(judged: RecoveryJudgement, claim: Claim, phases: Phases) -> str:
    wanted = claim.recovery
    from_undo = wanted is not None and wanted.since == "undo"
    start, stop = (phases.undo, phases.end) if from_undo else (judged.impact, phases.undo_after(judged.impact))
    if wanted is None or start is None or stop is None or not judged.degraded:
        return "more traffic, or a source without gaps, would settle it"
    missing = wanted.within + wanted.sustained - (stop - start)
    what = "an observation" if from_undo else "a fault"
    if missing > 0:
        return f"{what} that lasts about {time_in_words(missing)} longer would settle it"
    return "more traffic, or a shorter period, would narrow the interval until it lies on one side of the claim"


def _detection(judged: DetectionJudgement, claim: Claim) -> ExplainedVerdict:
    within = claim.detection.within if claim.detection else 0.0
    remedy = {
        Verdict.HELD: "a second run would show whether it always fires this fast",
        Verdict.BROKEN: "a shorter period, or fewer periods to alarm, would make it faster",
        Verdict.UNKNOWN: "a longer fault, and an alarm that Gameday can read, would settle it",
    }[judged.verdict]
    certainty = f"the true start of its time lies outside the assumed interval at most {once_in(claim.false_verdict)}"
    about = f"alarm {judged.alarm}"
    return ExplainedVerdict(
        judged.verdict.value, about, f"it fires within {exact_duration(within)}", judged.words, certainty, remedy
    )


def _module(judged: ModuleJudgement, claim: Claim, phases: Phases) -> ExplainedVerdict:
    margin, odds = claim.margin or 0.0, claim.false_verdict
    state = {Verdict.HELD: "contained", Verdict.BROKEN: "spread", Verdict.UNKNOWN: "unknown"}[judged.verdict]
    claimed = f"it gets worse by at most {points_in_words(margin)}"
    certainty = {
        Verdict.HELD: f"a module that got worse by more would look like this at most {once_in(odds)}",
        Verdict.BROKEN: f"Gameday calls a contained module spread by mistake at most {once_in(odds)}",
        Verdict.UNKNOWN: _AMBIGUOUS.format(once_in(odds)),
    }[judged.verdict]
    remedy = "more traffic, and a longer baseline, would show smaller changes"
    if not judged.judged:
        remedy = "give it a KPI"
    elif judged.verdict is Verdict.UNKNOWN and phases.aborted is not None:
        remedy = _to_its_end(phases)
    elif judged.verdict is Verdict.UNKNOWN and judged.detectable is not None and margin and judged.detectable > margin:
        # The smallest visible change shrinks with the root of the traffic.
        times = min(1000, max(2, ceil(((judged.detectable - margin) / margin) ** 2)))
        remedy = f"about {times} times the traffic, or a baseline and a fault {times} times as long, would settle it"
    return ExplainedVerdict(state, f"module {judged.module}", claimed, judged.seen, certainty, remedy)


def _loss(judged: LossJudgement, odds: float) -> ExplainedVerdict:
    about, claimed = f"cost in {judged.kpi}", ""
    if judged.lost is None or judged.low is None or judged.high is None:
        certainty = f"Gameday reports a loss only if its interval misses the truth at most {once_in(odds)}"
        return ExplainedVerdict(
            "unknown",
            about,
            claimed,
            judged.words,
            certainty,
            "data and traffic before and after the injection would settle it",
        )
    state = "lost" if judged.low > 0 else "none proven"
    certainty = f"the true loss lies outside that interval at most {once_in(odds)}, if nothing but the fault changed"
    return ExplainedVerdict(
        state, about, claimed, judged.words, certainty, "a longer baseline narrows it, most of all up to 1h"
    )


def _lead(judged: LeadJudgement, odds: float) -> ExplainedVerdict:
    about, claimed = f"graph {judged.kpi}", ""
    certainty = f"Gameday reports an order of two moves only if it is wrong at most {once_in(odds)}"
    remedy = {
        Move.MISSED: "watch another graph, or give it a tighter bound",
        Move.CRIED_WOLF: "give it a looser bound, or claim a business KPI that shows what it saw",
        Move.QUIET: "a fault that hurts more would show whether it is worth watching",
        Move.UNKNOWN: "more traffic, and a source without gaps, would settle it",
    }.get(judged.move, "a shorter period would time both moves more precisely")
    return ExplainedVerdict(
        judged.move.value, about, claimed, judged.words.removeprefix(f"{judged.kpi} "), certainty, remedy
    )
