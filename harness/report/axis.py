"""Axes with ticks at round places."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.report.words import offset

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800)
"""Round stretches of time, in seconds."""


@dataclass(frozen=True)
class Tick:
    """A place on an axis and its label."""

    at: float
    label: str


@dataclass(frozen=True)
class Axis:
    """From where to where, and its ticks."""

    low: float
    high: float
    ticks: tuple[Tick, ...]

    def share(self, value: float) -> float:
        """Where a value lies between low (0) and high (1), kept inside."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


def time_axis(low: float, high: float) -> Axis:
    """An axis in time with at most nine ticks at round moments."""
    high = max(high, low + 1.0)
    step = next((step for step in STEPS if (high - low) / step <= 8), STEPS[-1])
    places = range(math.ceil(low / step), math.floor(high / step) + 1)
    return Axis(low, high, tuple(Tick(place * step, offset(place * step)) for place in places))


def share_axis(values: list[float]) -> Axis:
    """An axis up to 100% that spans at least two points, so that noise does not look like news."""
    low, high = min([*values, 0.98]), 1.0
    step = _nice((high - low) / 4)
    low = max(0.0, math.floor(low / step + 1e-9) * step)
    pad = (high - low) * 0.05
    ticks = tuple(Tick(at, f"{at * 100:.6g}%") for at in _places(low, high, step))
    return Axis(round(low - pad, 6), round(high + pad, 6), ticks)


def zero_axis(values: list[float]) -> Axis:
    """An axis that starts at zero, or below where values do."""
    low, high = min([*values, 0.0]), max([*values, 0.0])
    high = high if high > low else low + 1.0
    step = _nice((high - low) / 3)
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    pad = (high - low) * 0.05
    ticks = tuple(Tick(at, f"{at:.6g}") for at in _places(low, high, step))
    return Axis(round(low - pad, 10), round(high + pad, 10), ticks)


def _nice(raw: float) -> float:
    magnitude: float = 10.0 ** math.floor(math.log10(raw))
    return next(nice * magnitude for nice in (1, 2, 5, 10) if nice * magnitude >= raw * (1 - 1e-9))


def _places(low: float, high: float, step: float) -> tuple[float, ...]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(place * step, 10) for place in range(first, last + 1))
