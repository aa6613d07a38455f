"""What a fault cost, signed and with an interval that covers the truth."""

from __future__ import annotations

import random

import pytest
from gameday.steady_state.kpi.claim import LossJudgement
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.samples import Series

from tests.steady_state.streams import (
    EFFECT,
    counts,
    gauge,
    judged,
    kpi,
    latency,
    phases,
    rate,
    ratio,
    reading,
    requests,
    steady,
)


def loss(series: Series, own: Kpi | None = None, name: str = "orders", **at) -> LossJudgement:
    (found,) = judged({name: series}, {name: own or ratio()}, phases(**at)).losses
    return found


def test_orders_that_failed_beyond_the_usual_are_the_loss() -> None:
    fault = requests(2, 480, lambda second: 0.5 if second < 20 else 0.004, start=EFFECT)
    found = loss(requests(1, 300, 0.004) + fault)
    truth = sum(one.bad for one in fault) - 0.004 * 480 * 50
    assert found.low < truth < found.high
    assert abs(found.lost - truth) < 40
    assert found.words == f"about {found.lost:,.0f} orders were lost ({found.low:,.0f} to {found.high:,.0f})"


@pytest.mark.parametrize("seed", range(6))
def test_a_run_without_a_fault_has_no_loss_and_it_may_be_below_zero(seed: int) -> None:
    found = loss(requests(seed, 780, 0.01))
    assert found.low < 0 < found.high
    assert found.words.startswith("no loss of orders is proven (between ")


def test_a_loss_is_never_clipped_at_zero() -> None:
    found = loss(requests(3, 300, 0.05) + requests(4, 480, 0.001, start=EFFECT), ratio("90%"))
    assert found.high < 0
    assert "fewer orders than usual were lost" in found.words


def test_orders_that_were_not_made_are_the_loss_of_a_rate() -> None:
    draw = random.Random(5)
    made = [(float(draw.gauss(50, 7)), 0) for _ in range(780)]
    fault = [(0.0, 0) if 310 <= second < 320 else one for second, one in enumerate(made)]
    found = loss(counts(fault), rate())
    assert found.low < 500 < found.high


def test_too_many_events_are_the_loss_of_a_rate_that_has_a_ceiling() -> None:
    own = rate(bound={"at_most": "5/s"}, tier="technical")
    found = loss(steady(300, 1) + steady(480, 3, start=EFFECT), own, "retries")
    assert found.lost == 960
    assert found.words.startswith("about 960 events of retries came too many (")


def test_a_rate_per_offered_load_counts_what_was_offered_and_did_not_come() -> None:
    own = kpi(rate=reading("Orders"), per=reading("Tried"), bound={"within": "5%", "of": "baseline"})
    found = loss(steady(300, 50, 1) + steady(480, 50, 3, start=EFFECT), own)
    assert found.lost == pytest.approx(960)


def test_slow_requests_are_called_so() -> None:
    found = loss(steady(300, 50, 1) + steady(480, 50, 11, start=EFFECT), latency(tier="technical"), "checkout-latency")
    assert found.words.startswith("about 4,800 requests of checkout-latency took too long beyond the usual (")


def test_a_gauge_counts_nothing_that_could_be_lost() -> None:
    assert not judged({"capacity": ()}, {"capacity": gauge()}).losses


@pytest.mark.parametrize(
    ("series", "why"),
    [
        ((), "no data"),
        (steady(300), "no data"),
        (steady(400), "data for less than 80% of the time"),
        (steady(480, start=EFFECT), "the baseline has no traffic"),
        (steady(4, start=EFFECT - 4) + steady(480, start=EFFECT), "the baseline has fewer than 5 periods of 1s"),
        (steady(300) + steady(480, 0, start=EFFECT), "no traffic"),
    ],
)
def test_what_cannot_be_told_says_why(series: Series, why: str) -> None:
    found = loss(series)
    assert (found.lost, found.words) == (None, f"the loss of orders cannot be told: {why}")


def test_bursts_widen_the_interval() -> None:
    def bursty(second: int) -> float:
        return 0.1 if second % 90 < 10 else 0.0

    calm, burst = loss(requests(1, 780, 0.011)), loss(requests(1, 780, bursty))
    assert burst.high - burst.low > 2 * (calm.high - calm.low)


@pytest.mark.parametrize("seed", range(5))
def test_half_of_little_traffic_lost_for_a_minute_is_proven_after_five_minutes_of_baseline(seed: int) -> None:
    fault = requests(seed, 480, lambda second: 0.5 if second < 60 else 0.002, each=5, start=EFFECT)
    assert loss(requests(-seed - 1, 300, 0.002, each=5) + fault).low > 0


def test_a_longer_baseline_narrows_the_interval() -> None:
    def width(seconds: int) -> float:
        series = requests(1, seconds, 0.01, start=EFFECT - seconds) + requests(2, 480, 0.01, start=EFFECT)
        found = loss(series, before=(EFFECT - seconds, EFFECT))
        return found.high - found.low

    assert width(3600) < width(600) < width(150)
