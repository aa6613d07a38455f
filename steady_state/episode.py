"""When a KPI began to suffer and when it was back: each an instant with an interval that says how well it is known."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

from steady_state.baseline import inflation
from steady_state.edges import count, edges_of, excess
from steady_state.evidence import Watch, Weights, breach, health
from steady_state.kpi import Kpi
from steady_state.samples import CLOSE, Series

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    Matrix = NDArray[float64]


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant as far as it can be known, in seconds since the epoch."""

    point: float
    low: float
    high: float | None  # None: not confirmed by the end of the data


@dataclass(frozen=True, slots=True)
class Episode:
    """A KPI suffered: from when, and until when for good."""

    impact: Moment
    back: Moment


def find(kpi: Kpi, bins: Series, before: Series, alpha: float, sustained: float) -> Episode | None:
    """The episode in a stretch of bins; None where nothing proves that the KPI suffered.

    A gauge is read, so its edges are a bin wide. Other KPIs are sampled: the interval is what the evidence leaves.
    `alpha`: chance that a moment lies outside its interval; `sustained`: seconds over which a gauge's share of time
    counts.
    """
    if kpi.kind == "gauge":
        return _of_readings(kpi, bins, sustained)
    return _of_samples(kpi, bins, before, alpha)


def _of_readings(kpi: Kpi, bins: Series, sustained: float) -> Episode | None:
    """From the first to the last reading that begins a stretch of `sustained` with too many readings out of range."""

    def falls(first: int) -> bool:
        stretch = [one.bad for one in bins[first:] if one.start < bins[first].start + sustained - CLOSE]
        return sum(stretch) > (1 - kpi.bound.share_of_time) * len(stretch) + 1e-9

    fallen = [index for index, one in enumerate(bins) if one.bad and falls(index)]
    if not fallen:
        return None
    after = next((index for index in range(fallen[-1] + 1, len(bins)) if not bins[index].bad), len(bins))
    back = _moment(bins, after, after, after)
    return Episode(_moment(bins, fallen[0], fallen[0], fallen[0]), back)


def _of_samples(kpi: Kpi, bins: Series, before: Series, alpha: float) -> Episode | None:
    import numpy  # noqa: ICN001

    edges = edges_of(kpi, kpi.bound, before)
    known = tuple((one.start, *count(kpi, kpi.bound, one)) for one in before)
    counts = [count(kpi, kpi.bound, one) for one in bins]
    bursts = [inflation(edge, known, cautious=False) for edge in edges]
    broken = Weights(
        tuple(pair for edge, by in zip(edges, bursts, strict=True) for pair in breach(edge).tempered(by).pairs)
    )
    well = [health(edge).tempered(by) for edge, by in zip(edges, bursts, strict=True)]
    beyond = numpy.cumsum([0.0, *(max(excess(edge, *pair) for edge in edges) for pair in counts)])

    onset = _onset(counts, broken, well, alpha)
    if onset is None:
        return None
    begun = min(onset, key=lambda edge: beyond[edge])
    # Seen backwards in time a recovery is an onset: the latest one, before which all is well again.
    size = len(bins)
    # That there was a fall is proven; seen from its end it need not be proven again, only be placed.
    ended = [size - edge for edge in _onset(counts[::-1], broken, well, alpha, within=size - min(onset)) or ()]
    back = max(ended, key=lambda edge: (beyond[edge], -edge))
    return Episode(_moment(bins, begun, min(onset), max(onset)), _moment(bins, back, min(ended), max(ended)))


def _onset(
    counts: list[tuple[float, float]], broken: Weights, well: list[Weights], alpha: float, within: int | None = None
) -> list[int] | None:
    """The edges of bins at which a breach may have begun; None where no breach is proven.

    It has begun by the bin at which the evidence for it reaches 1/α; `within` so many bins where that is known from
    elsewhere. An earlier edge is ruled out when the bins up to it prove a breach already, or when those from it on
    prove that all was still well, each at α/2.
    """
    watch = Watch(broken, len(counts))
    by = next((index for index, pair in enumerate(counts) if watch.add(*pair) >= 1 / alpha), None)
    if by is None and within:
        by = min(within, len(counts)) - 1
    if by is None:
        return None
    enough = log(2 / alpha)
    seen = counts[: by + 1]
    until = _proof(seen[::-1], broken)[::-1]
    onwards = [min(proofs) for proofs in zip(*(_proof(seen, one) for one in well), strict=True)]
    left = [edge for edge in range(by + 1) if until[edge] < enough and onwards[edge] < enough]
    return left or [by]


def _proof(counts: list[tuple[float, float]], weights: Weights) -> list[float]:
    """For each edge of the bins: the log of the most evidence that the bins from it on ever give (the last: none)."""
    import numpy  # noqa: ICN001

    logs: Matrix = numpy.array(counts) @ numpy.array(weights.pairs).T
    sums = numpy.vstack([numpy.zeros(logs.shape[1]), numpy.cumsum(logs, axis=0)])
    most = [float(_mean(sums[edge + 1 :] - sums[edge]).max()) for edge in range(len(counts))]
    return [*most, float("-inf")]


def _mean(logs: Matrix) -> Matrix:
    import numpy  # noqa: ICN001

    top: Matrix = logs.max(axis=1, keepdims=True)
    mean: Matrix = numpy.log(numpy.exp(logs - top).mean(axis=1)) + top[:, 0]
    return mean


def _moment(bins: Series, point: int, first: int, last: int) -> Moment:
    """A moment at an edge of bins, its interval one bin wider on either side, and over the gap before it."""

    def at(edge: int) -> float:
        return bins[edge].start if edge < len(bins) else bins[-1].end

    early = min(at(first), bins[first - 1].end if first else at(first))
    high = None if last >= len(bins) else bins[last].end
    return Moment(at(point), early - bins[max(0, first - 1)].length, high)
