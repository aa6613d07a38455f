"""Each KPI in each phase against its bound: held, broken or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, log, log1p, sqrt

from gameday.steady_state.judging.baseline import inflation
from gameday.steady_state.judging.compare import Tails, beyond, rate_tails, rates_tails, score, share_tails
from gameday.steady_state.judging.edges import Edge, count, edges_of, events, excess, is_share, limit_of, scored
from gameday.steady_state.judging.phrases import needs_in_words, seen_in_words
from gameday.steady_state.kpi.claim import Claim, PhaseJudgement, Phases, RecoveryJudgement, Verdict
from gameday.steady_state.kpi.kpi import Bound, Kpi
from gameday.steady_state.kpi.units import show_share
from gameday.steady_state.samples import Series, Tally, inside, tally, touching

LEAST_COVERAGE = 0.8
"""The share of a phase that must have data: anything could have happened in a larger gap."""

LEAST_READINGS = 3
"""The fewest readings of a gauge that show anything about a share of time."""

LEAST_REQUESTS = 10
"""The fewest requests that show anything about a share, whether they succeeded or failed."""


@dataclass(frozen=True)
class PhaseBins:
    """The bins of a KPI in a phase, and its bins in the baseline for comparison."""

    name: str
    kpi: Kpi
    phase: str
    span: tuple[float, float] | None  # None: the run did not get there
    bins: Series
    before: Series


def seen_in(
    claim: Claim, series: Mapping[str, Series], phases: Phases, recoveries: Mapping[str, RecoveryJudgement]
) -> tuple[PhaseBins, ...]:
    """Return the bins of each KPI in each phase.

    - Before: the baseline.
    - During: from the injection or from the effect, whichever looks worse, to the undo; where faults are in order, the
      interval of one fault if that looks worse still. Bins that only begin or end in
      this phase count too, so that nothing of the fault is missing.
    - After: from the verified undo to the end. If the KPI had to recover from undo, from its recovery on.
    """
    pairs = []
    for name, kpi in claim.kpis.items():
        bins = series.get(name, ())
        before = inside(bins, *phases.before)
        during = _during(phases, kpi, bins, before)
        after = _after(phases, claim, recoveries.get(name))
        pairs += [
            PhaseBins(name, kpi, "before", phases.before, before, before),
            PhaseBins(name, kpi, "during", during, touching(bins, *during) if during else (), before),
            PhaseBins(name, kpi, "after", after, inside(bins, *after) if after else (), before),
        ]
    return tuple(pairs)


def _during(phases: Phases, kpi: Kpi, bins: Series, before: Series) -> tuple[float, float] | None:
    stop = phases.undo if phases.undo is not None else phases.end
    if phases.took_effect is None or stop is None:
        return None
    return max(during_spans(phases, stop), key=lambda span: _harm(kpi, touching(bins, *span), before))


def during_spans(phases: Phases, stop: float) -> tuple[tuple[float, float], ...]:
    """Return the stretches of the fault: the one that looks worst counts, so that none hides harm.

    Gameday reads an effect late (health checks take time), and customers suffer before it; a fault may also do nothing
    until it takes effect. Faults in order: the interval of each, too, since the whole time dilutes the harm of a part.
    """
    intervals = [(phases.took_effect, phases.injected, stop)]
    intervals += [(each.took_effect, each.injected, each.undo or stop) for each in phases.faults]
    return tuple((start, end) for *starts, end in intervals for start in starts if start is not None and start < end)


def chances(phases: Phases) -> int:
    """Return how often a KPI may look broken: before, after, and in each stretch that `during_spans` can return."""
    return 4 + 2 * len(phases.faults)


def _harm(kpi: Kpi, bins: Series, before: Series) -> float:
    """Return how far a stretch lies beyond the KPI's bound: as a share, or in events per second."""
    x, y = (
        (sum(part) for part in zip(*(count(kpi, kpi.bound, sample) for sample in bins), strict=True))
        if bins
        else (0.0, 0.0)
    )
    size = x + y if is_share(kpi, kpi.bound) else y
    return max((excess(edge, x, y) / size for edge in edges_of(kpi, kpi.bound, before)), default=0.0) if size else 0.0


def _after(phases: Phases, claim: Claim, recovery: RecoveryJudgement | None) -> tuple[float, float] | None:
    if phases.undone is None or phases.end is None:
        return None
    if claim.recovery is None or claim.recovery.since != "undo" or phases.undo is None:
        return phases.undone, phases.end
    suffered = recovery is not None and (recovery.degraded or recovery.verdict is Verdict.UNKNOWN)
    due = phases.undo + claim.recovery.within if suffered else phases.undone
    back = due if recovery is None or recovery.recovered is None else min(due, recovery.recovered)
    start = max(phases.undone, back)
    return (start, phases.end) if start < phases.end else None


@dataclass(frozen=True, slots=True)
class Error:
    """The accepted chances of a wrong verdict for a KPI in a phase."""

    held: float
    broken: float


