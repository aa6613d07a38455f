"""Whether counts run clearly above what they were before: rates of events, with a stated chance of a false sign."""

from __future__ import annotations

from collections.abc import Sequence

from gameday.steady_state.judging.baseline import chi_square

FEWEST = 3
"""Degrees of freedom with which bursts can be told; with fewer the counts are taken to be as bursty as `BURSTIEST`."""

BURSTIEST = 10.0
"""The events that are taken to come at once where too few periods tell (as `baseline.LARGEST`)."""

CAUTION = 0.01
"""The chance that the time before shows shorter bursts than there are: a false sign needs that, and luck besides. By
simulation (1e-4, eleven periods) bursts of 3 to 8 events, six a period and more, give one in less than 0.2% of runs."""


def shows(before: Sequence[float], after: Sequence[float], chance: float) -> bool:
    """Whether some run of consecutive periods in `after` counts clearly more a period than `before`.

    Both are counts of periods of one length, oldest first; `after` begins with the period in which the cause did, all
    of which counts as time: what it counted before the cause is background too. While a Poisson stream stays as it is,
    the answer is yes with a probability of at most `chance`, however long and however often one looks: the counts of a
    period only grow while it fills, so that all looks at a run of periods are one test, and the tests of the j runs
    that end with the j-th period spend chance/(j(j+1)) together, which sums up to `chance` (Bonferroni's inequality).
    Nothing shows where no period before is known.
    """
    if not before:
        return False
    return any(
        p_value(before, after[first:last]) <= chance / (last * last * (last + 1))
        for last in range(1, len(after) + 1)
        for first in range(last)
    )


def p_value(before: Sequence[float], after: Sequence[float]) -> float:
    """The chance of at least as many events as in the periods `after` at the rate of `before`.

    Given the sum of both, the later count of a Poisson stream is binomial with the later share of the time: exact, also
    where there was nothing before (Przyborowski and Wilenski, Biometrika 31, 1940, https://doi.org/10.2307/2332612).
    Events that come in bursts are counted in bursts: all counts are divided by `burst`.
    """
    was, count = sum(before), sum(after)
    if count * len(before) <= was * len(after):
        return 1.0
    from scipy.special import betainc

    size = burst(before, after) if was else 1.0
    return float(betainc(count / size, was / size + 1, len(after) / (len(after) + len(before))))


def burst(*parts: Sequence[float]) -> float:
    """How many events come at once, at least 1: the variance of counts over a Poisson stream's, each part at its rate.

    The upper end of it, as a guard is inflated (`baseline.inflation`): Pearson's X² over a low point of chi-square.
    Bursts that last for more than a period, or that are rarer than all periods together, are not known from it.
    """
    freedom = sum(len(part) - 1 for part in parts)
    if freedom < FEWEST:
        return BURSTIEST
    means = [sum(part) / len(part) for part in parts]
    spread = sum((one - mean) ** 2 / mean for part, mean in zip(parts, means, strict=True) if mean for one in part)
    return max(1.0, spread / chi_square(freedom, CAUTION))
