"""A trend in the baseline: was a KPI getting worse or better before the fault?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt

from gameday.steady_state.judging.baseline import BLOCK, FEWEST_FREE
from gameday.steady_state.judging.edges import count, is_share
from gameday.steady_state.judging.phrases import share_in_words
from gameday.steady_state.kpi.claim import Claim, Phases
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.units import show_rate
from gameday.steady_state.samples import Series, inside

FEWEST_BINS = 4
"""Fewer bins show no trend."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through a baseline: a share of bad, or a rate, at its beginning and at its end."""

    first: float
    last: float
    chance: float  # of so steep a line if nothing changed


def trend_of(kpi: Kpi, before: Series) -> Trend | None:
    """Return the trend of a baseline; None where it cannot be tested: a gauge, few bins, nothing bad.

    It is the score test for a linear trend (Cochran, Biometrics 10, 1954, https://doi.org/10.2307/3001616; Armitage,
    Biometrics 11, 1955, https://doi.org/10.2307/3001775). The bursts of the baseline inflate its variance.
    """
    from scipy.special import ndtr

    rows = [(sample.start + sample.length / 2, *count(kpi, kpi.bound, sample)) for sample in before]
    if kpi.kind == "gauge" or len(rows) < FEWEST_BINS:
        return None
    share = is_share(kpi, kpi.bound)
    points = [(at, x, x + y if share else y) for at, x, y in rows]
    x, size = sum(point[1] for point in points), sum(point[2] for point in points)
    if not x or not size or x == size:
        return None
    level = x / size
    middle = sum(at * weight for at, _, weight in points) / size
    spread = sum(weight * (at - middle) ** 2 for at, _, weight in points)
    slope = sum((at - middle) * (seen - level * weight) for at, seen, weight in points)
    line = [max(0.0, level + slope / spread * (at - middle)) for at, _, _ in points]
    variance = level * ((1 - level) if share else 1.0) * spread * _bursts(points, line, share=share)
    first, last = (max(0.0, level + slope / spread * (at - middle)) for at in (before[0].start, before[-1].end))
    return Trend(first, last, 2 * float(ndtr(-abs(slope) / sqrt(variance))))


def _bursts(points: list[tuple[float, float, float]], line: list[float], *, share: bool) -> float:
    """Return how much more blocks scatter around the line than independent failures would; at least 1.

    It is Pearson's X² over its degrees of freedom (McCullagh and Nelder, Generalized Linear Models, 1989, section 4.5).
    """
    blocks: dict[int, tuple[float, float, float]] = {}
    for (at, seen, weight), level in zip(points, line, strict=True):
        block, expected = int((at - points[0][0]) // BLOCK), level * weight
        so_far = blocks.get(block, (0.0, 0.0, 0.0))
        scatter = expected * (1 - level) if share else expected
        blocks[block] = so_far[0] + seen, so_far[1] + expected, so_far[2] + scatter
    freedom = len(blocks) - 2
    if freedom < FEWEST_FREE:
        return 1.0
    squares = ((seen - expected) ** 2 / max(scatter, 1e-9) for seen, expected, scatter in blocks.values())
    return max(1.0, sum(squares) / freedom)


def trend_notes(claim: Claim, series: Mapping[str, Series], phases: Phases) -> Iterator[str]:
    """Yield a note for each claimed KPI whose baseline has a trend; any false one at most at `claim.false_verdict`."""
    for name in claim.claimed:
        kpi = claim.kpis[name]
        trend = trend_of(kpi, inside(series.get(name, ()), *phases.before))
        if trend is None or trend.chance > claim.false_verdict / len(claim.claimed):
            continue
        if is_share(kpi, kpi.bound):
            way = "getting worse" if trend.last > trend.first else "getting better"
            ends = f"from about {share_in_words(trend.first)} to {share_in_words(trend.last)} bad"
        else:
            way = "rising" if trend.last > trend.first else "falling"
            ends = f"from about {show_rate(trend.first)} to {show_rate(trend.last)}"
        yield f"{name} was {way} before the fault, {ends}: a later change may be this trend, not the fault"
