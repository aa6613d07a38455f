"""What the time before tells of a KPI's noise: how much its bad requests, or its events, come in bursts."""

from __future__ import annotations

from collections import defaultdict
from math import sqrt

from steady_state.edges import Edge
from steady_state.samples import CLOSE

Counts = tuple[tuple[float, float, float], ...]
"""Bins as (start, x, y), where (x, y) is what `edges.count` says: (bad, good) or (events, seconds)."""

BLOCK = 30.0
"""Seconds of a block over which bursts are looked for, where the baseline is long enough to have ten of them."""

LARGEST = 10.0
"""The largest inflation: a guard that needs more than ten times the evidence guards nothing. A system that is burstier
leaves its own bound while healthy, which the check before injecting finds by playing the guard over the baseline."""

FAR = 6.0
"""A bound further than so many standard deviations of the blocks from the baseline is not reached by bursts."""


def blocks(counts: Counts) -> list[tuple[float, float]]:
    """The bins summed over blocks of 30 s (of a tenth of the baseline where that is shorter)."""
    if not counts:
        return []
    start, span = counts[0][0], counts[-1][0] - counts[0][0]
    length = max(min(BLOCK, span / 10), CLOSE)
    sums: dict[int, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for at, x, y in counts:
        block = int((at - start) / length)
        sums[block] = (sums[block][0] + x, sums[block][1] + y)
    return [pair for pair in sums.values() if sum(pair) > 0]


def inflation(edge: Edge, counts: Counts, *, cautious: bool = True) -> float:
    """By how much to divide evidence against `edge`, so that the baseline's own bursts do not count as a breach.

    Requests that fail in bursts vary more than independent ones. Of K blocks with n requests and a share q of bad,
    Pearson's X² over K − 1 is the inflation at q; its upper 95% end (`cautious`, as a guard must be) is X² over the 5%
    point of chi-square. The bursts' relative variance k carries it to the edge: 1 + n k q/(1 − q) (the beta-binomial's
    variance: Williams, Applied Statistics 31, 1982, https://doi.org/10.2307/2347977). Rates: X² of counts against a
    Poisson stream.

    1 where the baseline has too few failures (fewer than blocks) to show bursts, or where the edge is out of their
    reach: the guard's error rate needs only that the true share stays on the good side of the edge.
    """
    sums = blocks(counts)
    x, y = sum(one[0] for one in sums), sum(one[1] for one in sums)
    if len(sums) < 4 or x < len(sums) or not y:
        return 1.0
    freedom = _chi_square_5(len(sums) - 1) if cautious else len(sums) - 1
    if edge.kind == "rate":
        spread = sum((one[0] - x / y * one[1]) ** 2 / (x / y * one[1]) for one in sums)
        return min(LARGEST, max(1.0, spread / freedom))
    share, each = x / (x + y), (x + y) / len(sums)
    if edge.at >= 1 or edge.at <= 0:
        return 1.0
    spread = sum((bad - share * (bad + good)) ** 2 / (share * (1 - share) * (bad + good)) for bad, good in sums)
    relative = max(0.0, spread / freedom - 1) * (1 - share) / (each * share)
    if abs(edge.at - share) > FAR * share * sqrt(relative):
        return 1.0
    return min(LARGEST, 1 + each * relative * edge.at / (1 - edge.at))


def _chi_square_5(freedom: int) -> float:
    from scipy.special import gammaincinv

    return 2 * float(gammaincinv(freedom / 2, 0.05))
