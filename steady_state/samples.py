"""Samples: what a KPI's source reported about one stretch of time. A gap stays a gap."""

from __future__ import annotations

from dataclasses import dataclass

CLOSE = 1e-6
"""Seconds by which two edges of bins may differ and still be the same instant.

Floating-point numbers round seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A bin of a KPI.

    ratio:   total requests; `bad` of them failed; value = share of good
    latency: total requests; `bad` of them took longer than the bound's limit; value = share within the limit
    rate:    `total` events counted (with `per`: total offered, bad = offered − counted); value = events per second
    gauge:   total = 1, bad = 1 when out of the bound; value = the reading
    """

    start: float  # seconds since the epoch
    length: float  # seconds
    total: float
    bad: float
    value: float | None  # what a chart draws; None where total is 0
    over: tuple[tuple[float, float], ...] = ()  # latency: (another limit in seconds, requests that took longer)

    @property
    def end(self) -> float:
        """The end of the bin, in seconds since the epoch."""
        return self.start + self.length


def share_of(start: float, length: float, total: float, bad: float) -> Sample:
    """Make a bin of a ratio: `bad` out of `total`, and never more than `total`.

    A source may count a failure in one bin and its request in another.
    """
    bad = min(bad, total)
    return Sample(start, length, total, bad, 1 - bad / total if total else None)


def reading_of(start: float, length: float, value: float, admitted: bool) -> Sample:
    """Make a bin of a gauge; `admitted`: whether the bound admits its value."""
    return Sample(start, length, 1.0, 0.0 if admitted else 1.0, value)


Series = tuple[Sample, ...]
"""The samples of one KPI in order of time, no two overlapping."""


def inside(series: Series, start: float, end: float) -> Series:
    """Return the bins that lie wholly between two instants, so that nothing from outside is in them."""
    return tuple(sample for sample in series if sample.start >= start - CLOSE and sample.end <= end + CLOSE)


def touching(series: Series, start: float, end: float) -> Series:
    """Return the bins that overlap the stretch between two instants, so that nothing of it is missing."""
    return tuple(sample for sample in series if sample.end > start + CLOSE and sample.start < end - CLOSE)


@dataclass(frozen=True, slots=True)
class Tally:
    """Bins summed up."""

    total: float
    bad: float
    seconds: float  # covered by bins; gaps are not
    bins: int

    @property
    def share_bad(self) -> float | None:
        """The share of bad in total; None without traffic."""
        return self.bad / self.total if self.total else None


def tally(series: Series) -> Tally:
    """Sum up a series."""
    return Tally(
        sum(sample.total for sample in series),
        sum(sample.bad for sample in series),
        sum(sample.length for sample in series),
        len(series),
    )