def judge_phase(seen: PhaseBins, bound: Bound | None, error: Error) -> PhaseJudgement:
    """Judge a KPI in a phase. `bound` None: everything is held, even without data.

    held: a truth beyond the bound would look this good with a chance of at most `error.held`.
    broken: a truth within it would look this bad with a chance of at most `error.broken`.
    A gauge is read, not sampled, so its share of readings in range counts as it is.
    """
    words = bound.words if bound else "any"
    bins = scored(seen.kpi, bound or seen.kpi.bound, seen.bins)
    numbers, totals = seen_in_words(seen.kpi, bound, bins), tally(bins)

    def judged(verdict: Verdict, why: str = "") -> PhaseJudgement:
        text = f"{numbers} ({why})" if why else numbers
        return PhaseJudgement(seen.name, seen.phase, verdict, words, text, totals.share_bad, totals.total, why)

    if bound is None:
        return judged(Verdict.HELD)
    if seen.span is None:
        return judged(Verdict.UNKNOWN, "the run did not get there")
    if not bins or (not totals.total and seen.kpi.kind != "rate"):
        return judged(Verdict.UNKNOWN)
    before = scored(seen.kpi, bound, seen.before)
    verdict, why = _against(seen, bound, bins, before, error)
    covered = coverage(seen.kpi, bins, *seen.span)
    if verdict is Verdict.HELD and covered < LEAST_COVERAGE:
        return judged(Verdict.UNKNOWN, f"data for only {show_share(round(covered, 2))} of the time")
    return judged(verdict, why)


def coverage(kpi: Kpi, bins: Series, start: float, end: float) -> float:
    """Return the share of the bins between two instants that exist; a bin across an edge need not exist."""
    return min(1.0, len(bins) / max(1, floor((end - start) / kpi.interval) - 1))


def within_bound(kpi: Kpi, bins: Series, before: Series, alpha: float) -> bool:
    """Tell whether bins prove, as a whole, that a KPI was within its own bound."""
    return all(good <= alpha for good, _ in _tails(kpi, kpi.bound, bins, before))


def _against(seen: PhaseBins, bound: Bound, bins: Series, before: Series, error: Error) -> tuple[Verdict, str]:
    kpi, totals = seen.kpi, tally(bins)
    if why := _too_few(kpi, bound, totals, tally(before)):
        return Verdict.UNKNOWN, why
    if bound.within is not None and seen.phase == "before":
        return Verdict.HELD, "the baseline itself"
    if kpi.kind == "gauge":
        within = totals.bad <= (1 - bound.share_of_time) * totals.total + 1e-9
        return (Verdict.HELD if within else Verdict.BROKEN), ""
    pairs = _tails(kpi, bound, bins, before)
    if any(out <= error.broken for _, out in pairs):
        return Verdict.BROKEN, ""
    if all(good <= error.held for good, _ in pairs):
        return Verdict.HELD, ""
    limit = limit_of(kpi, bound)
    more = "too little data to tell" if limit is None else needs_in_words(seconds_more(limit, totals, error.held))
    return Verdict.UNKNOWN, more


def _too_few(kpi: Kpi, bound: Bound, totals: Tally, before: Tally) -> str | None:
    if kpi.kind == "gauge":
        return f"at least {LEAST_READINGS} are needed" if totals.bins < LEAST_READINGS else None
    if bound.within is not None and not before.total:
        return "the baseline has no data"
    if is_share(kpi, bound) and totals.total < LEAST_REQUESTS:
        return f"at least {LEAST_REQUESTS} are needed"
    return None


def _tails(kpi: Kpi, bound: Bound, bins: Series, before: Series) -> list[tuple[float, float]]:
    """Return for each edge: (chance to look this good though beyond it, chance to look this bad though within it)."""
    totals, limit = tally(bins), limit_of(kpi, bound)
    if limit is not None:
        tails = share_tails(limit, totals.bad, totals.total)
        return [(tails.at_most, tails.at_least)]
    if is_share(kpi, bound):
        return _shares_of_baseline(bound, totals, tally(before))
    counts = tuple((sample.start, *count(kpi, bound, sample)) for sample in before)
    now, then = _events(kpi, bins), _events(kpi, before)
    if bound.within is None:
        return [_facing(edge, _rate(edge, now, inflation(edge, counts))) for edge in edges_of(kpi, bound, before)]
    bursts = inflation(Edge("rate", then.total / then.seconds), counts)
    low, high = rates_tails(1 - bound.within, now, then, bursts), rates_tails(1 + bound.within, now, then, bursts)
    return [(low.at_least, low.at_most), (high.at_most, high.at_least)]


def _rate(edge: Edge, now: Tally, bursts: float) -> Tails:
    return rate_tails(edge.at, now.total, now.seconds, bursts)


def _facing(edge: Edge, tails: Tails) -> tuple[float, float]:
    return (tails.at_most, tails.at_least) if edge.above else (tails.at_least, tails.at_most)


def _shares_of_baseline(bound: Bound, now: Tally, before: Tally) -> list[tuple[float, float]]:
    # The margin is relative to the baseline's estimated good share; the score accounts for the baseline's uncertainty.
    margin = (bound.within or 0.0) * (1 - before.bad / before.total)
    worse, better = score(now, before, margin), score(now, before, -margin)
    return [(beyond(-worse), beyond(worse)), (beyond(better), beyond(-better))]


def _events(kpi: Kpi, bins: Series) -> Tally:
    seen = tally(bins)
    return Tally(sum(events(kpi, sample) for sample in bins), 0.0, seen.seconds, seen.bins)


def seconds_more(limit: float, seen: Tally, alpha: float) -> float:
    """Return how many seconds longer a phase must be: log(1/α) over the counts' divergence from the edge (Wald)."""
    share = min(max(seen.bad / seen.total, 1e-9), 1 - 1e-9)
    apart = share * log(share / limit) + (1 - share) * (log1p(-share) - log1p(-limit))
    noise = sqrt(limit * (1 - limit) / seen.total) / 100
    if abs(share - limit) < noise:
        return float("inf")
    return max(0.0, log(1 / alpha) / apart / (seen.total / seen.seconds) - seen.seconds)
