"""The start and the end of a KPI's suffering: each an instant with the interval in which it lies."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from math import log, sqrt
from typing import TYPE_CHECKING, Literal

from gameday.steady_state.judging.baseline import inflation
from gameday.steady_state.judging.edges import Edge, count, edges_of, excess
from gameday.steady_state.judging.ending import likeliest_end
from gameday.steady_state.judging.evidence import SMALLEST, SequentialTest, Weights, breach, health
from gameday.steady_state.judging.proof import proven
from gameday.steady_state.judging.sustained import Stretches
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.samples import CLOSE, Series

if TYPE_CHECKING:
    from gameday.steady_state.judging.proof import Flags, Matrix

LONG = 10.0
"""Seconds of a bin from which a moment lies within the bin, and not at its edge."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant with its interval, in seconds since the epoch."""

    point: float
    low: float
    high: float | None  # None: not confirmed by the end of the data


@dataclass(frozen=True, slots=True)
class Episode:
    """The time in which a KPI suffered: from its impact to the first instant from which it holds for `sustained`."""

    impact: Moment
    back: Moment


def find(kpi: Kpi, bins: Series, before: Series, alpha: float, sustained: float) -> Episode | None:
    """Find the first episode in a stretch of bins; None if nothing proves that the KPI suffered."""
    return next(episodes(kpi, bins, before, alpha, sustained), None)


def episodes(kpi: Kpi, bins: Series, before: Series, alpha: float, sustained: float) -> Iterator[Episode]:
    """Yield the episodes in a stretch of bins, in order of time.

    An episode ends at the first instant from which the KPI holds its bound for `sustained` seconds; a later fall is
    another episode. Where the data are too few to prove such a stretch, it ends when the KPI is back for good.

    A gauge is read, so its intervals are a bin wide on either side. Other KPIs are sampled: their intervals hold all
    moments that the evidence does not rule out.

    `alpha`: the chance that a moment lies outside its interval.
    """
    if kpi.kind == "gauge":
        yield from _of_readings(kpi, bins, alpha, sustained)
        return
    search = _Search.of(kpi, before, alpha, sustained)
    while bins:
        found = search.first(bins)
        if found is None:
            return
        episode, held = found
        yield episode
        if held is None:
            return
        bins = bins[held:]


def _of_readings(kpi: Kpi, bins: Series, alpha: float, sustained: float) -> Iterator[Episode]:
    """Find the readings that begin a stretch of `sustained` with too many readings out of range, and the next good.

    Too many: so many would come with a chance of at most `alpha` if the allowed share of readings were out of range.
    """
    from scipy.special import bdtrc

    allowed = 1 - kpi.bound.share_of_time
    starts, bad = [reading.start for reading in bins], [0.0, *accumulate(reading.bad for reading in bins)]

    def falls(first: int) -> bool:
        last = bisect_left(starts, starts[first] + sustained - CLOSE)
        seen, size = bad[last] - bad[first], last - first
        return seen > allowed * size + 1e-9 and float(bdtrc(seen - 1, size, allowed)) <= alpha + CLOSE

    fallen = [index for index, reading in enumerate(bins) if reading.bad and falls(index)]
    while fallen:
        ends = next(
            (index for index, later in pairwise(fallen) if starts[later] - bins[index].end >= sustained - CLOSE),
            fallen[-1],
        )
        after = next((index for index in range(ends + 1, len(bins)) if not bins[index].bad), len(bins))
        yield Episode(_moment(bins, fallen[0], fallen[0], fallen[0]), _moment(bins, after, after, after))
        fallen = [index for index in fallen if index > ends]


