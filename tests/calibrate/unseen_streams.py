"""Streams on which nothing was tuned: written before the judgements that they test, and apart from `streams`.

All return whole runs, a value or a pair of counts a second. Nothing happens in them but what their names say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BEFORE, DURING, AFTER = 300, 420, 300
WHOLE = BEFORE + DURING + AFTER
EACH = 50
"""Requests a second."""

Values = NDArray[np.float64]
Counts = tuple[Values, Values]
"""(total, bad) of each second."""


def _tried(rng: np.random.Generator, each: Values | float) -> Values:
    return rng.poisson(each, WHOLE).astype(float)


def _failed(rng: np.random.Generator, total: Values, share: Values | float) -> Values:
    return rng.binomial(total.astype(int), share, WHOLE).astype(float)


def independent(rng: np.random.Generator, share: float = 0.002) -> Counts:
    """Let each request fail by itself."""
    total = _tried(rng, EACH)
    return total, _failed(rng, total, share)


def power_law(rng: np.random.Generator) -> Counts:
    """Fail eightfold in bursts whose lengths follow a power law; the mean share of bad is 0.3%."""
    calm, share = 0.002, np.full(WHOLE, 0.002)
    for begun in rng.uniform(-300, WHOLE, rng.poisson((WHOLE + 300) * 0.07 / 12)):
        lasts = 12 * 0.6 * (1 + rng.pareto(1.6))
        share[max(0, int(begun)) : max(0, int(begun + min(lasts, 240)))] = 8 * calm
    total = _tried(rng, EACH)
    return total, _failed(rng, total, share)


def clusters(rng: np.random.Generator, every: float, size: tuple[int, int], alone: float = 0.0005) -> Counts:
    """Fail many requests at once, as a pool that is reset does, spread over at most three seconds."""
    total = _tried(rng, EACH)
    bad = _failed(rng, total, alone)
    for begun in rng.uniform(0, WHOLE, rng.poisson(WHOLE / every)).astype(int):
        for late in rng.integers(0, 3, rng.integers(size[0], size[1] + 1)):
            bad[min(begun + late, WHOLE - 1)] += 1
    return total + np.maximum(0, bad - total), bad


def few_clusters(rng: np.random.Generator) -> Counts:
    """Fail 0.2%: one cluster of 30 to 40 every four minutes and a half, and a few alone."""
    return clusters(rng, 270, (30, 40))


def clusters_beyond(rng: np.random.Generator) -> Counts:
    """Fail 1.3%, about 20 at a time: beyond a bound of 99%."""
    return clusters(rng, 20 / (0.0125 * EACH), (15, 25))


def clusters_begin(rng: np.random.Generator) -> Counts:
    """Fail 0.2% one by one; from the injection on 1.3%, about 20 at a time."""
    calm, worse = independent(rng), clusters_beyond(rng)
    known = np.arange(WHOLE) < BEFORE
    return np.where(known, calm[0], worse[0]), np.where(known, calm[1], worse[1])


def batches(rng: np.random.Generator, size: int = 60) -> Values:
    """Count 50 events a second that come in batches of geometric sizes, as from consumers of a queue."""
    events = np.zeros(WHOLE)
    for begun in rng.uniform(0, WHOLE, rng.poisson(WHOLE * EACH / size)).astype(int):
        events[begun] += rng.geometric(1 / size)
    return events


def _autoregressive(rng: np.random.Generator, tau: float, size: int = WHOLE) -> Values:
    keep, noise = np.exp(-1 / tau), rng.normal(size=size)
    values = np.empty(size)
    values[0] = noise[0]
    for second in range(1, size):
        values[second] = keep * values[second - 1] + np.sqrt(1 - keep * keep) * noise[second]
    return values


def wandering_rate(rng: np.random.Generator) -> Values:
    """Count 50 events a second; the rate wanders by 8% within about a minute."""
    return rng.poisson(EACH * np.exp(0.08 * _autoregressive(rng, 60))).astype(float)


def wandering_traffic(rng: np.random.Generator) -> Counts:
    """Let the traffic wander by 5% within half a minute, and drift by up to 20% an hour; 0.2% fail."""
    drift = 1 + rng.uniform(-0.2, 0.2) * np.arange(WHOLE) / 3600
    total = _tried(rng, EACH * drift * np.exp(0.05 * _autoregressive(rng, 30)))
    return total, _failed(rng, total, 0.002)


def noise_gauge(rng: np.random.Generator) -> Values:
    """Read 10, and 0 in 2% of all readings."""
    return np.where(rng.random(WHOLE) < 0.02, 0.0, 10.0)


def wandering_gauge(rng: np.random.Generator, out: float, tau: float = 30) -> Values:
    """Wander around 0, above a level for a share `out` of the time; the level is subtracted."""
    from scipy.special import ndtri

    return _autoregressive(rng, tau) - float(ndtri(1 - out))


def capacity(rng: np.random.Generator) -> Values:
    """Read 6, and 5 for a minute once in forty: a normal replacement."""
    values = np.full(WHOLE, 6.0)
    for begun in rng.uniform(-60, WHOLE, rng.poisson((WHOLE + 60) / 2400)).astype(int):
        values[max(0, begun) : max(0, begun + 60)] = 5
    return values


def lost(rng: np.random.Generator, left: float, lasts: float) -> Counts:
    """Lose requests on their way for a part of the fault: a share `left` of them arrives."""
    each = np.full(WHOLE, float(EACH))
    begun = BEFORE + int(rng.uniform(0, DURING - lasts)) if lasts < DURING else BEFORE
    each[begun : begun + int(lasts)] *= left
    total = _tried(rng, each)
    return total, _failed(rng, total, 0.0005)


def outage(rng: np.random.Generator, lasts: float = 100) -> Counts:
    """Fail all requests for `lasts` seconds from a moment within the fault's first minute."""
    begun = BEFORE + int(rng.uniform(0, 60))
    share = np.full(WHOLE, 0.0005)
    share[begun : begun + int(lasts)] = 1.0
    total = _tried(rng, EACH)
    return total, _failed(rng, total, share)


def blips(rng: np.random.Generator) -> Counts:
    """Fail all requests for two seconds once in twenty minutes: a normal failover."""
    share = np.full(WHOLE, 0.0005)
    for begun in rng.uniform(0, WHOLE, rng.poisson(WHOLE / 1200)).astype(int):
        share[begun : begun + 2] = 1.0
    total = _tried(rng, EACH)
    return total, _failed(rng, total, share)
