"""The twin's CloudWatch: metrics in bins of one second, and what GetMetricData makes of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from math import ceil, floor

from gameday.twin.cloudwatch.statistic import parse_statistic


class MetricSeries:
    """All values of one metric by the second, raw, since percentiles and counts over a limit need them."""

    __slots__ = ("_seconds",)

    def __init__(self) -> None:
        self._seconds: dict[int, array[float]] = {}

    def add(self, second: int, values: Iterable[float]) -> None:
        """Put values into a second since the epoch."""
        new = array("d", values)
        if new:
            self._seconds.setdefault(second, array("d")).extend(new)

    def between(self, start: int, end: int) -> array[float]:
        """The values of the seconds in [start, end)."""
        found = array("d")
        for second in range(start, end):
            if second in self._seconds:
                found.extend(self._seconds[second])
        return found


class MetricStore:
    """Metrics by namespace, name and dimensions, all of which must match exactly.

    Asked without dimensions, CloudWatch answers for the metric that has none; it does not aggregate over dimensions
    (CloudWatch User Guide, "Dimensions").
    """

    def __init__(self) -> None:
        self.complete_until = float("inf")
        """Seconds since the epoch until when nothing more will come; whoever lets time pass moves it on."""
        self._metrics: dict[tuple[str, str, frozenset[tuple[str, str]]], MetricSeries] = {}

    def series(self, namespace: str, metric: str, dimensions: Mapping[str, str]) -> MetricSeries:
        """The values of one metric, to add to."""
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
        """(timestamp, value) of each period that has data and begins in [start, end), oldest first.

        Periods are whole seconds and aligned to the epoch; `start` is rounded down to one (GetMetricData in the
        CloudWatch API Reference). A period that is not complete is left out, where CloudWatch would answer with a part
        of it. `statistic` as in `statistic.parse_statistic`, which raises ValueError.
        """
        compute = parse_statistic(statistic)
        found = self._metrics.get((namespace, metric, frozenset(dimensions.items())))
        if found is None:
            return []
        last = min(ceil(end), floor(min(self.complete_until, end + period)) - period + 1)
        begins = range(floor(start) // period * period, last, period)
        buckets = ((begin, found.between(begin, begin + period)) for begin in begins)
        return [(float(begin), compute(values)) for begin, values in buckets if values]

    def between(self, namespace: str, metric: str, dimensions: Mapping[str, str], start: int, end: int) -> array[float]:
        """The values of one metric in the seconds of [start, end), of which none may be to come yet: else nothing."""
        found = self._metrics.get((namespace, metric, frozenset(dimensions.items())))
        return found.between(start, end) if found and end <= self.complete_until else array("d")
