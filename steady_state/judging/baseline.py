"""The noise of a KPI in its baseline: how much its bad requests, or its events, come in bursts."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from math import sqrt
from typing import Literal

from gameday.steady_state.judging.edges import Edge
from gameday.steady_state.samples import CLOSE

Counts = tuple[tuple[float, float, float], ...]
"""Bins as (start, x, y), where (x, y) comes from `edges.count`: (bad, good) or (events, seconds)."""

BLOCK = 30.0
"""Seconds of a block in the search for bursts, if the baseline is long enough for ten of them."""

LENGTHS = (30.0, 60.0)
"""Lengths in seconds of the blocks that show dependent failures: long bursts show in long blocks."""

LAGS = 500
"""The most lags of a gauge's readings that are compared, which bounds the time."""

FEWEST_FREE = 4
"""Fewer degrees of freedom show no dependence."""

FEW_BLOCKS = 10
"""Fewer blocks, as a short baseline of minutes has, show bursts by chance."""

REACH = 10.0
"""Bursts reach ten times the baseline's odds of bad, or the share of its worst block; no burst reaches an edge beyond.
"""

HIDDEN = 1.15
"""The relative variance of blocks' shares from bursts that a short baseline may hide.

It is that of tenfold failures for a twentieth of the time, for 20 s each. Half of all stretches of five minutes see
none of these."""

KNOWN = 3600.0
"""Seconds of baseline without bursts that halve `HIDDEN`; a longer baseline does not lower it further.

A third of all baselines K miss bursts that come once in K on average, so no length rules bursts out. The chance that a
baseline misses them and a run L meets one is at most L/(e K): 1 in 16 for an hour and ten minutes. Even with `HIDDEN`
halved, a burst like it must last seven times its mean length before the guard takes it for a breach.
"""


def blocks(counts: Counts) -> list[tuple[float, float]]:
    """Sum the bins over blocks of equal length: at least 30 s, or a tenth of a baseline shorter than 300 s.

    The blocks are equal because a short last block whose only request fails would look like a burst.
    """
    if not counts:
        return []
    span = _span(counts)
    many = max(1, min(int(span / CLOSE), max(10, int(span / BLOCK))))
    return [pair for pair in sums_over(counts, max(span / many, CLOSE)) if sum(pair) > 0]


