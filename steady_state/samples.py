"""Samples: what a KPI's source said about one stretch of time. A gap stays a gap."""

from __future__ import annotations

from dataclasses import dataclass

CLOSE = 1e-6
"""Seconds by which two edges of bins may differ and still be the same instant (binary fractions of epoch seconds)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One bin of one KPI.

    ratio:   total requests, of which `bad` failed; value = share of good
    latency: total requests, of which `bad` took longer than the bound's limit; value = share within the limit
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
        """Where the bin ends, in seconds since the epoch."""
        return self.start + self.length


def share_of(start: float, length: float, total: float, bad: float) -> Sample:
    """A bin of a ratio: bad out of total, at most all of it, since one bin may count what another counts as tried."""
    bad = min(bad, total)
    return Sample(start, length, total, bad, 1 - bad / total if total else None)


def reading_of(start: float, length: float, value: float, admitted: bool) -> Sample:
    """A bin of a gauge, whose value the bound admits or not."""
    return Sample(start, length, 1.0, 0.0 if admitted else 1.0, value)


Series = tuple[Sample, ...]
"""The samples of one KPI in order of time, no two overlapping."""


def inside(series: Series, start: float, end: float) -> Series:
    """The bins that lie wholly between two instants: nothing of what was before or after is in them."""
    return tuple(one for one in series if one.start >= start - CLOSE and one.end <= end + CLOSE)


def touching(series: Series, start: float, end: float) -> Series:
    """The bins that share time with the stretch between two instants: nothing of the stretch is missed."""
    return tuple(one for one in series if one.end > start + CLOSE and one.start < end - CLOSE)


@dataclass(frozen=True, slots=True)
class Tally:
    """Bins summed up."""

    total: float
    bad: float
    seconds: float  # covered by bins; gaps are not
    bins: int

    @property
    def share_bad(self) -> float | None:
        """Bad of total; None without traffic."""
        return self.bad / self.total if self.total else None


def tally(series: Series) -> Tally:
    """The sum of a series."""
    return Tally(
        sum(one.total for one in series),
        sum(one.bad for one in series),
        sum(one.length for one in series),
        len(series),
    )
