"""Each KPI in each phase against its bound: held, broken or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, log1p, sqrt

from gameday.steady_state.judging.edges import count, edges_of, excess, is_share, limit_of, scored
from gameday.steady_state.judging.phrases import beside_usual, lost_in_words, needs_in_words, seen_in_words
from gameday.steady_state.judging.readings import LEAST_READINGS, keeps_clear, worth
from gameday.steady_state.judging.tails import bad_tails, good_tails, weight
from gameday.steady_state.judging.usual_traffic import Arrivals, arrivals, missing, usual_of
from gameday.steady_state.kpi.claim import Claim, PhaseJudgement, Phases, RecoveryJudgement, Verdict
from gameday.steady_state.kpi.kpi import Bound, Kpi
from gameday.steady_state.kpi.units import show_duration, show_share
from gameday.steady_state.samples import Sample, Series, Tally, inside, tally, touching

LEAST_COVERAGE = 0.8
"""The share of a phase that must have data: anything could have happened in a larger gap."""

LEAST_REQUESTS = 10
"""The fewest requests that show anything about a share, whether they succeeded or failed."""

ALIKE = 1.5
"""A sentence says how few independent readings are as good, if there are so many times more readings."""


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
    spans = during_spans(phases, stop)  # none where a run was halted at the moment of its effect
    return max(spans, key=lambda span: _harm(kpi, touching(bins, *span), before), default=None)


def during_spans(phases: Phases, stop: float) -> tuple[tuple[float, float], ...]:
    """Return the stretches of the fault: the one that looks worst counts, so that none hides harm.

    Gameday reads an effect late (health checks take time), and customers suffer before it; a fault may also do nothing
    until it takes effect. Faults in order: the interval of each, too, since the whole time dilutes the harm of a part.
    """
    intervals = [(phases.took_effect, phases.injected, stop)]
    intervals += [(each.took_effect, each.injected, each.undo or stop) for each in phases.faults]
    return tuple((start, end) for *starts, end in intervals for start in starts if start is not None and start < end)


LEAST_CHANCES = 4
"""How often a KPI may look broken: before, after, and during from either of its two starts."""


def chances(phases: Phases) -> int:
    """Return how often a KPI may look broken: before, after, and in each stretch that `during_spans` can return."""
    return LEAST_CHANCES + 2 * len(phases.faults)


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

    held: a truth beyond the bound would look this good with a chance of at most `error.held`, also if all requests of
    unusual silence had failed; and no requests were lost on their way.
    broken: a truth within it would look this bad with a chance of at most `error.broken`.
    Failures that come together, and readings of a gauge that are alike, count as fewer. A gauge that keeps clear of its
    limit needs no more readings.
    """
    words = bound.words if bound else "any"
    bins = scored(seen.kpi, bound or seen.kpi.bound, seen.bins)
    numbers, totals = seen_in_words(seen.kpi, bound, bins), tally(bins)
    came = arrivals_of(seen)

    def judged(verdict: Verdict, why: str = "", chance: float | None = None) -> PhaseJudgement:
        visible = came.visible if came is not None else None
        text = f"{numbers} ({why})" if why else beside_usual(numbers, came)
        return PhaseJudgement(
            seen.name, seen.phase, verdict, words, text, totals.share_bad, totals.total, why, chance, visible
        )

    if bound is None:
        return judged(Verdict.HELD)
    if seen.span is None:
        return judged(Verdict.UNKNOWN, "the run did not get there")
    if not bins or (not totals.total and seen.kpi.kind != "rate"):
        return judged(Verdict.UNKNOWN, lost_in_words(came) if came is not None and came.are_lost else "")
    before = scored(seen.kpi, bound, seen.before)
    verdict, why, chance = _against(seen, bound, bins, before, error)
    if verdict is Verdict.HELD and (unseen := _unseen(seen, bound, bins, before, came, error)):
        return judged(Verdict.UNKNOWN, unseen)
    return judged(verdict, why, chance)


def arrivals_of(seen: PhaseBins) -> Arrivals | None:
    """Compare a phase's traffic with the baseline's; None for a KPI that counts no requests, or without a baseline."""
    usual = usual_of(seen.before) if seen.bins and counts_requests(seen.kpi) else None
    return arrivals(usual, seen.bins, *seen.span) if usual is not None and seen.span is not None else None


def counts_requests(kpi: Kpi) -> bool:
    """Tell whether a KPI knows all requests, good and bad, so that it can miss some."""
    return kpi.kind in ("ratio", "latency") or kpi.per is not None


