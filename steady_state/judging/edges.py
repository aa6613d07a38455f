"""A bound as edges: the numbers that a KPI's bad share, or its rate, must not cross."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal

from gameday.steady_state.kpi.kpi import Bound, Kpi
from gameday.steady_state.samples import Sample, Series, tally

ONE_SIDED_95 = 1.6449
"""The standard normal's 95% point: how far the conservative end of a baseline lies from its estimate."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge of a bound; beyond it (`above` or below) the KPI is in breach.

    share: `at` is a share of bad, 0 to 1; a bin counts as (bad, good).
    rate:  `at` is events per second; a bin counts as (events, seconds).
    """

    kind: Literal["share", "rate"]
    at: float
    above: bool = True


def is_share(kpi: Kpi, bound: Bound) -> bool:
    """Whether the bound is about a share of bad; otherwise it is about events per second."""
    return kpi.kind != "rate" or (kpi.per is not None and bound.within is not None)


def limit_of(kpi: Kpi, bound: Bound) -> float | None:
    """The largest share of bad that a bound without a baseline allows; None for a rate and for `of: baseline`."""
    if kpi.kind == "rate":
        return None
    if bound.quantile:
        return 1 - bound.quantile[0]
    if kpi.kind == "gauge":
        return 1 - bound.share_of_time
    return 1 - bound.at_least.value if bound.at_least is not None else bound.at_most.value if bound.at_most else None


def events(kpi: Kpi, sample: Sample) -> float:
    """The events of a rate's bin: with `per`, those offered less those that did not come."""
    return sample.total - sample.bad if kpi.per is not None else sample.total


def count(kpi: Kpi, bound: Bound, sample: Sample) -> tuple[float, float]:
    """A bin as its edges count it: (bad, good) of a share, (events, seconds) of a rate."""
    if is_share(kpi, bound):
        bad = min(max(sample.bad, 0.0), sample.total)
        return bad, sample.total - bad
    return events(kpi, sample), sample.length


def excess(edge: Edge, x: float, y: float) -> float:
    """By how much a count lies beyond an edge (negative: within it), in requests or events."""
    over = x - edge.at * (x + y if edge.kind == "share" else y)
    return over if edge.above else -over


def scored(kpi: Kpi, bound: Bound, series: Series) -> Series:
    """The series with bad as `bound` sees it: a gauge in or out of another range, requests over another limit.

    Bins that cannot tell, since requests were not counted over that limit, are gaps.
    """
    if bound.quantile and kpi.bound.quantile and bound.quantile[1] != kpi.bound.quantile[1]:
        slow = ((one, dict(one.over).get(bound.quantile[1])) for one in series)
        return tuple(replace(one, bad=count) for one, count in slow if count is not None)
    if kpi.kind != "gauge" or bound == kpi.bound:
        return series
    return tuple(
        replace(one, bad=0.0 if bound.admits(one.value) else one.total) for one in series if one.value is not None
    )


def edges_of(kpi: Kpi, bound: Bound, before: Series) -> tuple[Edge, ...]:
    """The edges of a bound, one or two; of a baseline that has no data: none.

    `of: baseline` puts them around the conservative end of the baseline's 95% interval: a baseline that is itself
    uncertain by so much does not make a breach.
    """
    limit = limit_of(kpi, bound)
    if limit is not None:
        return (Edge("share", limit),)
    if bound.within is None:
        amount = bound.at_least or bound.at_most
        return (Edge("rate", amount.value, above=bound.at_least is None),) if amount is not None else ()
    seen = tally(before)
    if not seen.total:
        return ()
    if is_share(kpi, bound):
        good = 1 - seen.bad / seen.total
        slack = ONE_SIDED_95 * sqrt(good * (1 - good) / seen.total)
        lower, upper = (good - slack) * (1 - bound.within), (good + slack) * (1 + bound.within)
        floor = Edge("share", min(1.0, 1 - lower))
        return (floor, Edge("share", 1 - upper, above=False)) if upper < 1 else (floor,)
    came = sum(events(kpi, one) for one in before)
    rate, slack = came / seen.seconds, ONE_SIDED_95 * sqrt(came) / seen.seconds
    lower, upper = max(0.0, rate - slack) * (1 - bound.within), (rate + slack) * (1 + bound.within)
    return Edge("rate", lower, above=False), Edge("rate", upper)
