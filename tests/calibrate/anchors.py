"""Other rules on the same streams: alarms of periods, burn rates, a threshold, Kayenta; and the exact optimum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from math import floor

import numpy as np
from numpy.typing import NDArray

from tests.calibrate.streams import EDGE

Bad = NDArray[np.bool_]
Counts = NDArray[np.int64]
"""Counts of each second and stream."""

Rule = Callable[[Counts, Counts, int], Bad]
"""(bad, total, seconds known before injection) → whether the rule alarms at the end of each second, for each stream."""


def periods(bad: Counts, total: Counts, known: int, length: int, wanted: int = 1, of: int = 1) -> Bad:
    """Alarm if in M of N periods the share of bad is over the limit; a period without traffic is not over it.

    M and N are CloudWatch's `DatapointsToAlarm` and `EvaluationPeriods`.
    """
    over = _summed(bad, length) > EDGE * _summed(total, length)
    return _held(_last(over, of) >= wanted, length, len(bad))


def burn(bad: Counts, total: Counts, known: int, short: int = 300, long: int = 3600, times: float = 14.4) -> Bad:
    """Alarm by a multiwindow burn rate (The Site Reliability Workbook, chapter 5): both windows burn too fast.

    The time before the stream counts as good.
    """
    limit = times * EDGE * total.mean(axis=0)
    return (_last(bad, short) > limit * short) & (_last(bad, long) > limit * long)


def rank_test(bad: Counts, total: Counts, known: int, point: int = 60, fresh: int = 5) -> Bad:
    """Alarm by Kayenta's judge on a metric after each point: the last points against ten from before injection.

    A point is high if the 98% interval of the Hodges-Lehmann shift lies over a quarter of it (MannWhitneyClassifier of
    the NetflixACAJudge, https://github.com/spinnaker/kayenta), here by the normal approximation of the ranks.
    """
    begins = known // point
    shares = _summed(bad, point) / np.maximum(1, _summed(total, point))
    usual = shares[max(0, begins - 600 // point) : begins]
    fired = np.zeros(shares.shape, bool)
    for end in range(begins + fresh, len(shares) + 1):
        fired[end - 1] = higher(usual, shares[end - fresh : end])
    return _held(fired, point, len(bad))


def higher(usual: NDArray[np.float64], fresh: NDArray[np.float64]) -> Bad:
    """Tell whether Kayenta's classifier calls the fresh values (values × streams) higher than usual."""
    pairs = len(usual) * len(fresh)
    order = floor(pairs / 2 - 2.326 * np.sqrt(pairs * (len(usual) + len(fresh) + 1) / 12))
    shifts = np.sort((fresh[None] - usual[:, None]).reshape(pairs, -1), axis=0)
    found: Bad = (order >= 0) & (shifts[max(0, order)] > 0.25 * np.abs(np.median(shifts, axis=0)))
    return found


ALARMS: Mapping[str, Rule] = {
    "CloudWatch 3 of 5 x 60s": partial(periods, length=60, wanted=3, of=5),
    "CloudWatch 3 of 5 x 10s": partial(periods, length=10, wanted=3, of=5),
    "a threshold, 10s": partial(periods, length=10),
    "burn rate 14.4, 1h and 5m": burn,
}
RULES: Mapping[str, Rule] = {**ALARMS, "Kayenta's rule, 60s points": rank_test}


def first(fired: Bad) -> NDArray[np.float64]:
    """Return the seconds after which each stream's alarm first fires; infinity if it does not."""
    return np.where(fired.any(axis=0), fired.argmax(axis=0) + 1, np.inf)


def back(bad: Counts, total: Counts, known: int) -> dict[str, float]:
    """Return when each alarm over a stream last ended, in seconds after it first fired; infinity if it did not end.

    Kayenta's rule compares windows, and has no such moment.
    """
    times = {}
    for name, rule in ALARMS.items():
        fired = np.flatnonzero(rule(bad[:, None], total[:, None], known)[known:, 0])
        ended = len(fired) and fired[-1] < len(bad) - known - 1
        times[name] = float(fired[-1] + 1 - fired[0]) if ended else np.inf
    return times


def errors(times: list[dict[str, float]], truths: list[float]) -> dict[str, str]:
    """Write how far the recovery times of alarms lie from the truth; none of them has an interval."""
    texts = {"Kayenta's rule": "- (it compares two windows, and gives no moment)"} if times else {}
    for name in times[0] if times else ():
        off = np.array([time[name] - truth for time, truth in zip(times, truths, strict=True)])
        seen = off[np.isfinite(off)]
        median = f"median error {np.median(seen):+.0f}s" if len(seen) else "never"
        texts[name] = f"no interval; {median}, known in {len(seen)} of {len(off)}"
    return texts


def none(why: str) -> dict[str, str]:
    """Return the anchor of a row that no other rule answers."""
    return {"none of them": f"- ({why})"}


def optimum(bad: Bad, healthy: float, broken: float, every: float) -> NDArray[np.float64]:
    """Run CUSUM for the true change, request by request: no rule beats it (Moustakides, Annals of Statistics 14, 1986).

    Returns the request at which it finds each stream (a column); infinity if it does not.
    """
    good, worse, limit = _cusum(healthy, broken, every)
    height, fired = np.zeros(bad.shape[1]), np.full(bad.shape[1], np.inf)
    for index, failed in enumerate(bad):
        height = np.maximum(0, height + np.where(failed, worse, -good))
        fired = np.where((height >= limit) & np.isinf(fired), index + 1, fired)
    return fired


@cache
def _cusum(healthy: float, broken: float, every: float) -> tuple[int, int, int]:
    """Return lattice steps for good and bad requests, and the height for an average run of `every` (Markov chain)."""
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


def _summed(counts: Counts, length: int) -> Counts:
    whole = len(counts) // length
    found: Counts = counts[: whole * length].reshape(whole, length, -1).sum(axis=1)
    return found


def _held(fired: Bad, length: int, seconds: int) -> Bad:
    """Spread the states at the ends of periods over the seconds: each second has the state of the last ended period."""
    ended = (np.arange(seconds) + 1) // length
    found: Bad = np.concatenate([np.zeros((1, fired.shape[1]), bool), fired])[ended]
    return found


def _last(flags: Bad | Counts, size: int) -> Counts:
    sums = np.cumsum(flags, axis=0, dtype=np.int64)
    before = np.zeros_like(sums)
    before[size:] = sums[:-size] if size < len(sums) else sums[:0]
    found: Counts = sums - before
    return found
