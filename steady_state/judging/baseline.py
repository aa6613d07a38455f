"""What the time before tells of a KPI's noise: how much its bad requests, or its events, come in bursts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from gameday.steady_state.judging.edges import Edge
from gameday.steady_state.samples import CLOSE

Counts = tuple[tuple[float, float, float], ...]
"""Bins as (start, x, y), where (x, y) is what `edges.count` says: (bad, good) or (events, seconds)."""

BLOCK = 30.0
"""Seconds of a block over which bursts are looked for, where the baseline is long enough to have ten of them."""

LARGEST = 10.0
"""The largest inflation of a rate, a gauge or an estimate; that of a guarded share may be what its blocks allow."""

REACH = 10.0
"""Bursts reach ten times the baseline's odds of bad, or what its worst block shows; an edge beyond is out of reach."""

HIDDEN = 1.15
"""The bursts that a baseline may hide while it is too short to show them, as the relative variance of its blocks'
shares: tenfold failures for a twentieth of the time, for 20 s each. Half of all stretches of five minutes see none."""

KNOWN = 3600.0
"""Seconds of baseline without bursts after which `HIDDEN` is halved, and no more, however long it is.

Bursts that come once in a baseline K stay unseen in a third of all, so that no length rules them out: the chance that
they stay unseen and one comes in a run L is at most L/(e K), one in 16 for an hour and ten minutes. Halved, evidence of
a burst like `HIDDEN` must still go on for seven times its mean length to be taken for a breach.
"""


def blocks(counts: Counts) -> list[tuple[float, float]]:
    """The bins summed over blocks of equal length: at least 30 s, of a baseline too short for ten of these a tenth.

    Equal, since a last block of a few bins, in which the one request fails, would look like a burst.
    """
    if not counts:
        return []
    span = _span(counts)
    many = max(1, min(int(span / CLOSE), max(10, int(span / BLOCK))))
    return [pair for pair in sums_over(counts, max(span / many, CLOSE)) if sum(pair) > 0]


def sums_over(counts: Sequence[tuple[float, float, float]], length: float) -> list[tuple[float, float]]:
    """The bins summed over blocks of so many seconds, the first of which begins with the first bin."""
    sums: dict[int, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for at, x, y in counts:
        block = int((at - counts[0][0]) / length)
        sums[block] = (sums[block][0] + x, sums[block][1] + y)
    return list(sums.values())


def inflation(edge: Edge, counts: Counts) -> float:
    """By how much the baseline's own bursts inflate the variance at `edge`, as it is estimated; at least 1.

    Requests that fail in bursts vary more than independent ones. Of K blocks with n requests and a share q of bad,
    Pearson's X² over K − 1 is the inflation at q. The bursts' relative variance k carries it to the edge:
    1 + n k q/(1 − q) (the beta-binomial's variance: Williams, Applied Statistics 31, 1982,
    https://doi.org/10.2307/2347977). Rates: the upper 95% end of X² of counts against a Poisson stream.

    1 where the baseline has too few failures (fewer than blocks) to show bursts, or the edge is out of their reach.
    """
    sums = blocks(counts)
    x, y = _whole(sums)
    if edge.kind == "rate":
        if len(sums) < 4 or x < len(sums):
            return 1.0
        spread = sum((one[0] - x / y * one[1]) ** 2 / (x / y * one[1]) for one in sums)
        return min(LARGEST, max(1.0, spread / chi_square(len(sums) - 1, 0.05)))
    if len(sums) < 4 or x < len(sums) or not y or not 0 < edge.at < reach(counts):
        return 1.0
    return min(LARGEST, _at(edge, sums, _relative(sums, len(sums) - 1)))


def caution(edge: Edge, counts: Counts) -> float:
    """By how much a guard divides evidence against an edge of a share: what bursts may do there, seen or not.

    As `inflation`, at the upper 95% end (X² over the 5% point of chi-square). What is not known of bursts is taken to
    be as bad as `HIDDEN`; as half of it after an hour (`KNOWN`) with at least as many failures as blocks which shows no
    bursts (X² below the 95% point). Of bursts that it does show the worst may yet come.
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
    """The share of bad that a healthy system's bursts may come to: see `REACH`; at the upper 95% end of the baseline's.

    The upper end of a share is that of a Poisson count (Garwood, Biometrika 28, 1936, https://doi.org/10.2307/2333958).
    """
    from scipy.special import gammaincinv

    sums = blocks(counts)
    bad, good = _whole(sums)
    if not bad + good:
        return 1.0
    most = min(0.999, float(gammaincinv(bad + 1, 0.95)) / (bad + good))
    odds = REACH * most / (1 - most)
    return max(odds / (1 + odds), *(one[0] / sum(one) for one in sums))


def correlation_time(values: Sequence[float]) -> float:
    """How many readings of a gauge tell as much as one independent one; 1 of a gauge that never moves.

    The integrated autocorrelation time, summed over lags up to five times itself (Sokal, Monte Carlo Methods in
    Statistical Mechanics, 1997, https://doi.org/10.1007/978-1-4899-0319-8_6); at most `LARGEST`.
    """
    mean = sum(values) / len(values) if values else 0.0
    moves = [value - mean for value in values]
    variance = sum(move * move for move in moves)
    if not variance:
        return 1.0
    time = 1.0
    for lag in range(1, len(moves)):
        time += 2 * sum(one * other for one, other in zip(moves, moves[lag:], strict=False)) / variance
        if lag >= 5 * time or time >= LARGEST:
            break
    return min(LARGEST, max(1.0, time))


def _whole(sums: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(one[0] for one in sums), sum(one[1] for one in sums)


def _span(counts: Counts) -> float:
    return counts[-1][0] - counts[0][0] + (counts[-1][0] - counts[0][0]) / max(1, len(counts) - 1) if counts else 0.0


def _relative(sums: list[tuple[float, float]], freedom: float) -> float:
    bad, good = _whole(sums)
    share, each = bad / (bad + good), (bad + good) / len(sums)
    spread = sum((x - share * (x + y)) ** 2 / (share * (1 - share) * (x + y)) for x, y in sums)
    return max(0.0, spread / freedom - 1) * (1 - share) / (each * share)


def _at(edge: Edge, sums: list[tuple[float, float]], relative: float) -> float:
    """The inflation at an edge; at most a block's requests, which would all fail together."""
    each = sum(map(sum, sums)) / max(1, len(sums))
    return min(1 + each * relative * edge.at / (1 - edge.at), max(1.0, each))


def chi_square(freedom: int, chance: float) -> float:
    """The point below which chi-square lies with this chance."""
    from scipy.special import gammaincinv

    return 2 * float(gammaincinv(freedom / 2, chance))