@dataclass(frozen=True)
class _Search:
    """The evidence by which the moments of a sampled KPI are found."""

    kpi: Kpi
    edges: tuple[Edge, ...]
    broken: Weights
    well: list[Weights]
    usual: float | None  # the share of bad before, for a KPI with a single edge above
    burst: float  # the inflation at the first edge
    alpha: float
    sustained: float

    @classmethod
    def of(cls, kpi: Kpi, before: Series, alpha: float, sustained: float) -> _Search:
        edges = edges_of(kpi, kpi.bound, before)
        known = tuple((sample.start, *count(kpi, kpi.bound, sample)) for sample in before)
        bursts = [inflation(edge, known) for edge in edges]
        pairs = (pair for edge, by in zip(edges, bursts, strict=True) for pair in breach(edge).tempered(by).pairs)
        well = [health(edge).tempered(by) for edge, by in zip(edges, bursts, strict=True)]
        usual = None
        if len(edges) == 1 and edges[0].kind == "share" and edges[0].above:
            bad, good = (sum(part) for part in list(zip(*known, strict=True))[1:]) if known else (0.0, 0.0)
            usual = min((bad + 0.5) / (bad + good + 1), 0.9 * max(edges[0].at, SMALLEST))
        return cls(kpi, edges, Weights(tuple(pairs)), well, usual, bursts[0] if bursts else 1.0, alpha, sustained)

    def first(self, bins: Series) -> tuple[Episode, int | None] | None:
        """Return the first episode, and the edge from which the KPI is proven to hold; None: no breach is proven."""
        import numpy as np

        counts = [count(self.kpi, self.kpi.bound, sample) for sample in bins]
        onset, by = _onset(counts, self.broken, self.well, self.alpha)
        if onset is None:
            return None
        stretches = Stretches(bins, np.array(counts), self.broken, self.well, self.sustained)
        held = stretches.holds(by + 1, self.alpha)
        size = held.last if held else len(bins)
        # Backwards in time a recovery is an onset. The fall is already proven, so the search need not prove it again.
        within = size - min(onset)
        back, _ = _onset(counts[:size][::-1], self.broken, self.well, self.alpha, within=within)
        ended = [size - edge for edge in back or ()]
        could = stretches.could_hold(by + 1, min(ended), self.alpha / 2)
        low = min(ended) if could is None else could
        beyond = np.cumsum([0.0, *(max(excess(edge, *pair) for edge in self.edges) for pair in counts[:size])])
        begun = min(onset, key=lambda edge: beyond[edge])
        point = max(ended, key=lambda edge: (beyond[edge], -edge))
        if self.usual is not None:
            point = likeliest_end(counts[:size], ended, point, self.edges[0], self.usual, self.burst)
        impact = _narrowed(_moment(bins, begun, min(onset), max(onset)), self._outside(bins, min(onset), -1), -1)
        end = _narrowed(_moment(bins, point, low, max(ended)), self._outside(bins, max(ended), 1), 1)
        if self.usual is not None:
            worst = _worst(bins[begun : max(ended)])
            impact, end = _within_bin(impact, bins, begun, worst, -1), _within_bin(end, bins, point - 1, worst, 1)
        return Episode(impact, end), held.first if held else None

    def _outside(self, bins: Series, edge: int, side: Literal[-1, 1]) -> float | None:
        """Return the last instant, before (-1) or after (1) an edge, to which the episode may reach; None: unknown.

        The bin outside may hold a part of the episode. Its failures bound how long: the failures of the bin inside
        show how steep the episode begins or ends, and nothing is steeper than a slope that its own bin shows.
        """
        outer, inner = (edge - 1, edge) if side < 0 else (edge, edge - 1)
        if self.usual is None or not (0 <= outer < len(bins) and 0 <= inner < len(bins)):
            return None
        from scipy.special import gammaincinv

        out, most = bins[outer], bins[outer].bad
        inside = bins[inner].bad - 2 * sqrt(self.burst * bins[inner].bad)
        if inside <= 0:
            return None
        most += (float(gammaincinv(most + 1, 1 - self.alpha / 2)) - most) * sqrt(self.burst)
        most = max(1.0, most - self.usual * out.total)
        reach = min(out.length, out.length * (most + sqrt(most * most + most * inside)) / inside)
        return out.end - reach if side < 0 else out.start + reach


def _worst(bins: Series) -> float:
    """Return the worst share of bad of an episode's bins."""
    return max((sample.bad / sample.total for sample in bins if sample.total), default=0.0)


def _within_bin(moment: Moment, bins: Series, index: int, worst: float, side: Literal[-1, 1]) -> Moment:
    """Put the point of an impact (-1) or an end into its bin, if the bin is long and only partly as bad as the worst.

    A bin a third as bad as the worst was bad for about a third of its time.
    """
    if not 0 <= index < len(bins) or bins[index].length < LONG or not bins[index].total:
        return moment
    sample = bins[index]
    part = min(1.0, sample.bad / sample.total / worst) if worst else 1.0
    point = sample.end - part * sample.length if side < 0 else sample.start + part * sample.length
    return replace(moment, point=min(max(point, moment.low), point if moment.high is None else moment.high))


def _narrowed(moment: Moment, limit: float | None, side: Literal[-1, 1]) -> Moment:
    """Narrow the outer end of a moment's interval: that of an impact (-1) is its low end."""
    if limit is None or moment.high is None:
        return moment
    if side < 0:
        return replace(moment, low=min(moment.point, max(moment.low, limit)))
    return replace(moment, high=max(moment.point, min(moment.high, limit)))


def _onset(
    counts: list[tuple[float, float]], broken: Weights, well: list[Weights], alpha: float, within: int | None = None
) -> tuple[list[int] | None, int]:
    """Return the edges of bins at which a breach may have begun, None if none is proven, and the bin that proves it.

    The breach has begun by the bin at which the evidence for it reaches 1/α, or `within` so many bins if another
    search proved it. An earlier edge is ruled out in two cases, each at α/2: the bins up to it already prove a breach,
    or the bins from it on prove that all was still well.
    """
    import numpy as np

    reached = SequentialTest(broken, len(counts)).add(*np.array(counts).T) >= 1 / alpha
    by = int(reached.argmax()) if reached.any() else min(within, len(counts)) - 1 if within else None
    if by is None:
        return None, 0
    seen, enough = np.array(counts[: by + 1]), log(2 / alpha)
    until = _proven(seen[::-1], broken, enough)[::-1]
    onwards = np.all([_proven(seen, weights, enough) for weights in well], axis=0)
    left = np.flatnonzero(~until[: by + 1] & ~onwards[: by + 1])
    return [int(edge) for edge in left] or [by], by


def _proven(counts: Matrix, weights: Weights, enough: float) -> Flags:
    """Tell for each edge of the bins whether the bins from it on ever prove it; after the last edge there are none."""
    import numpy as np

    logs: Matrix = counts @ np.array(weights.pairs).T
    flags: Flags = np.append(proven(np.vstack([np.zeros(logs.shape[1]), np.cumsum(logs, axis=0)]), enough), [False])
    return flags


def _moment(bins: Series, point: int, first: int, last: int) -> Moment:
    """Make a moment at an edge of bins; its interval is a bin wider on either side, and covers the gap before it."""

    def at(edge: int) -> float:
        return bins[edge].start if edge < len(bins) else bins[-1].end

    early = min(at(first), bins[first - 1].end if first else at(first))
    high = None if last >= len(bins) else bins[last].end
    return Moment(at(point), early - bins[max(0, first - 1)].length, high)
