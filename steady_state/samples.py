"""Samples: what a KPI's source said about one stretch of time. A gap stays a gap."""

from __future__ import annotations

from dataclasses import dataclass


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

    @property
    def end(self) -> float:
        """Where the bin ends, in seconds since the epoch."""
        return self.start + self.length


Series = tuple[Sample, ...]
"""The samples of one KPI in order of time, no two overlapping."""
