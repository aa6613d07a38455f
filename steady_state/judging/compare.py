"""Tests of a share or a rate against an edge, and of two shares or two rates against each other with a margin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import acos, copysign, cos, erfc, pi, sqrt

from gameday.steady_state.samples import Tally

POWER_80 = 0.8416
"""The standard normal's 80% point: a test finds such an effect four times out of five."""


@dataclass(frozen=True, slots=True)
class Tails:
    """The chances to see so few, or so many, if the truth lay exactly at the edge."""

    at_most: float  # small: proven below the edge
    at_least: float  # small: proven above the edge


def share_tails(edge: float, bad: float, total: float) -> Tails:
    """Return the exact binomial tails of `bad` out of `total` at a share of `edge`.

    They hold for the mean share of a stretch even if the share moves, as in a dip and its recovery. A sum of unlike
    trials varies no more than a binomial of the same mean (Hoeffding, Annals of Mathematical Statistics 27, 1956,
    https://doi.org/10.1214/aoms/1177728178). No finite sample could prove an edge of 0 or 1; there the counts decide.
    """
    if edge <= 0 or edge >= 1:
        over = bad > edge * total
        return Tails(at_most=1.0 if over else 0.0, at_least=0.0 if over else 1.0)
    from scipy.special import betainc, betaincc

    below = float(betaincc(bad + 1, total - bad, edge)) if bad < total else 1.0
    above = float(betainc(bad, total - bad + 1, edge)) if bad > 0 else 1.0
    return Tails(below, above)


def rate_tails(edge: float, events: float, seconds: float, inflation: float) -> Tails:
    """Return the Poisson tails of `events` in `seconds` at a rate of `edge`; the inflation divides both counts."""
    from scipy.special import gammainc, gammaincc

    mean, seen = edge * seconds / inflation, events / inflation
    return Tails(float(gammaincc(seen + 1, mean)), float(gammainc(seen, mean)) if seen > 0 else 1.0)


def rates_tails(times: float, now: Tally, before: Tally, inflation: float) -> Tails:
    """Return the tails of the rate `now` against `times` the rate `before`.

    Given the sum of both counts, each count is binomial (Przyborowski and Wilenski, Biometrika 31, 1940,
    https://doi.org/10.2307/2332612). `total` of a tally is its events.
    """
    edge = times * now.seconds / (times * now.seconds + before.seconds)
    return share_tails(edge, now.total / inflation, (now.total + before.total) / inflation)


@dataclass(frozen=True, slots=True)
class Spread:
    """The inflation of a share's variance by bursts: 1 + each · relative · q/(1 − q) at a share q, at most `each`."""

    relative: float = 0.0  # relative variance of the blocks' shares
    each: float = 1.0  # requests in a block

    def at(self, share: float) -> float:
        """Return the inflation at a share of bad."""
        odds = share / max(1 - share, 1e-9)
        return min(1 + self.each * self.relative * odds, max(1.0, self.each))


def score(now: Tally, before: Tally, margin: float, spread: Spread | None = None) -> float:
    """Return how many standard errors the change of the share of bad lies above `margin` (negative: below).

    It is Miettinen and Nurminen's score (Statistics in Medicine 4, 1985, https://doi.org/10.1002/sim.4780040211). It
    takes the variance at the best fit among shares that differ by exactly `margin`. `spread` inflates it for bursts.
    """
    bursts = spread or Spread()
    first, second = _fit(now, before, margin)
    size = now.total + before.total
    variance = (
        first * (1 - first) / now.total * bursts.at(first) + second * (1 - second) / before.total * bursts.at(second)
    ) * (size / (size - 1))
    excess = now.bad / now.total - before.bad / before.total - margin
    if variance > 0:
        return excess / sqrt(variance)
    return copysign(1e9, excess) if excess else 0.0


def _fit(now: Tally, before: Tally, margin: float) -> tuple[float, float]:
    # The closed solution of the likelihood's cubic equation, from the appendix of the paper above, with its names.
    size, bad = now.total + before.total, now.bad + before.bad
    l2 = (now.total + 2 * before.total) * margin - size - bad
    l1 = (before.total * margin - size - 2 * before.bad) * margin + bad
    l0 = before.bad * margin * (1 - margin)
    third = l2 / (3 * size)
    q = third**3 - l1 * third / (2 * size) + l0 / (2 * size)
    p = copysign(sqrt(max(0.0, third**2 - l1 / (3 * size))), q)
    angle = (pi + acos(min(1.0, max(-1.0, q / p**3)))) / 3 if p else 0.0
    second = min(max(2 * p * cos(angle) - third, 0.0, -margin), 1.0, 1 - margin)
    return second + margin, second


def beyond(errors: float) -> float:
    """Return the chance that a standard normal lies above so many standard errors."""
    return erfc(errors / sqrt(2)) / 2


def interval(now: Tally, before: Tally, point: float, spread: Spread) -> tuple[float, float]:
    """Return the lowest and highest change of the share of bad within `point` standard errors by the score."""
    seen = now.bad / now.total - before.bad / before.total
    low = _root(lambda margin: score(now, before, margin, spread) - point, -1.0, seen)
    high = _root(lambda margin: score(now, before, margin, spread) + point, seen, 1.0)
    return low, high


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(50):
        middle = (low + high) / 2
        if falling(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
