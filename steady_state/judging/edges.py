"""The edges of a bound: the numbers that a KPI's share of bad, or its rate, must not cross."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal

from gameday.steady_state.kpi.kpi import Bound, Kpi
from gameday.steady_state.samples import Sample, Series, tally

ONE_SIDED_95 = 1.6449
"""The standard normal's 95% point: the conservative end of a baseline lies so many standard errors off its estimate."""


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of a bound; beyond it (`above` or below) the KPI is in breach.

    share: `at` is a share of bad, 0 to 1; a bin counts as (bad, good).
    rate:  `at` is events per second; a bin counts as (events, seconds).
    """

    kind: Literal["share", "rate"]
    at: float
    above: bool = True


def is_share(kpi: Kpi, bound: Bound) -> bool:
    """Tell whether the bound limits a share of bad; otherwise it limits events per second."""
    return kpi.kind != "rate" or (kpi.per is not None and bound.within is not None)


def limit_of(kpi: Kpi, bound: Bound) -> float | None:
    """Return the largest share of bad that a bound allows; None for a rate and for `of: baseline`."""
    if kpi.kind == "rate":
        return None
    if bound.quantile:
        return 1 - bound.quantile[0]
    if kpi.kind == "gauge":
        return 1 - bound.share_of_time
    return 1 - bound.at_least.value if bound.at_least is not None else bound.at_most.value if bound.at_most else None


def events(kpi: Kpi, sample: Sample) -> float:
    """Return the events of a rate's bin; with `per`, the offered events less those that did not come."""
    return sample.total - sample.bad if kpi.per is not None else sample.total


def count(kpi: Kpi, bound: Bound, sample: Sample) -> tuple[float, float]:
    """Return a bin as its edges count it: (bad, good) of a share, (events, seconds) of a rate."""
    if is_share(kpi, bound):
        bad = min(max(sample.bad, 0.0), sample.total)
        return bad, sample.total - bad
    return events(kpi, sample), sample.length


def excess(edge: Edge, x: float, y: float) -> float:
    """Return by how much a count lies beyond an edge (negative: within it), in requests or events."""
    over = x - edge.at * (x + y if edge.kind == "share" else y)
    return over if edge.above else -over


def scored(kpi: Kpi, bound: Bound, series: Series) -> Series:
    """Count bad anew by `bound`: gauges out of another range, requests over another limit.

    Bins whose requests were not counted over that limit are left out: they are gaps.
    """
    if bound.quantile and kpi.bound.quantile and bound.quantile[1] != kpi.bound.quantile[1]:
        slow = ((sample, dict(sample.over).get(bound.quantile[1])) for sample in series)
        return tuple(replace(sample, bad=count) for sample, count in slow if count is not None)
    if kpi.kind != "gauge" or bound == kpi.bound:
        return series
    return tuple(
        replace(sample, bad=0.0 if bound.admits(sample.value) else sample.total)
        for sample in series
        if sample.value is not None
    )


def edges_of(kpi: Kpi, bound: Bound, before: Series) -> tuple[Edge, ...]:
    """Return the edges of a bound: one or two, or none if the bound needs a baseline and that has no data.

    `of: baseline` puts them around the conservative end of the baseline's 95% interval, so that an uncertain baseline
    alone never makes a breach.
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
    came = sum(events(kpi, sample) for sample in before)
    rate, slack = came / seen.seconds, ONE_SIDED_95 * sqrt(came) / seen.seconds
    lower, upper = max(0.0, rate - slack) * (1 - bound.within), (rate + slack) * (1 + bound.within)
    return Edge("rate", lower, above=False), Edge("rate", upper)
