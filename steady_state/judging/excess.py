"""A test of whether event counts rose clearly above their earlier level, with a stated chance of a false sign."""

from __future__ import annotations

from collections.abc import Sequence

from gameday.steady_state.judging.baseline import chi_square

FEWEST = 3
"""The fewest degrees of freedom that show bursts; with fewer, counts are assumed to be as bursty as `BURSTIEST`."""

BURSTIEST = 10.0
"""The events that are assumed to come at once if there are too few periods (as `baseline.LARGEST`)."""

CAUTION = 0.01
"""The chance that the time before shows smaller bursts than the true ones; a false sign needs that and more chance.

By simulation (1e-4, eleven periods) bursts of 3 to 8 events, six a period and more, give a false sign in less than 0.2%
of runs."""


def shows(before: Sequence[float], after: Sequence[float], chance: float) -> bool:
    """Tell whether some run of consecutive periods in `after` counts clearly more per period than `before`.

    Both are counts of equally long periods, oldest first. `after` begins with the period in which the cause began. All
    of that period counts as time, since its events before the cause are background too.

    If a Poisson stream does not change, the answer is true with a probability of at most `chance`, even if the caller
    asks after every event. The count of a period only grows while it fills, so all looks at a run of periods are one
    test. The tests of the j runs that end with the j-th period spend chance/(j(j+1)) together, which sums up to
    `chance` (Bonferroni's inequality). Without a period before, the answer is false.
    """
    if not before:
        return False
    return any(
        p_value(before, after[first:last]) <= chance / (last * last * (last + 1))
        for last in range(1, len(after) + 1)
        for first in range(last)
    )


def p_value(before: Sequence[float], after: Sequence[float]) -> float:
    """Return the chance of at least as many events as in the periods `after` at the rate of `before`.

    Given the sum of both, the later count of a Poisson stream is binomial with the later share of the time. That is
    exact, even without events before (Przyborowski and Wilenski, Biometrika 31, 1940,
    https://doi.org/10.2307/2332612). `burst` divides all counts, so that a burst of events counts once.
    """
    was, count = sum(before), sum(after)
    if count * len(before) <= was * len(after):
        return 1.0
    from scipy.special import betainc

    size = burst(before, after) if was else 1.0
    return float(betainc(count / size, was / size + 1, len(after) / (len(after) + len(before))))


def burst(*parts: Sequence[float]) -> float:
    """Return how many events come at once, at least 1: the variance of counts over that of Poisson streams.

    Each part has its own rate. The result is the upper end, as in `baseline.inflation`: Pearson's X² over a low point
    of chi-square. It misses bursts that last longer than a period, or that are rarer than all periods together.
    """
    freedom = sum(len(part) - 1 for part in parts)
    if freedom < FEWEST:
        return BURSTIEST
    means = [sum(part) / len(part) for part in parts]
    spread = sum((count - mean) ** 2 / mean for part, mean in zip(parts, means, strict=True) if mean for count in part)
    return max(1.0, spread / chi_square(freedom, CAUTION))