def sums_over(counts: Sequence[tuple[float, float, float]], length: float) -> list[tuple[float, float]]:
    """Sum the bins over blocks of `length` seconds; the first block begins with the first bin."""
    sums: dict[int, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for at, x, y in counts:
        block = int((at - counts[0][0]) / length)
        sums[block] = (sums[block][0] + x, sums[block][1] + y)
    return list(sums.values())


def inflation(edge: Edge, counts: Counts) -> float:
    """Estimate the factor by which the baseline's own bursts inflate the variance at `edge`; at least 1.

    Requests that fail in bursts vary more than independent ones. For K blocks with n requests and a share q of bad,
    Pearson's X² over K − 1 is the inflation at q. The bursts' relative variance k carries it to the edge:
    1 + n k q/(1 − q) (the beta-binomial's variance: Williams, Applied Statistics 31, 1982,
    https://doi.org/10.2307/2347977). Rates: the upper 95% end of X² of counts against a Poisson stream.

    It is 1 if the baseline has too few failures (fewer than blocks) to show bursts, or if they cannot reach the edge.
    """
    sums = blocks(counts)
    x, y = _whole(sums)
    if edge.kind == "rate":
        if len(sums) < 4 or x < len(sums):
            return 1.0
        spread = sum((count - x / y * seconds) ** 2 / (x / y * seconds) for count, seconds in sums)
        return max(1.0, spread / chi_square(len(sums) - 1, 0.05))
    if len(sums) < 4 or x < len(sums) or not y or not 0 < edge.at < reach(counts):
        return 1.0
    return _at(edge, sums, _relative(sums, _expected(len(sums) - 1)))


def dispersion(kind: Literal["share", "rate"], before: Counts, during: Counts = ()) -> float:
    """Return the factor by which dependent failures, or events, inflate the variance of their count; at least 1.

    It is Pearson's X² of blocks over the degrees of freedom, pooled over both stretches, each with its own share or
    rate, and the largest over the lengths of blocks (McCullagh and Nelder, Generalized Linear Models, 1989, section
    4.5). Failures that come c at a time inflate the variance by c. The worst dip of a share during the fault is the
    fault's own, and shows nothing of that.
    """

    def at(length: float) -> float:
        later = sums_over(during, length)
        return _dispersion(kind, [sums_over(before, length), _without_dip(later) if kind == "share" else later])

    return max(1.0, *(at(length) for length in LENGTHS))


def _without_dip(sums: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Leave out the worst block, and the blocks next to it that are more than twice as bad as the middle one."""
    if len(sums) < 2:
        return sums
    shares = [x / (x + y) if x + y else 0.0 for x, y in sums]
    middle, first = sorted(shares)[len(shares) // 2], shares.index(max(shares))
    last = first
    while first > 0 and shares[first - 1] > 2 * middle:
        first -= 1
    while last + 1 < len(shares) and shares[last + 1] > 2 * middle:
        last += 1
    return sums[:first] + sums[last + 1 :]


def _dispersion(kind: Literal["share", "rate"], parts: list[list[tuple[float, float]]]) -> float:
    spread = freedom = 0.0
    for sums in parts:
        x, y = _whole(sums)
        if len(sums) < 2 or not x or not y:
            continue
        share, others = (x / (x + y), y / (x + y)) if kind == "share" else (x / y, 1.0)
        sizes = [sum(pair) if kind == "share" else pair[1] for pair in sums]
        spread += sum(
            (pair[0] - share * size) ** 2 / (share * others * size)
            for pair, size in zip(sums, sizes, strict=True)
            if size
        )
        freedom += len(sums) - 1
    return spread / freedom if freedom >= FEWEST_FREE else 1.0


def _expected(freedom: int) -> float:
    """Return what X² must exceed to show bursts: of few blocks it scatters, so only what is beyond its 75% point."""
    return freedom if freedom >= FEW_BLOCKS - 1 else chi_square(freedom, 0.95)


def caution(edge: Edge, counts: Counts) -> float:
    """Return the factor by which a guard divides evidence against an edge of a share, for bursts seen or unseen.

    It is like `inflation`, at the upper 95% end (X² over the 5% point of chi-square). Unseen bursts count as `HIDDEN`.
    They count as half of it after an hour (`KNOWN`) with at least as many failures as blocks and without bursts (X²
    below the 95% point). A baseline with bursts may not have shown the worst, so it earns no such discount.
    """
    sums = blocks(counts)
    if edge.at >= (reach(counts) if edge.above else 1):
        return 1.0
    bad, good = _whole(sums)
    if len(sums) < 4 or not bad or not good:
        return _at(edge, sums, HIDDEN)
    freedom = len(sums) - 1
    bursts = _relative(sums, chi_square(freedom, 0.95)) > 0
    known = 0.0 if bursts else min(1.0, _span(counts) / KNOWN, bad / len(sums))
    return _at(edge, sums, max(_relative(sums, chi_square(freedom, 0.05)), HIDDEN * (1 - known / 2)))


def reach(counts: Counts) -> float:
    """Return the share of bad that a healthy system's bursts may reach (`REACH`), at the baseline's upper 95% end.

    The upper end of a share is that of a Poisson count (Garwood, Biometrika 28, 1936, https://doi.org/10.2307/2333958).
    """
    from scipy.special import gammaincinv

    sums = blocks(counts)
    bad, good = _whole(sums)
    if not bad + good:
        return 1.0
    most = min(0.999, float(gammaincinv(bad + 1, 0.95)) / (bad + good))
    odds = REACH * most / (1 - most)
    return max(odds / (1 + odds), *(pair[0] / sum(pair) for pair in sums))


def correlation_time(values: Sequence[float]) -> float:
    """Return how many readings of a gauge are worth one independent reading; 1 for a gauge that never moves.

    It is the larger of two estimates, and at most the number of readings. The first is the integrated autocorrelation
    time, summed over lags up to five times itself (Sokal, Monte Carlo Methods in Statistical Mechanics, 1997,
    https://doi.org/10.1007/978-1-4899-0319-8_6). The second is that of an autoregression, (1 + r)/(1 − r). Its r is one
    standard error above the estimate, corrected for few readings (Kendall, Biometrika 41, 1954,
    https://doi.org/10.2307/2332720).
    """
    size = len(values)
    mean = sum(values) / size if values else 0.0
    moves = [value - mean for value in values]
    variance = sum(move * move for move in moves)
    if not variance:
        return 1.0
    time = 1.0
    for lag in range(1, size):
        time += 2 * sum(move * later for move, later in zip(moves, moves[lag:], strict=False)) / variance
        if lag >= min(5 * time, LAGS):
            break
    follows = sum(move * later for move, later in itertools.pairwise(moves)) / variance
    follows += (1 + 3 * follows) / size + sqrt(max(0.0, 1 - follows * follows) / size)
    onwards = (1 + follows) / (1 - follows) if follows < 1 else float(size)
    return min(float(size), max(1.0, time, onwards))


def _whole(sums: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(pair[0] for pair in sums), sum(pair[1] for pair in sums)


def _span(counts: Counts) -> float:
    return counts[-1][0] - counts[0][0] + (counts[-1][0] - counts[0][0]) / max(1, len(counts) - 1) if counts else 0.0


def _relative(sums: list[tuple[float, float]], freedom: float) -> float:
    bad, good = _whole(sums)
    share, each = bad / (bad + good), (bad + good) / len(sums)
    spread = sum((x - share * (x + y)) ** 2 / (share * (1 - share) * (x + y)) for x, y in sums)
    return max(0.0, spread / freedom - 1) * (1 - share) / (each * share)


def _at(edge: Edge, sums: list[tuple[float, float]], relative: float) -> float:
    """Return the inflation at an edge; at most the requests of a block, if all of them fail together."""
    each = sum(map(sum, sums)) / max(1, len(sums))
    return min(1 + each * relative * edge.at / (1 - edge.at), max(1.0, each))


def chi_square(freedom: float, chance: float) -> float:
    """Return the point below which chi-square lies with this chance."""
    from scipy.special import gammaincinv

    return 2 * float(gammaincinv(freedom / 2, chance))
