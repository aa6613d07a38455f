"""CloudWatch's statistics: a name like `p99.9` or `TC(:0.3)` → a function of a period's values.

Source: CloudWatch User Guide, "CloudWatch statistics definitions".

- A percentile is the largest value that remains without the higher ones (nearest rank).
- A trimmed mean is the mean of the values that remain; a trimmed count is their number.
- Absolute boundaries exclude the lower and include the upper value.
- A percentile rank is a percentage, 0 to 100.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from math import ceil, floor

Values = Sequence[float]
Compute = Callable[[Values], float]

_SIMPLE: dict[str, Compute] = {
    "Sum": sum,
    "Average": lambda values: sum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
    "SampleCount": lambda values: float(len(values)),
}
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,10})?"
_RANK = re.compile(rf"(p|tm|tc)({_NUMBER})")
_RANGE = re.compile(rf"(PR|TM|TC)\(({_NUMBER})?(%?):({_NUMBER})?(%?)\)")


def parse_statistic(name: str) -> Compute:
    """Parse a statistic's name into the function that computes it from a period's values, at least one.

    Valid names: Sum, Average, Minimum, Maximum, SampleCount; p99.9, tm99, tc99; PR, TM and TC with (low:high), where
    either may be missing. TM and TC also take percentages. Raises ValueError for any other name.
    """
    if name in _SIMPLE:
        return _SIMPLE[name]
    if (rank := _RANK.fullmatch(name)) and float(rank[2]) <= 100:
        kind, share = rank[1], float(rank[2])
        return _percentile(share) if kind == "p" else _trimmed(kind.upper(), _between_ranks(0.0, share))
    if (span := _RANGE.fullmatch(name)) and (span[2] or span[4]):
        kind, low, high = span[1], float(span[2] or 0), span[4]
        percent = {sign for number, sign in ((span[2], span[3]), (span[4], span[5])) if number or sign}
        if percent == {"%"} and kind != "PR" and low < float(high or 100) <= 100:
            return _trimmed(kind, _between_ranks(low, float(high or 100)))
        if percent == {""}:
            lowest = float(span[2]) if span[2] else float("-inf")
            return _trimmed(kind, _between_values(lowest, float(high or "inf")))
    msg = (
        f"{name!r} is not a statistic: Sum, Average, Minimum, Maximum, SampleCount, p99.9, tm99, PR(:0.3), TC(0.1:0.3)"
    )
    raise ValueError(msg)


def _kept(count: int, share: float) -> int:
    """Count the values that make up `share` percent of `count`; it rounds, since 0.999 · 1000 is not 999 in floats."""
    return ceil(round(count * share / 100, 9))


def _percentile(share: float) -> Compute:
    return lambda values: sorted(values)[max(1, _kept(len(values), share)) - 1]


def _between_ranks(low: float, high: float) -> Callable[[Values], Values]:
    def select(values: Values) -> Values:
        return sorted(values)[floor(round(len(values) * low / 100, 9)) : _kept(len(values), high)]

    return select


def _between_values(low: float, high: float) -> Callable[[Values], Values]:
    def select(values: Values) -> Values:
        ordered = sorted(values)
        return ordered[bisect_right(ordered, low) : bisect_right(ordered, high)]

    return select


def _trimmed(kind: str, select: Callable[[Values], Values]) -> Compute:
    if kind == "TC":
        return lambda values: float(len(select(values)))
    if kind == "PR":
        return lambda values: 100.0 * len(select(values)) / len(values)

    def mean(values: Values) -> float:
        chosen = select(values)
        return sum(chosen) / len(chosen) if chosen else 0.0

    return mean
