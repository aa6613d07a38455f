"""Each verdict in two plain sentences: what was claimed and seen, how sure that is, and what would make it surer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from gameday.steady_state.judging.phrases import points_in_words, time_in_words
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
from gameday.steady_state.kpi.units import show_duration

_WHEN = {"before": "before the fault", "during": "while the fault lasted", "after": "after the undo"}
_LONGER = {"before": "a longer baseline", "during": "a fault that lasts longer", "after": "a longer baseline"}

_TWICE = {
    "before": "a baseline about twice as long",
    "during": "a fault that lasts about twice as long",
    "after": "a baseline, and with it the time after, about twice as long",
}


@dataclass(frozen=True, slots=True)
class ExplainedVerdict:
    """One verdict, explained; each part is a clause without its full stop."""

    verdict: str  # held, broken, unknown; of a loss or a graph: what it is
    about: str
    claimed: str  # empty for what no claim is about: costs and graphs
    seen: str
    sure: str
    surer: str

    @property
    def told(self) -> str:
        """What was seen, and what was claimed where that does not say so itself."""
        says_so = not self.claimed or "claimed" in self.seen or "allowed" in self.seen
        return f"{self.about}: {self.seen}" if says_so else f"{self.about}: {self.seen} (claimed: {self.claimed})"

    @property
    def certainty(self) -> str:
        """How sure it is, and what would make it surer: a sentence."""
        return f"{_start(self.sure)}; {self.surer}."


@dataclass(frozen=True, slots=True)
class Explanation:
    """Verdicts that are alike and equally certain: a clause for each, and one sentence on how sure they are."""

    verdict: str
    told: tuple[str, ...]
    certainty: str

    @property
    def words(self) -> str:
        """All of it in two sentences."""
        return f"{_start('; '.join(self.told))}. {self.certainty}"


def together(findings: Iterable[ExplainedVerdict]) -> tuple[Explanation, ...]:
    """Findings with one verdict and one certainty side by side, in the order of the first of them."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in findings:
        found.setdefault((one.verdict, one.certainty), []).append(one.told)
    return tuple(Explanation(verdict, tuple(told), certainty) for (verdict, certainty), told in found.items())


def explain(
    claim: Claim, judged: Judgement, phases: Phases, false_abort: float | None = None
) -> tuple[ExplainedVerdict, ...]:
    """Every verdict of a judgement in the order of the report: claimed KPIs, recovery, alarm, modules, cost, graphs.

    `false_abort`: the guard's budget; where it ended the run, that comes first.
    """
    odds = claim.false_verdict
    claimed = [one for one in judged.phases if one.kpi in claim.claimed and one.bound != "any"]
    fewest = odds / (4 * max(1, len(claim.claimed)))
    return (
        *([_guard(phases.aborted, false_abort)] if false_abort and phases.abort == "guard" else []),
        *(_phase(one, odds, fewest, phases) for one in claimed),
        *(_recovery(one, claim, phases) for one in judged.recovery),
        *([_detection(judged.detection, claim)] if judged.detection else []),
        *(_module(one, claim, phases) for one in judged.modules),
        *(_loss(one, odds) for one in judged.losses),
        *(_lead(one, odds) for one in judged.leads),
    )


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]


def once_in(chance: float) -> str:
    """A chance as people say it: `1 time in 20`."""
    return f"1 time in {ceil(1 / max(chance, 1e-9) - 1e-6):,}"


def _guard(aborted: str | None, odds: float) -> ExplainedVerdict:
    seen = (aborted or "").partition(":")[2].strip()
    sure = f"the guard ends a run that stays within its bound at most {once_in(odds)}"
    return ExplainedVerdict("broken", "the guard", "no guarded KPI leaves the guard's bound", seen, sure, _AGAIN)


_AGAIN = "mend what it found and run it again: a second abort leaves no doubt"


def _to_its_end(phases: Phases) -> str:
    return "mend what the guard found, and run it again" if phases.abort == "guard" else "run it again to its end"


def _phase(one: PhaseJudgement, odds: float, fewest: float, phases: Phases) -> ExplainedVerdict:
    when, longer = _WHEN[one.phase], _LONGER[one.phase]
    reading = "readings" in one.seen
    if one.verdict is Verdict.UNKNOWN:
        sure = f"it is held or broken only where a mistake is rarer than {once_in(odds)}, and these data allow both"
        ended = phases.aborted is not None or "did not get there" in f"{one.why} {one.seen}"
        surer = _to_its_end(phases) if ended else _mend(one, longer)
        if ended:
            sure = (
                f"a verdict that is wrong at most {once_in(odds)} needs the whole time, of which only a part was seen"
            )
    elif reading or one.why == "the baseline itself":
        sure = "every reading counts as it is, so that nothing is estimated"
        surer = "a shorter period would read it more often"
    elif one.verdict is Verdict.HELD:
        sure = f"a KPI beyond its bound would look this good at most {once_in(odds)}"
        surer = f"{_TWICE[one.phase]} would make that {once_in(odds**2)}"
    else:
        sure = f"a KPI within its bound would look this bad at most {once_in(fewest)}"
        surer = f"a second run that breaks too would make that {once_in(fewest**2)}"
    return ExplainedVerdict(one.verdict.value, f"{one.kpi} {when}", one.bound, one.seen, sure, surer)


def _mend(one: PhaseJudgement, longer: str) -> str:
    """What to do about a phase that is unknown."""
    if one.why.startswith("needs about "):
        return f"{longer} would tell: it {one.why}, or that much more traffic"
    if one.why.startswith("data for only") or "no data" in (one.seen, one.why.removeprefix("the baseline has ")):
        return "mend its source: at least 80% of the time must have data"
    if one.why == "too close to tell":
        return "it stands at its bound, so either mend the workload or claim another bound"
    return f"it needs more traffic or {longer}"


