"""The chances to see what was seen if a KPI lay exactly at an edge of its bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from gameday.steady_state.judging.baseline import Counts, dispersion, inflation
from gameday.steady_state.judging.compare import Tails, beyond, rate_tails, rates_tails, score, share_tails
from gameday.steady_state.judging.edges import Edge, count, edges_of, events, is_share, limit_of
from gameday.steady_state.judging.readings import alike, worth
from gameday.steady_state.kpi.kpi import Bound, Kpi
from gameday.steady_state.samples import Series, Tally, tally


def good_tails(kpi: Kpi, bound: Bound, bins: Series, before: Series) -> list[float]:
    """Return for each edge the chance to look this good though beyond it.

    Failures that come together, or readings that are alike, in the stretch or in the baseline count as fewer.
    """
    by = weight(kpi, bound, before, bins)
    return [good for good, _ in _tails(kpi, bound, bins, before, lambda _: by)]


def bad_tails(kpi: Kpi, bound: Bound, bins: Series, before: Series) -> list[float]:
    """Return for each edge the chance to look this bad though within it.

    Only the baseline shows what comes together: in the stretch itself, an outage does.
    """
    counts, by = _counts(kpi, bound, before), weight(kpi, bound, before)
    return [bad for _, bad in _tails(kpi, bound, bins, before, lambda edge: inflation(edge, counts) if edge else by)]


def weight(kpi: Kpi, bound: Bound, before: Series, during: Series = ()) -> float:
    """Return how many failures, events or readings of these stretches are worth one independent one."""
    if kpi.kind == "gauge":
        return alike(before, during)
    kind: Literal["share", "rate"] = "share" if is_share(kpi, bound) else "rate"
    return dispersion(kind, _counts(kpi, bound, before), _counts(kpi, bound, during))


def _counts(kpi: Kpi, bound: Bound, bins: Series) -> Counts:
    return tuple((sample.start, *count(kpi, bound, sample)) for sample in bins)


def _tails(
    kpi: Kpi, bound: Bound, bins: Series, before: Series, by: Callable[[Edge | None], float]
) -> list[tuple[float, float]]:
    """Return for each edge: (chance to look this good though beyond it, chance to look this bad though within it).

    `by`: how many count as one, at an edge of a rate or (None) of a share.
    """
    limit = limit_of(kpi, bound)
    if limit is not None:
        totals = worth(bins, by(None))
        tails = share_tails(limit, totals.bad, totals.total)
        return [(tails.at_most, tails.at_least)]
    if is_share(kpi, bound):
        return _shares_of_baseline(bound, worth(bins, by(None)), worth(before, by(None)))
    now, then = _events(kpi, bins), _events(kpi, before)
    if bound.within is None:
        return [_facing(edge, _rate(edge, now, by(edge))) for edge in edges_of(kpi, bound, before)]
    bursts = by(Edge("rate", then.total / then.seconds))
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
