"""The metrics of the twin's CloudWatch: values by the second, and the statistics that GetMetricData computes."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from math import ceil, floor

from gameday.twin.cloudwatch.statistic import parse_statistic


class MetricSeries:
    """The raw values of one metric by the second: percentiles and counts over a limit need every value."""

    __slots__ = ("_seconds",)

    def __init__(self) -> None:
        self._seconds: dict[int, array[float]] = {}

    def add(self, second: int, values: Iterable[float]) -> None:
        """Add values to a second since the epoch."""
        new = array("d", values)
        if new:
            self._seconds.setdefault(second, array("d")).extend(new)

    def between(self, start: int, end: int) -> array[float]:
        """Collect the values of the seconds in [start, end)."""
        values = array("d")
        for second in range(start, end):
            if second in self._seconds:
                values.extend(self._seconds[second])
        return values


class MetricStore:
    """Metrics by namespace, name and dimensions: all three must match exactly.

    A query without dimensions reads the metric that has none: CloudWatch does not aggregate over dimensions (CloudWatch
    User Guide, "Dimensions").
    """

    def __init__(self) -> None:
        self.complete_until = float("inf")
        """Seconds since the epoch before which no more values will come; the publisher advances it."""
        self._metrics: dict[tuple[str, str, frozenset[tuple[str, str]]], MetricSeries] = {}

    def series(self, namespace: str, metric: str, dimensions: Mapping[str, str]) -> MetricSeries:
        """Return the series of one metric, and create it if needed."""
        return self._metrics.setdefault((namespace, metric, frozenset(dimensions.items())), MetricSeries())

    def put(self, namespace: str, metric: str, dimensions: Mapping[str, str], at: float, value: float) -> None:
        """Publish one value."""
        self.series(namespace, metric, dimensions).add(floor(at), (value,))

    def statistics(
        self,
        namespace: str,
        metric: str,
        dimensions: Mapping[str, str],
        statistic: str,
        period: int,
        start: float,
        end: float,
    ) -> list[tuple[float, float]]:
        """Compute (timestamp, value) of each period that has data and begins in [start, end), oldest first.

        Periods are whole seconds, aligned to the epoch; `start` is rounded down to a period (CloudWatch API Reference,
        GetMetricData). Incomplete periods are left out; CloudWatch would return a partial value. `parse_statistic`
        parses `statistic`, and raises ValueError.
        """
        compute = parse_statistic(statistic)
        series = self._metrics.get((namespace, metric, frozenset(dimensions.items())))
        if series is None:
            return []
        last = min(ceil(end), floor(min(self.complete_until, end + period)) - period + 1)
        begins = range(floor(start) // period * period, last, period)
        buckets = ((begin, series.between(begin, begin + period)) for begin in begins)
        return [(float(begin), compute(values)) for begin, values in buckets if values]

    def between(self, namespace: str, metric: str, dimensions: Mapping[str, str], start: int, end: int) -> array[float]:
        """Collect the values of one metric in [start, end); none where one of these seconds is not complete yet."""
        series = self._metrics.get((namespace, metric, frozenset(dimensions.items())))
        return series.between(start, end) if series and end <= self.complete_until else array("d")
