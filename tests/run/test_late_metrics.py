"""Metrics that come late and grow: the run measures that in the baseline, and scores only what is settled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from gameday.run.sampling import RELOOK, Sampler, late_guards
from gameday.steady_state.clock import TestClock
from gameday.steady_state.judging.guard import Fired, Guard
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.sources.cloudwatch import CloudWatchSource

from tests.steady_state.streams import kpi

READ = 5.0
"""Seconds between two reads of the baseline."""
FALSE_ABORT = 1e-4


@dataclass
class Late:
    """CloudWatch with 50 events a second: nothing of a minute for `first` seconds, 45% of it until `whole` seconds."""

    clock: TestClock
    first: float
    whole: float
    rate: float = 50.0
    share: float = 0.45

    def __call__(self, params: Mapping[str, Any], region: str | None) -> dict[str, Any]:
        del region
        starts = range(int(params["StartTime"]), int(params["EndTime"]), 60)
        shown = {start: share for start in starts if (share := self._share(start + 60))}
        results = [
            {
                "Id": query["Id"],
                "Timestamps": [float(start) for start in shown],
                "Values": [share * 60 * self.rate for share in shown.values()],
                "StatusCode": "Complete",
            }
            for query in params["MetricDataQueries"]
        ]
        return {"MetricDataResults": results}

    def _share(self, end: float) -> float:
        age = self.clock.now() - end
        return 1.0 if age >= self.whole else self.share if age >= self.first else 0.0


def orders() -> Kpi:
    return kpi(rate={"cloudwatch": "Shop/Orders", "period": "1m"}, bound={"at_least": "25/s"})


@dataclass
class Watched:
    """A baseline of ten minutes, watched."""

    clock: TestClock
    metric: Late
    sampler: Sampler

    def guarded(self, seconds: int, lags: Mapping[str, float]) -> Iterator[Fired | None]:
        """What a guard says, second by second."""
        own, now = orders(), self.clock.now()
        before = {"orders": self.sampler.series["orders"]}
        guard = Guard({"orders": own.bound}, {"orders": own}, before, FALSE_ABORT, now, seconds, lags=lags)
        for _ in range(seconds):
            self.clock.sleep(1.0)
            for event in self.sampler.look():
                yield guard.feed("orders", event.samples) if event.type == "sampled" else None
            yield guard.blind(self.clock.now())


def watched(first: float, whole: float, relook: float = RELOOK) -> Watched:
    clock = TestClock(6000.0)
    metric = Late(clock, first, whole)
    sampler = Sampler({"orders": orders()}, CloudWatchSource(metric), clock, relook)
    for _ in range(120):
        clock.sleep(READ)
        list(sampler.look())
    sampler.arrivals.finish()
    return Watched(clock, metric, sampler)


@pytest.mark.parametrize(("first", "whole"), [(20, 20), (40, 95), (170, 180), (360, 400)])
def test_lag_is_measured_to_the_last_growth(first: float, whole: float) -> None:
    assert whole <= watched(first, whole).sampler.lags["orders"] <= whole + READ


@pytest.mark.parametrize(("first", "whole"), [(20, 20), (40, 95), (100, 180), (360, 400)])
def test_late_metric_of_a_healthy_kpi_does_not_abort(first: float, whole: float) -> None:
    play = watched(first, whole)
    assert not any(play.guarded(1200, play.sampler.lags))


def test_guard_on_unsettled_bins_would_abort() -> None:
    play = watched(40, 95, relook=0.0)  # without a relook, nothing is measured
    assert any(play.guarded(1200, {}))


def test_failure_is_seen_a_period_and_the_lag_later() -> None:
    play = watched(40, 95)
    began = play.clock.now()
    play.metric.rate = 5.0
    fired = next(fired for fired in play.guarded(1200, play.sampler.lags) if fired)
    assert play.clock.now() - began <= 2 * 60 + 95 + READ + 1
    assert "longest gap" not in fired.about


def test_metric_that_ends_is_blind_after_the_lag() -> None:
    play = watched(20, 20)
    began = play.clock.now()
    play.metric.first = play.metric.whole = 1e9
    fired = next(fired for fired in play.guarded(1200, play.sampler.lags) if fired)
    assert "no data" in fired.about
    assert 120 <= play.clock.now() - began <= 120 + 60 + 25 + READ + 1


def test_lag_is_fixed_once_a_fault_is_injected() -> None:
    play = watched(20, 20)
    play.metric.first = play.metric.whole = 170.0
    for _ in range(100):
        play.clock.sleep(READ)
        list(play.sampler.look())
    assert play.sampler.lags["orders"] <= 20 + READ


def test_run_says_how_late_its_guard_sees_a_failure() -> None:
    play = watched(20, 20)
    (remark,) = late_guards(("orders",), play.sampler, play.clock.now())
    assert "1m20s late" in remark.text or "1m25s late" in remark.text
