"""Axes with ticks at round values."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gameday.report.phrases import offset

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800)
"""Round lengths of time, in seconds."""


@dataclass(frozen=True)
class Tick:
    """A place on an axis and its label."""

    at: float
    label: str


@dataclass(frozen=True)
class Axis:
    """Hold the ends of an axis, and its ticks."""

    low: float
    high: float
    ticks: tuple[Tick, ...]

    def share(self, value: float) -> float:
        """Return where a value lies between low (0) and high (1), clamped to both."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


def time_axis(low: float, high: float) -> Axis:
    """An axis in time with at most nine ticks at round moments."""
    high = max(high, low + 1.0)
    longest = STEPS[-1] * math.ceil((high - low) / STEPS[-1] / 8)
    step = next((step for step in STEPS if (high - low) / step <= 8), longest)
    places = range(math.ceil(low / step), math.floor(high / step) + 1)
    return Axis(low, high, tuple(Tick(place * step, offset(place * step)) for place in places))


def good_axis(shares: list[float]) -> Axis:
    """An axis of shares up to 100% that spans at least two points, so that noise stays small."""
    return _axis(min([*shares, 0.98]), 1.0, 4, percent=True)


def bad_axis(shares: list[float]) -> Axis:
    """An axis of shares from 0% that spans at least two points."""
    return _axis(0.0, max([*shares, 0.02]), 4, percent=True)


def zero_axis(values: list[float]) -> Axis:
    """An axis that starts at zero, or at the lowest value if that is negative."""
    low, high = min([*values, 0.0]), max([*values, 0.0])
    return _axis(low, high if high - low > 1e-12 else low + 1.0, 3, percent=False)


def _axis(low: float, high: float, most: int, percent: bool) -> Axis:
    step = _nice((high - low) / most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    pad = (last - first) * step * 0.05
    places = (_exact(place * step) for place in range(first, last + 1))
    ticks = tuple(Tick(at, f"{at * 100:.6g}%" if percent else f"{at:.6g}") for at in places)
    return Axis(_exact(first * step - pad), _exact(last * step + pad), ticks)


def _exact(value: float) -> float:
    """Round away the error of floating point."""
    return float(f"{value:.12g}")


def _nice(raw: float) -> float:
    magnitude: float = 10.0 ** math.floor(math.log10(raw))
    return next(nice * magnitude for nice in (1, 2, 5, 10) if nice * magnitude >= raw * (1 - 1e-9))
