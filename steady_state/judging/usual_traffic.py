"""Whether as many requests came as usual: an outage may stop requests on their way, so that none of them fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log, sqrt

from gameday.steady_state.judging.baseline import sums_over
from gameday.steady_state.samples import CLOSE, Sample, Series, tally

CHANCE = 0.01
"""The chance that usual traffic looks lost; each verdict that it prevents is unknown, not wrong."""

BLOCKS = (10.0, 30.0, 60.0)
"""Lengths in seconds of the blocks that show how much traffic varies."""

FEWEST_BLOCKS = 5
"""Fewer blocks show no variance, so traffic counts as a Poisson stream."""

HALF = 0.5
"""Traffic that falls below half of the usual within a run is lost, also where it fell before the fault."""


@dataclass(frozen=True, slots=True)
class Usual:
    """How traffic usually comes, by a baseline: a rate per second, its trend and its noise."""

    rate: float
    slope: float  # per second and second
    noise: float  # the variance of a mean over one second; that of a Poisson stream is the rate
    errors: float  # so many standard errors mean `CHANCE`
    middle: float  # of the baseline, in seconds since the epoch
    seconds: float
    longest: float  # the longest stretch without traffic, in seconds

    @property
    def inflation(self) -> float:
        """How much more the traffic varies than a Poisson stream."""
        return max(1.0, self.noise / self.rate) if self.rate else 1.0

    def is_unusual(self, silence: float, within: float, chance: float = CHANCE) -> bool:
        """Tell whether no request in `silence` seconds, somewhere in a stretch, is a sign of lost requests."""
        if silence <= self.longest + CLOSE or not self.rate:
            return False
        return self.rate * silence / self.inflation > log(max(1.0, within / silence) / chance)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The requests that came in a stretch, beside the usual number with its interval."""

    came: float
    usual: float
    low: float
    high: float
    silent: float  # seconds without traffic that are not usual, with or without a bin
    blind: float  # seconds without a bin
    silence: float  # the longest of these stretches
    each: float  # usual requests a second

    @property
    def are_lost(self) -> bool:
        """Whether fewer came than any usual traffic explains."""
        return self.came < self.low

    @property
    def visible(self) -> float:
        """The smallest share of usual traffic whose loss would show, in 19 of 20 runs."""
        noise = (self.usual - self.low) / self.usual if self.usual else 1.0
        return min(1.0, noise * 1.7)


def usual_of(before: Series) -> Usual | None:
    """Return how traffic came in a baseline; None without traffic."""
    seen = tally(before)
    if not seen.total or not seen.seconds:
        return None
    rate, span = seen.total / seen.seconds, (before[0].start, before[-1].end)
    middle = sum(sample.start * sample.length for sample in before) / seen.seconds + before[0].length / 2
    spread = sum((_middle(sample) - middle) ** 2 * sample.length for sample in before)
    slope = sum((_middle(sample) - middle) * sample.total for sample in before) / spread if spread else 0.0
    level = tuple(
        replace(sample, total=sample.total - slope * (_middle(sample) - middle) * sample.length) for sample in before
    )
    noise, errors = max((_noise(level, length, rate) for length in BLOCKS), key=lambda pair: pair[0] * pair[1] ** 2)
    return Usual(rate, slope, noise, errors, middle, seen.seconds, max(map(_length, quiet(before, *span)), default=0.0))


def arrivals(usual: Usual, bins: Series, start: float, stop: float) -> Arrivals:
    """Compare the traffic of a stretch with the usual; the usual may drift evenly, as it did in the baseline or not.

    The variance of the drift is that of a line's slope, so that a stretch far from the baseline is less certain. Only
    the time with bins counts, but for the silence: without a bin, nobody knows what came.
    """
    lasts = max(CLOSE, sum(sample.length for sample in bins))
    apart = (start + stop) / 2 - usual.middle
    flat, line = usual.rate * lasts, max(0.0, usual.rate + usual.slope * apart) * lasts
    drift = 12 * (apart / usual.seconds) ** 2 / usual.seconds
    reach = usual.errors * sqrt(usual.noise * (1 / lasts + 1 / usual.seconds + drift)) * lasts
    half = HALF * flat
    least = half - usual.errors * sqrt(half * usual.inflation)
    silences = [_length(stretch) for stretch in quiet(bins, start, stop)]
    strange = [silence for silence in silences if usual.is_unusual(silence, stop - start)]
    silent = max(sum(strange), *(_thin(usual, bins, length) for length in (0.0, *BLOCKS)))
    low = max(0.0, least, min(flat, line) - reach)
    came, blind = tally(bins).total, sum(map(_length, missing(bins, start, stop)))
    return Arrivals(came, flat, low, max(flat, line) + reach, silent, blind, max(strange, default=0.0), usual.rate)


def _thin(usual: Usual, bins: Series, length: float) -> float:
    """Return how many seconds of usual traffic are missing in blocks of bins with less than half of it."""
    from scipy.special import gammaincc

    counts = [(sample.start, sample.total, sample.length) for sample in bins]
    blocks = sums_over(counts, max(length, bins[0].length)) if bins else []
    lost = 0.0
    for count, seconds in blocks:
        half, seen = HALF * usual.rate * seconds / usual.inflation, count / usual.inflation
        if seen < half and gammaincc(seen + 1, half) <= CHANCE / len(blocks) and seconds > usual.longest + CLOSE:
            lost += seconds - count / usual.rate
    return lost


def missing(bins: Series, start: float, stop: float) -> list[tuple[float, float]]:
    """Return the stretches without a bin; the rest of a bin at either edge is none."""
    edges = [(start, start), *((sample.start, sample.end) for sample in bins), (stop, stop)]
    gaps = [(ended, begun) for (_, ended), (begun, _) in pairwise(edges) if begun > ended + CLOSE]
    part = bins[0].length if bins else 0.0
    return [gap for gap in gaps if (start < gap[0] and gap[1] < stop) or _length(gap) > part - CLOSE]


def quiet(bins: Series, start: float, stop: float) -> list[tuple[float, float]]:
    """Return the stretches without traffic: without a bin, or with bins that count nothing."""
    empty = [(sample.start, sample.end) for sample in bins if not sample.total]
    found: list[tuple[float, float]] = []
    for begun, ended in sorted([*missing(bins, start, stop), *empty]):
        if found and begun <= found[-1][1] + CLOSE:
            found[-1] = (found[-1][0], ended)
        else:
            found.append((begun, ended))
    return [(max(begun, start), min(ended, stop)) for begun, ended in found]


def _length(stretch: tuple[float, float]) -> float:
    return stretch[1] - stretch[0]


def _middle(sample: Sample) -> float:
    return sample.start + sample.length / 2


def _noise(level: Series, length: float, rate: float) -> tuple[float, float]:
    """Return the variance of a mean over one second by blocks of a length, and the standard errors of `CHANCE`.

    The trend is taken out of the bins, which leaves two degrees of freedom fewer than blocks.
    """
    from scipy.special import stdtrit

    counts = [(sample.start, sample.total, sample.length) for sample in level]
    blocks = _whole(sums_over(counts, max(length, level[0].length)))
    if len(blocks) < FEWEST_BLOCKS:
        return rate, 2.33
    spread = sum((count - rate * seconds) ** 2 / seconds for count, seconds in blocks) / (len(blocks) - 2)
    return max(rate, spread), float(stdtrit(len(blocks) - 2, 1 - CHANCE))


def _whole(blocks: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Leave out a short last block."""
    longest = max((seconds for _, seconds in blocks), default=0.0)
    return [block for block in blocks if block[1] > longest / 2]
