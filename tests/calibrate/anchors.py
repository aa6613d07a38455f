"""What others do, on the same streams: alarms of periods, burn rates, a threshold, and the exact optimum."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Bad = NDArray[np.bool_]
"""Requests × streams, one every 20 ms."""


def periods(bad: Bad, length: int, limit: float, wanted: int = 1, of: int = 1) -> NDArray[np.float64]:
    """The request at which an alarm of M of N periods first fires: shares over the limit; infinity where it does not.

    M of N as CloudWatch's `DatapointsToAlarm` and `EvaluationPeriods`.
    """
    whole = bad[: len(bad) // length * length].reshape(-1, length, bad.shape[1]).mean(axis=1) > limit
    return (_first(_last(whole, of) >= wanted) + 1) * length


def burn(bad: Bad, short: int, long: int, times: float, budget: float) -> NDArray[np.float64]:
    """Multiwindow burn rate (The Site Reliability Workbook, chapter 5): both windows burn the budget so much too fast.

    What is before the stream counts as good.
    """
    over = (_last(bad, short) > times * budget * short) & (_last(bad, long) > times * budget * long)
    return _first(over) + 1


def rank_test(bad: Bad, point: int, control: int, fresh: int) -> NDArray[np.float64]:
    """Kayenta's judge on one metric, looked at after each point: the last points against those at the beginning.

    High where the 98% interval of the Hodges-Lehmann shift lies over a quarter of it (MannWhitneyClassifier of the
    NetflixACAJudge, https://github.com/spinnaker/kayenta), here by the normal approximation of the ranks.
    """
    shares = bad[: len(bad) // point * point].reshape(-1, point, bad.shape[1]).mean(axis=1)
    usual = shares[:control]
    order = control * fresh / 2 - 2.326 * np.sqrt(control * fresh * (control + fresh + 1) / 12)
    fired = np.zeros(shares.shape, bool)
    for end in range(control + fresh, len(shares) + 1):
        shifts = np.sort((shares[None, end - fresh : end] - usual[:, None]).reshape(-1, bad.shape[1]), axis=0)
        fired[end - 1] = shifts[max(0, int(order))] > 0.25 * np.abs(np.median(shifts, axis=0))
    return (_first(fired) + 1) * point


def optimum(bad: Bad, healthy: float, broken: float, every: float) -> NDArray[np.float64]:
    """CUSUM for the true change, which nothing beats (Moustakides, Annals of Statistics 14, 1986)."""
    good, worse, limit = _cusum(healthy, broken, every)
    height, fired = np.zeros(bad.shape[1]), np.full(bad.shape[1], np.inf)
    for index, one in enumerate(bad):
        height = np.maximum(0, height + np.where(one, worse, -good))
        fired = np.where((height >= limit) & np.isinf(fired), index + 1, fired)
    return fired


@cache
def _cusum(healthy: float, broken: float, every: float) -> tuple[int, int, int]:
    """Steps for good and bad requests on a lattice, and the height with an average run of `every` (a Markov chain)."""
    good = np.log((1 - healthy) / max(1 - broken, 1e-9))
    unit = good / 4
    down, up = max(1, round(good / unit)), max(1, round(np.log(broken / healthy) / unit))
    low, high = up, round(1.2 * np.log(every) / unit)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _run(middle, down, up, healthy) >= every else (middle + 1, high)
    return down, up, low


def _run(limit: int, down: int, up: int, healthy: float) -> float:
    from scipy.linalg import solve

    states = np.arange(limit)
    matrix = np.eye(limit)
    matrix[states, np.maximum(0, states - down)] -= 1 - healthy
    on = states + up < limit
    matrix[states[on], states[on] + up] -= healthy
    return float(solve(matrix, np.ones(limit))[0])


def _last(flags: Bad, size: int) -> NDArray[np.int64]:
    sums = np.cumsum(flags, axis=0, dtype=np.int64)
    before = np.zeros_like(sums)
    before[size:] = sums[:-size] if size < len(sums) else sums[:0]
    return sums - before


def _first(fired: Bad) -> NDArray[np.float64]:
    return np.where(fired.any(axis=0), fired.argmax(axis=0), np.inf)
