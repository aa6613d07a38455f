"""Recovery claims: was a KPI back within its time, and did it stay there?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from gameday.steady_state.judging.edges import edges_of
from gameday.steady_state.judging.episode import Episode, find
from gameday.steady_state.judging.phases import LEAST_COVERAGE, LEAST_REQUESTS, coverage, within_bound
from gameday.steady_state.judging.phrases import time_in_words
from gameday.steady_state.kpi.claim import Phases, Recovery, RecoveryJudgement, Verdict
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.units import exact_duration
from gameday.steady_state.samples import CLOSE, Series, inside, tally, touching


def judge_recovery(
    name: str, kpi: Kpi, series: Series, phases: Phases, claim: Recovery, alpha: float
) -> RecoveryJudgement:
    """Judge whether a KPI was back within its time and stayed there for as long as claimed.

    From impact, only data from before the undo count; from undo, all data until the end. Recovered means for good: a
    KPI that falls again is back when it is back from its last fall. Where faults are in order, the time counts anew
    from each injection, only data from before any undo count, and the worst of these stretches decides.

    held: the whole interval around the time lies within the claim. broken: none of it does. Otherwise unknown.
    `alpha`: the chance that an interval misses the truth.
    """
    start = phases.injected if phases.injected is not None else phases.before[1]
    undo = phases.undo if phases.undo is not None else phases.end
    if undo is None or phases.end is None:
        return _unknown(name, "the run did not get there")
    if claim.since == "undo":
        return _judge_stretch(name, kpi, series, phases, claim, alpha, (start, phases.end))
    found = stretches(phases, start, undo)
    judged = [
        (each, _judge_stretch(name, kpi, series, phases, claim, alpha / len(found), (each.start, each.end)))
        for each in found
    ]
    counted = [row for each, row in judged if each.ends_in_undo or row.verdict is Verdict.BROKEN]
    order = list(Verdict)
    return max(counted, key=lambda row: (order.index(row.verdict), row.degraded, row.took or 0.0))


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time from an injection until the next injection or undo."""

    start: float
    end: float
    ends_in_undo: bool


def stretches(phases: Phases, start: float, undo: float) -> tuple[Stretch, ...]:
    """Return the time after each injection in which Gameday changed nothing; the last one ends in an undo.

    A later fault delays the recovery from an earlier one: a stretch that it ends can break a claim, but not prove it.
    """
    begins = sorted({start, *(each.injected for each in phases.faults if each.injected is not None)})
    undos = {undo, *(each.undo for each in phases.faults if each.undo is not None)}
    found = []
    for begin in begins:
        end = min((at for at in undos if at > begin), default=undo)
        following = min((at for at in begins if at > begin), default=end)
        found.append(Stretch(begin, min(end, following), end <= following))
    return tuple(found)


def _judge_stretch(
    name: str, kpi: Kpi, series: Series, phases: Phases, claim: Recovery, alpha: float, span: tuple[float, float]
) -> RecoveryJudgement:
    start, stop = span
    undo = phases.undo if phases.undo is not None else stop
    bins = inside(touching(series, start, stop), -inf, stop)
    before = inside(series, *phases.before)
    if why := _unseen(kpi, bins, before, start, stop):
        return _unknown(name, why)
    episode = find(kpi, bins, before, alpha, claim.sustained)
    if episode is not None:
        return _in_time(name, episode, claim, undo, stop)
    if kpi.kind == "gauge" or within_bound(kpi, bins, before, alpha):
        return replace(_unknown(name, "did not suffer"), verdict=Verdict.HELD)
    return _unknown(name, "too little traffic, or too close to its bound, to tell whether it suffered")


def _unseen(kpi: Kpi, bins: Series, before: Series, start: float, stop: float) -> str | None:
    """Return why no recovery can be judged; None: it can."""
    if not bins:
        return "no data to judge recovery"
    traffic = tally(bins).total
    if kpi.kind in ("ratio", "latency") and traffic < LEAST_REQUESTS:
        return f"{'too little' if traffic else 'no'} traffic to judge recovery"
    if coverage(kpi, bins, start, stop) < LEAST_COVERAGE:
        return "too many gaps to judge recovery"
    return None if edges_of(kpi, kpi.bound, before) else "no baseline to compare with"


def _unknown(name: str, words: str) -> RecoveryJudgement:
    return RecoveryJudgement(
        name,
        Verdict.UNKNOWN,
        degraded=False,
        impact=None,
        recovered=None,
        took=None,
        low=None,
        high=None,
        censored=False,
        words=words,
    )


def _in_time(name: str, episode: Episode, claim: Recovery, undo: float, stop: float) -> RecoveryJudgement:
    impact, back = episode.impact, episode.back
    from_undo = claim.since == "undo"
    low = max(0.0, back.low - (undo if from_undo else impact.high or impact.point))
    high = None if back.high is None else max(0.0, back.high - (undo if from_undo else impact.low))
    took = max(0.0, back.point - (undo if from_undo else impact.point))
    rest = stop - max(back.point, undo if from_undo else back.point)
    if low > claim.within + CLOSE:
        verdict = Verdict.BROKEN
    elif high is None or rest < claim.sustained - CLOSE or high > claim.within + CLOSE:
        verdict = Verdict.UNKNOWN
    else:
        verdict = Verdict.HELD
    return RecoveryJudgement(
        name,
        verdict,
        degraded=True,
        impact=impact.point,
        recovered=None if high is None else back.point,
        took=None if high is None else took,
        low=low,
        high=high,
        censored=high is None,
        words=_words(claim, took, low, high, rest, stop - (undo if from_undo else impact.point)),
    )


def _words(claim: Recovery, took: float, low: float, high: float | None, rest: float, watched: float) -> str:
    claimed = exact_duration(claim.within)
    if high is None:
        proven = "not back" if low > claim.within else "not proven to be back"
        return f"{proven} {time_in_words(watched)} after {claim.since} (claimed: {claimed})"
    back = f"back {time_in_words(took)} after {claim.since} (between {time_in_words(low)} and {time_in_words(high)}"
    if low <= claim.within and rest < claim.sustained - CLOSE:
        wanted = f"{exact_duration(claim.sustained)} was claimed"
        return f"{back}), but the run watched it for only {time_in_words(rest)} after that; {wanted}"
    return f"{back}; claimed: {claimed})"