def _recovery(one: RecoveryJudgement, claim: Claim, phases: Phases) -> ExplainedVerdict:
    wanted = claim.recovery
    about = f"recovery of {one.kpi}"
    if wanted is None:
        return ExplainedVerdict(
            one.verdict.value, about, "nothing", one.words, "it decides nothing", "claim a recovery"
        )
    claimed = (
        f"back within {show_duration(wanted.within)} from {wanted.since}, and for {show_duration(wanted.sustained)}"
    )
    sure = f"the true time lies outside such an interval at most {once_in(claim.false_verdict)}"
    surer = "more traffic, or a shorter period, would narrow it"
    if not one.degraded and one.verdict is Verdict.HELD:
        sure = f"a KPI that did suffer would look so well at most {once_in(claim.false_verdict)}"
        surer = "more traffic would show smaller dips"
    elif one.verdict is Verdict.UNKNOWN:
        sure = f"a verdict may be wrong at most {once_in(claim.false_verdict)}, and these data allow both"
        surer = _watch_longer(one, claim, phases)
    return ExplainedVerdict(one.verdict.value, about, claimed, one.words, sure, surer)


def _watch_longer(one: RecoveryJudgement, claim: Claim, phases: Phases) -> str:
    wanted = claim.recovery
    from_undo = wanted is not None and wanted.since == "undo"
    start, stop = (phases.undo, phases.end) if from_undo else (one.impact, phases.undo)
    if wanted is None or start is None or stop is None or not one.degraded:
        return "more traffic would tell, or a source without gaps"
    missing = wanted.within + wanted.sustained - (stop - start)
    what = "a longer observation" if from_undo else "a fault that lasts longer"
    if missing > 0:
        return f"{what} would tell: by about {time_in_words(missing)}"
    return "more traffic, or a shorter period, would narrow the interval until it lies on one side"


def _detection(one: DetectionJudgement, claim: Claim) -> ExplainedVerdict:
    within = claim.detection.within if claim.detection else 0.0
    surer = {
        Verdict.HELD: "a second run would show whether it is always so quick",
        Verdict.BROKEN: "a shorter period or fewer periods to alarm would make it quicker",
        Verdict.UNKNOWN: "a longer fault, and an alarm that can be read, would tell",
    }[one.verdict]
    sure = f"the moment it counts from lies outside its interval at most {once_in(claim.false_verdict)}"
    about = f"alarm {one.alarm}"
    return ExplainedVerdict(
        one.verdict.value, about, f"it fires within {show_duration(within)}", one.words, sure, surer
    )


def _module(one: ModuleJudgement, claim: Claim, phases: Phases) -> ExplainedVerdict:
    margin, odds = claim.margin or 0.0, claim.false_verdict
    state = {Verdict.HELD: "contained", Verdict.BROKEN: "spread", Verdict.UNKNOWN: "unknown"}[one.verdict]
    claimed = f"it changes by at most {points_in_words(margin)}"
    sure = {
        Verdict.HELD: f"a module that got worse by more would look so at most {once_in(odds)}",
        Verdict.BROKEN: f"any module that did not would be called spread at most {once_in(odds)}",
        Verdict.UNKNOWN: f"a verdict may be wrong at most {once_in(odds)}, and these data allow both",
    }[one.verdict]
    surer = "more traffic, and a longer baseline, would show smaller changes"
    if not one.judged:
        surer = "give it a KPI"
    elif one.verdict is Verdict.UNKNOWN and phases.aborted is not None:
        surer = _to_its_end(phases)
    elif one.verdict is Verdict.UNKNOWN and one.detectable is not None and margin and one.detectable > margin:
        # What can be seen shrinks with the root of the traffic.
        times = min(1000, max(2, ceil(((one.detectable - margin) / margin) ** 2)))
        surer = f"about {times} times the traffic, or a baseline and a fault so many times as long, would tell"
    return ExplainedVerdict(state, f"module {one.module}", claimed, one.seen, sure, surer)


def _loss(one: LossJudgement, odds: float) -> ExplainedVerdict:
    about, claimed = f"cost in {one.kpi}", ""
    if one.lost is None or one.low is None or one.high is None:
        sure = f"a loss is told only where its interval misses the truth at most {once_in(odds)}"
        return ExplainedVerdict(
            "unknown", about, claimed, one.words, sure, "data and traffic, before and after, would tell"
        )
    state = "lost" if one.low > 0 else "none proven"
    sure = f"the true loss lies outside that interval at most {once_in(odds)}, if all else would have been as before"
    return ExplainedVerdict(
        state, about, claimed, one.words, sure, "a longer baseline narrows it, most of all up to 1h"
    )


def _lead(one: LeadJudgement, odds: float) -> ExplainedVerdict:
    about, claimed = f"graph {one.kpi}", ""
    sure = f"the order of two moves is told where it is wrong at most {once_in(odds)}"
    surer = {
        Move.MISSED: "watch another graph, or give it a tighter bound",
        Move.CRIED_WOLF: "give it a looser bound, or claim a business KPI that shows what it saw",
        Move.QUIET: "a fault that hurts more would tell whether it is worth watching",
        Move.UNKNOWN: "more traffic and a source without gaps would tell",
    }.get(one.move, "a shorter period would place both moves more narrowly")
    return ExplainedVerdict(one.move.value, about, claimed, one.words.removeprefix(f"{one.kpi} "), sure, surer)
