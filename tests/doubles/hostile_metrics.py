"""CloudWatch that fails, comes late, grows or is partial, at one read of a run or at all from there on.

Source: CloudWatch API Reference, MetricDataResult (StatusCode: Complete, InternalError, PartialData, Forbidden).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gameday.errors import AwsError
from gameday.steady_state.clock import Clock

LATE = 20.0
"""Seconds that a late metric takes to appear."""
GROWS = 10.0
"""Seconds for which a bin still grows."""
SHARE = 0.45
"""The share of a bin that is there at first."""

GetMetricData = Callable[[dict[str, Any], str | None], Any]


class Trouble(StrEnum):
    """What happens to a read of metrics."""

    THROTTLED = "throttled"
    INTERNAL = "InternalError"  # without values
    PARTIAL = "PartialData"  # the first half of the values
    FORBIDDEN = "Forbidden"
    EMPTY = "empty"  # complete, and without any value
    LATE = "late"
    GROWING = "growing"


ALWAYS = (Trouble.LATE, Trouble.GROWING)
"""How a metric is, rather than what happens once."""


@dataclass
class HostileMetrics:
    """A way to read metrics with trouble at read number `at` (from 0), or at all from there on."""

    read: GetMetricData
    clock: Clock
    trouble: Trouble
    at: int = 0
    lasts: bool = False
    only: str = ""  # the end of the names of the metrics that have it; empty: all
    times: list[float] = field(default_factory=list)  # of all reads

    def __call__(self, params: dict[str, Any], region: str | None) -> Any:
        number = len(self.times)
        self.times.append(self.clock.now())
        answer = self.read(params, region)
        is_now = number == self.at or (number > self.at and (self.lasts or self.trouble in ALWAYS))
        if not is_now:
            return answer
        if self.trouble is Trouble.THROTTLED:
            raise AwsError("cloudwatch", "get_metric_data", "ThrottlingException", "Rate exceeded")
        hit = {
            query["Id"]
            for query in params["MetricDataQueries"]
            if query["MetricStat"]["Metric"]["MetricName"].endswith(self.only)
        }
        results = [self._result(result) if result["Id"] in hit else result for result in answer["MetricDataResults"]]
        return {**answer, "MetricDataResults": results}

    def _result(self, result: dict[str, Any]) -> dict[str, Any]:
        points = [*self._points(list(zip(result["Timestamps"], result["Values"], strict=True)))]
        status = str(self.trouble) if self.trouble in ("InternalError", "PartialData", "Forbidden") else "Complete"
        times, values = ([point[n] for point in points] for n in (0, 1))
        return {**result, "Timestamps": times, "Values": values, "StatusCode": status}

    def _points(self, points: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
        now = self.clock.now()
        for time, value in points[: len(points) // 2] if self.trouble is Trouble.PARTIAL else points:
            if self.trouble is Trouble.GROWING:
                yield time, value * (SHARE if now - time < GROWS else 1.0)
            elif self.trouble is Trouble.PARTIAL or (self.trouble is Trouble.LATE and now - time >= LATE):
                yield time, value
