"""Random numbers for the twin: a stream for each purpose, drawn in blocks, the same for the same seed.

The seed and a name (`service/web`) determine a stream. So a fault, a retry or another module never shifts other
streams: with and without a fault the same customers arrive at the same instants (common random numbers, Law, Simulation
Modeling and Analysis, chapter 11). Blocks have a fixed size, so a stream does not depend on the steps in which time
advances. NumPy may change a distribution's stream between feature releases (NEP 19), so repeating a run takes the same
NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import chain
from zlib import crc32

import numpy as np
import numpy.typing as npt

BLOCK = 1024

_Z95 = 1.6448536269514722
"""The 95th percentile of the standard normal distribution."""

Draw = Callable[[], float]
"""The next number of a stream."""


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, crc32(name.encode())])))


def _stream(block: Callable[[], npt.NDArray[np.float64]]) -> Draw:
    return chain.from_iterable(iter(lambda: block().tolist(), [])).__next__


def uniform(seed: int, name: str) -> Draw:
    """Draw numbers in [0, 1)."""
    generator = _generator(seed, name)
    return _stream(lambda: generator.random(BLOCK))


def lognormal(seed: int, name: str, p50: float, p95: float) -> Draw:
    """Draw lognormal numbers with this median and 95th percentile: μ = ln p50, σ = ln(p95/p50) / z₀.₉₅."""
    generator, mean, sigma = _generator(seed, name), math.log(p50), math.log(p95 / p50) / _Z95
    return _stream(lambda: generator.lognormal(mean, sigma, BLOCK))


def arrivals(seed: int, rate: float, shares: list[float], start: float) -> Iterator[tuple[float, int]]:
    """Draw (time, index into `shares`) of each customer: a Poisson process of `rate` per second, split by shares."""
    gaps, choices = _generator(seed, "arrivals"), _generator(seed, "journeys")
    borders = np.cumsum(shares)[:-1] / sum(shares)
    while True:
        times = start + np.cumsum(gaps.exponential(1 / rate, BLOCK))
        start = float(times[-1])
        chosen = np.searchsorted(borders, choices.random(BLOCK), side="right")
        yield from zip(times.tolist(), chosen.tolist(), strict=True)
