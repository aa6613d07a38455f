"""Shares of bad for each second, with a mean of 0.5%: independent requests, and four kinds of bursts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Shares = NDArray[np.float64]
HEALTHY = 0.005
EDGE = 0.01


def even(rng: np.random.Generator, streams: int, seconds: int) -> Shares:
    """Keep the share constant."""
    return np.full((seconds, streams), HEALTHY)


def wandering(rng: np.random.Generator, streams: int, seconds: int) -> Shares:
    """Let the share's logarithm wander: autoregressive, 0.9 from second to second, standard deviation 0.5."""
    logs = np.empty((seconds, streams))
    logs[0] = rng.normal(0, 0.5, streams)
    for second in range(1, seconds):
        logs[second] = 0.9 * logs[second - 1] + rng.normal(0, 0.5 * np.sqrt(1 - 0.81), streams)
    return HEALTHY * np.exp(logs - 0.125)


def _spells(rng: np.random.Generator, streams: int, seconds: int, times: float, part: float, lasts: float) -> Shares:
    on = np.empty((seconds, streams), bool)
    on[0] = rng.random(streams) < part
    ends, begins = 1 / lasts, part / (1 - part) / lasts
    for second in range(1, seconds):
        on[second] = rng.random(streams) < np.where(on[second - 1], 1 - ends, begins)
    calm = HEALTHY / (1 + part * (times - 1))
    return np.where(on, calm * times, calm)


def spells(rng: np.random.Generator, streams: int, seconds: int) -> Shares:
    """Fail fivefold for a tenth of the time, 8 s each."""
    return _spells(rng, streams, seconds, 5, 0.1, 8)


def storms(rng: np.random.Generator, streams: int, seconds: int) -> Shares:
    """Fail tenfold for a twentieth of the time, 20 s each: 3.4% then, beyond a limit of 1%."""
    return _spells(rng, streams, seconds, 10, 0.05, 20)


def swells(rng: np.random.Generator, streams: int, seconds: int) -> Shares:
    """Fail eightfold for a twenty-fifth of the time, 15 s each on average, some far longer (Lomax, exponent 2.5)."""
    times, part, lasts, exponent = 8, 0.04, 15, 2.5
    early = 20 * lasts
    on = np.zeros((seconds, streams), bool)
    for stream, count in enumerate(rng.poisson(part / lasts * (seconds + early), streams)):
        begun = rng.uniform(-early, seconds, count)
        ended = begun + lasts * (exponent - 1) * rng.pareto(exponent, count)
        for first, last in zip(begun.astype(int), ended.astype(int), strict=True):
            on[max(0, first) : max(0, last), stream] = True
    calm = HEALTHY / (1 + part * (times - 1))
    return np.where(on, calm * times, calm)


MODELS = {"even": even, "wandering": wandering, "spells x5": spells, "storms x10": storms}
FRESH = {**MODELS, "swells x8": swells}
"""The models and another, on which nothing was ever tuned. It carries no promise: its bursts may last for minutes, like
real breaches."""


def tried(rng: np.random.Generator, each: float, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the requests of each second: exactly `each` if that is a whole number, else a Poisson draw."""
    return np.full(shape, int(each)) if each == int(each) else rng.poisson(each, shape)
