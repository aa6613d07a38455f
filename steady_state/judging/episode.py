"""The start and the end of a KPI's suffering: each an instant with the interval in which it lies."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from math import log
from typing import TYPE_CHECKING

from gameday.steady_state.judging.baseline import inflation
from gameday.steady_state.judging.edges import count, edges_of, excess
from gameday.steady_state.judging.ending import likeliest_end
from gameday.steady_state.judging.evidence import SMALLEST, SequentialTest, Weights, breach, health
from gameday.steady_state.judging.proof import proven
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.samples import CLOSE, Series

if TYPE_CHECKING:
    from gameday.steady_state.judging.proof import Flags, Matrix


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant with its interval, in seconds since the epoch."""

    point: float
    low: float
    high: float | None  # None: not confirmed by the end of the data


@dataclass(frozen=True, slots=True)
class Episode:
    """The time in which a KPI suffered: from its impact until it is back for good."""

    impact: Moment
    back: Moment


def find(kpi: Kpi, bins: Series, before: Series, alpha: float, sustained: float) -> Episode | None:
    """Find the episode in a stretch of bins; None if nothing proves that the KPI suffered.

    A gauge is read, so its intervals are a bin wide on either side. Other KPIs are sampled: their intervals hold all
    moments that the evidence does not rule out.

    `alpha`: the chance that a moment lies outside its interval. `sustained`: the seconds over which a gauge's share of
    time counts.
    """
    if kpi.kind == "gauge":
        return _of_readings(kpi, bins, sustained)
    return _of_samples(kpi, bins, before, alpha)


def _of_readings(kpi: Kpi, bins: Series, sustained: float) -> Episode | None:
    """Find the first and the last reading that begin a stretch of `sustained` with too many readings out of range."""
    starts, bad = [reading.start for reading in bins], [0.0, *accumulate(reading.bad for reading in bins)]

    def falls(first: int) -> bool:
        last = bisect_left(starts, starts[first] + sustained - CLOSE)
        return bad[last] - bad[first] > (1 - kpi.bound.share_of_time) * (last - first) + 1e-9

    fallen = [index for index, reading in enumerate(bins) if reading.bad and falls(index)]
    if not fallen:
        return None
    after = next((index for index in range(fallen[-1] + 1, len(bins)) if not bins[index].bad), len(bins))
    back = _moment(bins, after, after, after)
    return Episode(_moment(bins, fallen[0], fallen[0], fallen[0]), back)


def _of_samples(kpi: Kpi, bins: Series, before: Series, alpha: float) -> Episode | None:
    import numpy as np

    edges = edges_of(kpi, kpi.bound, before)
    known = tuple((sample.start, *count(kpi, kpi.bound, sample)) for sample in before)
    counts = [count(kpi, kpi.bound, sample) for sample in bins]
    bursts = [inflation(edge, known) for edge in edges]
    broken = Weights(
        tuple(pair for edge, by in zip(edges, bursts, strict=True) for pair in breach(edge).tempered(by).pairs)
    )
    well = [health(edge).tempered(by) for edge, by in zip(edges, bursts, strict=True)]
    beyond = np.cumsum([0.0, *(max(excess(edge, *pair) for edge in edges) for pair in counts)])

    onset = _onset(counts, broken, well, alpha)
    if onset is None:
        return None
    begun = min(onset, key=lambda edge: beyond[edge])
    # Backwards in time a recovery is an onset. The fall is already proven, so the search need not prove it again.
    size = len(bins)
    ended = [size - edge for edge in _onset(counts[::-1], broken, well, alpha, within=size - min(onset)) or ()]
    back = max(ended, key=lambda edge: (beyond[edge], -edge))
    if len(edges) == 1 and edges[0].kind == "share" and edges[0].above:
        bad, good = (sum(part) for part in list(zip(*known, strict=True))[1:]) if known else (0.0, 0.0)
        usual = min((bad + 0.5) / (bad + good + 1), 0.9 * max(edges[0].at, SMALLEST))
        back = likeliest_end(counts, ended, back, edges[0], usual, bursts[0])
    return Episode(_moment(bins, begun, min(onset), max(onset)), _moment(bins, back, min(ended), max(ended)))


def _onset(
    counts: list[tuple[float, float]], broken: Weights, well: list[Weights], alpha: float, within: int | None = None
) -> list[int] | None:
    """Return the edges of bins at which a breach may have begun; None if no breach is proven.

    The breach has begun by the bin at which the evidence for it reaches 1/α, or `within` so many bins if another
    search proved it. An earlier edge is ruled out in two cases, each at α/2: the bins up to it already prove a breach,
    or the bins from it on prove that all was still well.
    """
    import numpy as np

    reached = SequentialTest(broken, len(counts)).add(*np.array(counts).T) >= 1 / alpha
    by = int(reached.argmax()) if reached.any() else min(within, len(counts)) - 1 if within else None
    if by is None:
        return None
    seen, enough = np.array(counts[: by + 1]), log(2 / alpha)
    until = _proven(seen[::-1], broken, enough)[::-1]
    onwards = np.all([_proven(seen, weights, enough) for weights in well], axis=0)
    left = np.flatnonzero(~until[: by + 1] & ~onwards[: by + 1])
    return [int(edge) for edge in left] or [by]


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
