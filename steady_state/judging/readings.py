"""What a gauge's readings prove: successive readings are alike, so many of them may be worth few independent ones."""

from __future__ import annotations

from itertools import groupby, pairwise
from math import sqrt

from gameday.steady_state.judging.baseline import chi_square, correlation_time
from gameday.steady_state.kpi.kpi import Bound
from gameday.steady_state.samples import Series, Tally, tally

LEAST_READINGS = 3
"""The fewest readings of a gauge that show anything about a share of time."""

ERRORS = 1.6449
"""The standard normal's 95% point."""


def values_of(readings: Series) -> list[float]:
    """Return the values of readings."""
    return [reading.value for reading in readings if reading.value is not None]


def alike(before: Series, during: Series = ()) -> float:
    """Return how many readings are worth one independent reading, by the stretch in which they are most alike.

    The longest dip during the fault is the fault's own, and shows nothing of that.
    """
    return max(correlation_time(values_of(part)) for part in (before, _without_dip(during)))


def _without_dip(readings: Series) -> Series:
    dips = [list(dip) for bad, dip in groupby(readings, key=lambda reading: reading.bad > 0) if bad]
    longest = {reading.start for reading in max(dips, key=len, default=[])}
    return tuple(reading for reading in readings if reading.start not in longest)


def worth(readings: Series, time: float) -> Tally:
    """Count readings as the independent ones that they are worth."""
    seen = tally(readings)
    return Tally(seen.total / time, seen.bad / time, seen.seconds, seen.bins)


def keeps_clear(bound: Bound, readings: Series, before: Series) -> bool:
    """Tell whether a gauge that was never out of range also keeps clear of its limit, so that few readings are enough.

    It does if either of these holds:

    - It moved no further than its worst reading is from the first value out of range, as a count of instances that
      moves in steps.
    - Its mean is so far from the limit that no single-peaked noise of its size is out of range for more than the
      bound's share of time: 4/(9 (1 + k²)) at k standard deviations, one-sided (Vysochanskij and Petunin, 1980; k is
      at least 1.29). Mean and deviation are the bad ends of their 95% intervals.
    """
    limit, values = bound.at_least or bound.at_most, values_of(readings)
    if limit is None or len(values) < LEAST_READINGS or any(not bound.admits(value) for value in values):
        return False
    sign = 1 if bound.at_least is not None else -1
    rooms = [sign * (value - limit.value) for value in values]
    return max(rooms) - min(rooms) <= min(rooms) + _step([*values, *values_of(before)]) + 1e-9 or _is_far(
        rooms, correlation_time(values), 1 - bound.share_of_time
    )


def _step(values: list[float]) -> float:
    """Return the smallest step between readings."""
    return min((later - value for value, later in pairwise(sorted(set(values)))), default=0.0)


def _is_far(rooms: list[float], time: float, allowed: float) -> bool:
    independent = len(rooms) / time
    if independent < LEAST_READINGS or not allowed:
        return False
    mean = sum(rooms) / len(rooms)
    variance = sum((room - mean) ** 2 for room in rooms) / len(rooms)
    deviation = sqrt(variance * independent / chi_square(independent - 1, 0.05))
    least = mean - ERRORS * deviation / sqrt(independent)
    return least > 0 and allowed * (1 + (least / deviation) ** 2) >= 4 / 9
