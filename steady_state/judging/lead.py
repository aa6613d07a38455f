"""Graphs worth watching: did each technical KPI move before the business KPI, after it, or not at all?"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from gameday.steady_state.judging.edges import edges_of
from gameday.steady_state.judging.episode import Moment, find
from gameday.steady_state.judging.phases import LEAST_COVERAGE, LEAST_REQUESTS, coverage, within_bound
from gameday.steady_state.judging.phrases import time_in_words
from gameday.steady_state.kpi.claim import Claim, LeadJudgement, Move, Phases
from gameday.steady_state.kpi.kpi import Kpi, Tier
from gameday.steady_state.samples import Series, inside, tally, touching

SUSTAINED = 60.0
"""Seconds over which a gauge's share of time counts if no recovery is claimed (the default of `sustained`)."""


def judge_leads(claim: Claim, series: Mapping[str, Series], phases: Phases) -> tuple[LeadJudgement, ...]:
    """Judge each technical KPI against the business KPI that suffered first; empty without a business KPI.

    A KPI moves when it leaves its own bound between the injection and the end. The interval around the time between two
    moves holds with 1 − `false_verdict`, since each moment may be wrong with half of `false_verdict`.
    """
    if phases.injected is None or phases.end is None:
        return ()
    business = [name for name, kpi in claim.kpis.items() if kpi.tier is Tier.BUSINESS]
    watched = [name for name in business if name in claim.claimed] or business
    if not watched:
        return ()
    seen = {name: _moved(claim, claim.kpis[name], series.get(name, ()), phases) for name in claim.kpis}
    moved = [(moment.point, name) for name in watched if isinstance(moment := seen[name], Moment)]
    steady = [name for name in watched if seen[name] is None]
    first = min(moved)[1] if moved else steady[0] if steady else watched[0]
    suffered = seen[first] if moved or len(steady) == len(watched) else "unknown"
    return tuple(
        _judged(name, first, seen[name], suffered) for name, kpi in claim.kpis.items() if kpi.tier is not Tier.BUSINESS
    )


def _moved(claim: Claim, kpi: Kpi, bins: Series, phases: Phases) -> Moment | str | None:
    """Return when a KPI left its bound; None if the data prove that it stayed within; a text says why it is unknown."""
    start, end = phases.injected or 0.0, phases.end or 0.0
    before, during = inside(bins, *phases.before), inside(touching(bins, start, end), -inf, end)
    if not during:
        return "no data"
    if coverage(kpi, during, start, end) < LEAST_COVERAGE:
        return "too many gaps"
    if kpi.kind in ("ratio", "latency") and tally(during).total < LEAST_REQUESTS:
        return "too little traffic"
    if not edges_of(kpi, kpi.bound, before):
        return "no baseline"
    alpha = claim.false_verdict / 2
    sustained = claim.recovery.sustained if claim.recovery else SUSTAINED
    if episode := find(kpi, during, before, alpha, sustained):
        return episode.impact
    stayed = kpi.kind == "gauge" or within_bound(kpi, during, before, alpha)
    return None if stayed else "too close to its bound, or too little traffic"


def _judged(name: str, business: str, own: Moment | str | None, suffered: Moment | str | None) -> LeadJudgement:
    def judgement(move: Move, words: str) -> LeadJudgement:
        return LeadJudgement(name, business, move, None, None, None, words)

    if isinstance(own, str):
        return judgement(Move.UNKNOWN, f"{name} cannot be judged: {own}")
    if isinstance(suffered, str):
        return judgement(Move.UNKNOWN, f"{name} cannot be judged: it is unknown whether {business} suffered")
    if own is None:
        if suffered is None:
            return judgement(Move.QUIET, f"{name} stayed within its bound, and {business} did not suffer")
        return judgement(Move.MISSED, f"{name} stayed within its bound while {business} suffered")
    if suffered is None:
        return judgement(Move.CRIED_WOLF, f"{name} left its bound, but {business} did not suffer")
    return _both(name, business, own, suffered)


def _both(name: str, business: str, own: Moment, suffered: Moment) -> LeadJudgement:
    after = own.point - suffered.point
    low = own.low - (suffered.point if suffered.high is None else suffered.high)
    high = (own.point if own.high is None else own.high) - suffered.low
    if high < 0:
        between = f"between {time_in_words(-high)} and {time_in_words(-low)}"
        words, move = f"{name} moved {time_in_words(-after)} before {business} suffered ({between})", Move.LED
    elif low > 0:
        between = f"between {time_in_words(low)} and {time_in_words(high)}"
        words, move = f"{name} moved {time_in_words(after)} after {business} suffered ({between})", Move.LAGGED
    else:
        between = f"between {time_in_words(-low)} before and {time_in_words(high)} after"
        words, move = f"{name} moved with {business} ({between})", Move.TOGETHER
    return LeadJudgement(name, business, move, after, low, high, words)