def coverage(kpi: Kpi, bins: Series, start: float, end: float) -> float:
    """Return the share of the time between two instants that has bins; a bin across an edge need not exist."""
    gaps = sum(ended - begun for begun, ended in missing(bins, start, end)) if bins else end - start
    return min(1.0, max(0.0, 1 - gaps / max(end - start, kpi.interval)))


def within_bound(kpi: Kpi, bins: Series, before: Series, alpha: float) -> bool:
    """Tell whether bins prove, as a whole, that a KPI was within its own bound."""
    return all(good <= alpha for good in good_tails(kpi, kpi.bound, bins, before))


def _against(
    seen: PhaseBins, bound: Bound, bins: Series, before: Series, error: Error
) -> tuple[Verdict, str, float | None]:
    """Return the verdict on the data as they are, what keeps it unknown, and the chance of such data."""
    kpi, totals = seen.kpi, tally(bins)
    if why := _too_few(kpi, bound, totals, tally(before)):
        return Verdict.UNKNOWN, why, None
    if bound.within is not None and seen.phase == "before":
        return Verdict.HELD, "the baseline itself", None
    bad = min(bad_tails(kpi, bound, bins, before))
    if bad <= error.broken:
        return Verdict.BROKEN, "", bad
    good = max(good_tails(kpi, bound, bins, before))
    if good <= error.held:
        return Verdict.HELD, "", good
    if kpi.kind == "gauge" and keeps_clear(bound, bins, seen.before):
        return Verdict.HELD, "", None
    return Verdict.UNKNOWN, _doubt(kpi, bound, bins, before, error), None


def _doubt(kpi: Kpi, bound: Bound, bins: Series, before: Series, error: Error) -> str:
    """Say what would settle an unknown phase."""
    limit, by = limit_of(kpi, bound), weight(kpi, bound, before, bins)
    if limit is None:
        return "too little data to tell"
    needs = needs_in_words(seconds_more(limit, worth(bins, by), error.held))
    if kpi.kind != "gauge" or by < ALIKE:
        return needs
    return f"worth about {tally(bins).total / by:.0f} independent ones; {needs}"


def _unseen(
    seen: PhaseBins, bound: Bound, bins: Series, before: Series, came: Arrivals | None, error: Error
) -> str | None:
    """Return what the data cannot show, so that a phase is not held; None: they show all."""
    kpi, span = seen.kpi, seen.span or (0.0, 0.0)
    gap = sum(ended - begun for begun, ended in missing(bins, *span))
    if coverage(kpi, bins, *span) < LEAST_COVERAGE:
        return f"data for only {show_share(round(coverage(kpi, bins, *span), 2))} of the time"
    if came is not None and came.are_lost and seen.phase != "before":
        return lost_in_words(came)
    silent = came.silent if came is not None else gap
    if not silent or (bound.at_most is not None and kpi.kind == "rate"):
        return None
    # The worst that may have happened: all that usually comes in that time failed, or was out of range.
    each = tally(bins).total / tally(bins).seconds if came is None else came.each
    missed = each * silent if kpi.kind != "rate" or is_share(kpi, bound) else 0.0
    worst = (*bins, Sample(bins[-1].end, silent, missed, missed, None))
    if max(good_tails(kpi, bound, worst, before)) <= error.held:
        return None
    return lost_in_words(came) if came is not None and came.blind < silent else f"no data for {show_duration(gap)}"


def _too_few(kpi: Kpi, bound: Bound, totals: Tally, before: Tally) -> str | None:
    if kpi.kind == "gauge":
        return f"at least {LEAST_READINGS} are needed" if totals.bins < LEAST_READINGS else None
    if bound.within is not None and not before.total:
        return "the baseline has no data"
    if is_share(kpi, bound) and totals.total < LEAST_REQUESTS:
        return f"at least {LEAST_REQUESTS} are needed"
    return None


def seconds_more(limit: float, seen: Tally, alpha: float) -> float:
    """Return how many seconds longer a phase must be: log(1/α) over the counts' divergence from the edge (Wald)."""
    share = min(max(seen.bad / seen.total, 1e-9), 1 - 1e-9)
    apart = share * log(share / limit) + (1 - share) * (log1p(-share) - log1p(-limit))
    noise = sqrt(limit * (1 - limit) / seen.total) / 100
    if abs(share - limit) < noise:
        return float("inf")
    return max(0.0, log(1 / alpha) / apart / (seen.total / seen.seconds) - seen.seconds)
