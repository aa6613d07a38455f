"""Recovery claims: was a KPI back within its time, and did it stay there?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from gameday.steady_state.judging.edges import edges_of
from gameday.steady_state.judging.episode import Episode, episodes
from gameday.steady_state.judging.phases import LEAST_COVERAGE, LEAST_REQUESTS, coverage, within_bound
from gameday.steady_state.judging.phrases import time_in_words
from gameday.steady_state.kpi.claim import Phases, Recovery, RecoveryJudgement, Verdict, worst
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.units import exact_duration
from gameday.steady_state.samples import CLOSE, Series, inside, tally, touching


def judge_recovery(
    name: str, kpi: Kpi, series: Series, phases: Phases, claim: Recovery, alpha: float
) -> RecoveryJudgement:
    """Judge whether a KPI was back within its time and stayed there for as long as claimed.

    From impact, only data from before the undo count; from undo, all data until the end. A KPI is back at the first
    instant from which it holds for as long as claimed. A later fall is another episode. It counts from its own impact,
    as does harm that begins after the undo. The longest episode gives the sentence; the words name the others.
    Where faults are in order, the time counts anew from each injection, only data from before any undo count, and the
    worst of these stretches decides.

    held: the whole interval around the time lies within the claim, for each episode. broken: none of it does, for one.
    Otherwise unknown.
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
    if found := tuple(episodes(kpi, bins, before, alpha, claim.sustained)):
        return _of_episodes(name, found, claim, undo, stop)
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


def _of_episodes(name: str, found: tuple[Episode, ...], claim: Recovery, undo: float, stop: float) -> RecoveryJudgement:
    zero = undo if claim.since == "undo" else found[0].impact.point
    starts = [_start(claim, episode, undo, first=episode is found[0]) for episode in found]
    ends = [*[inf] * (len(found) - 1), stop]  # that a KPI holds is proven before it can fall again
    rows = [
        _in_time(name, episode, claim, start, end, claim.since if start == zero else "it fell")
        for episode, start, end in zip(found, starts, ends, strict=True)
    ]
    longest = max(range(len(rows)), key=lambda index: inf if rows[index].took is None else rows[index].took or 0.0)
    others = [episode for index, episode in enumerate(found) if index != longest]
    first = [] if starts[longest] == zero else [_began(claim, found[longest], zero)]
    again = [_also_fell(claim, episode, zero) for episode in others[:MOST]]
    more = [f"and {len(others) - MOST} times more"] if len(others) > MOST else []
    worst_of = worst([row.verdict for row in rows])
    return replace(
        rows[longest], verdict=worst_of, words="".join(first) + "; ".join([rows[longest].words, *again, *more])
    )


MOST = 2
"""The later falls in full; the others are only counted."""


def _start(claim: Recovery, episode: Episode, undo: float, *, first: bool) -> float:
    """Return the instant from which an episode's recovery counts."""
    after_undo = claim.since == "undo" and episode.impact.low > undo
    return undo if claim.since == "undo" and first and not after_undo else episode.impact.point


def _began(claim: Recovery, episode: Episode, zero: float) -> str:
    return f"well until {time_in_words(episode.impact.point - zero)} after {claim.since}, then fell: "


def _also_fell(claim: Recovery, episode: Episode, zero: float) -> str:
    after, lasted = episode.impact.point - zero, episode.back.point - episode.impact.point
    when = f"{time_in_words(after)} after" if after > 0 else "before" if after < 0 else "at"
    lasting = f"for {time_in_words(lasted)}" if episode.back.high is not None else "and is not proven to be back"
    return f"it also fell {when} {claim.since}, {lasting}"


def _in_time(name: str, episode: Episode, claim: Recovery, start: float, stop: float, since: str) -> RecoveryJudgement:
    """Judge one episode, whose time counts from `start`: its own impact, or the undo."""
    impact, back = episode.impact, episode.back
    own = start == impact.point
    low = max(0.0, back.low - ((impact.high or impact.point) if own else start))
    high = None if back.high is None else max(0.0, back.high - (impact.low if own else start))
    took = max(0.0, back.point - start)
    rest = stop - max(back.point, start)
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
        words=_words(claim, since, took, low, high, rest, stop - start),
    )


def _words(
    claim: Recovery, since: str, took: float, low: float, high: float | None, rest: float, watched: float
) -> str:
    claimed = exact_duration(claim.within)
    if high is None:
        proven = "not back" if low > claim.within else "not proven to be back"
        return f"{proven} {time_in_words(watched)} after {since} (claimed: {claimed})"
    back = f"back {time_in_words(took)} after {since} (between {time_in_words(low)} and {time_in_words(high)}"
    if low <= claim.within and rest < claim.sustained - CLOSE:
        wanted = f"{exact_duration(claim.sustained)} was claimed"
        return f"{back}), but the run watched it for only {time_in_words(rest)} after that; {wanted}"
    return f"{back}; claimed: {claimed})"
