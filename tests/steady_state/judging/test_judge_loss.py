"""The cost of a fault, signed and with an interval that covers the truth."""

from __future__ import annotations

import random
from dataclasses import replace

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


def test_loss_of_a_ratio_counts_extra_failures() -> None:
    fault = requests(2, 480, lambda second: 0.5 if second < 20 else 0.004, start=EFFECT)
    found = loss(requests(1, 300, 0.004) + fault)
    truth = sum(sample.bad for sample in fault) - 0.004 * 480 * 50
    assert found.low < truth < found.high
    assert abs(found.lost - truth) < 40
    assert found.words == f"about {found.lost:,.0f} orders were lost ({found.low:,.0f} to {found.high:,.0f})"


@pytest.mark.parametrize("seed", range(6))
def test_loss_without_a_fault_is_not_proven(seed: int) -> None:
    found = loss(requests(seed, 780, 0.01))
    assert found.low < 0 < found.high
    assert found.words.startswith("no loss of orders is proven (at most ")


def test_loss_below_zero_is_kept() -> None:
    found = loss(requests(3, 300, 0.05) + requests(4, 480, 0.001, start=EFFECT), ratio("90%"))
    assert found.high < 0
    assert "fewer orders than usual were lost" in found.words


def test_loss_of_a_rate_counts_missing_events() -> None:
    draw = random.Random(5)
    made = [(float(draw.gauss(50, 7)), 0) for _ in range(780)]
    fault = [(0.0, 0) if 310 <= second < 320 else pair for second, pair in enumerate(made)]
    found = loss(counts(fault), rate())
    assert found.low < 500 < found.high


def test_loss_of_a_rate_with_ceiling_counts_extra_events() -> None:
    own = rate(bound={"at_most": "5/s"}, tier="technical")
    found = loss(steady(300, 1) + steady(480, 3, start=EFFECT), own, "retries")
    assert found.lost == 960
    assert found.words.startswith("about 960 more events in retries than usual came (")


def test_loss_per_offered_load_counts_missing_events() -> None:
    own = kpi(rate=reading("Orders"), per=reading("Tried"), bound={"within": "5%", "of": "baseline"})
    found = loss(steady(300, 50, 1) + steady(480, 50, 3, start=EFFECT), own)
    assert found.lost == pytest.approx(960)


def test_loss_of_a_latency_counts_slow_requests() -> None:
    found = loss(steady(300, 50, 1) + steady(480, 50, 11, start=EFFECT), latency(tier="technical"), "checkout-latency")
    assert found.words.startswith("about 4,800 more requests in checkout-latency than usual took too long (")


def test_loss_of_a_gauge_does_not_exist() -> None:
    assert not judged({"capacity": ()}, {"capacity": gauge()}).losses


@pytest.mark.parametrize(
    ("series", "why"),
    [
        ((), "no data"),
        (steady(300), "no data"),
        (steady(400), "data for less than 80% of the time"),
        (steady(480, start=EFFECT), "the baseline has no traffic"),
        (
            steady(4, start=EFFECT - 4) + steady(480, start=EFFECT),
            "the baseline has fewer than 5 blocks of 15s with traffic",
        ),
        (steady(300, 0) + steady(480, 0, start=EFFECT), "no traffic"),
    ],
)
def test_loss_without_enough_data_is_unknown(series: Series, why: str) -> None:
    found = loss(series)
    assert (found.lost, found.words) == (None, f"the loss of orders is unknown: {why}")


def test_loss_interval_widens_with_bursts() -> None:
    def bursty(second: int) -> float:
        return 0.1 if second % 90 < 10 else 0.0

    calm, burst = loss(requests(1, 780, 0.011)), loss(requests(1, 780, bursty))
    assert burst.high - burst.low > 2 * (calm.high - calm.low)


@pytest.mark.parametrize("seed", range(5))
def test_loss_of_half_of_little_traffic_is_proven(seed: int) -> None:
    fault = requests(seed, 480, lambda second: 0.5 if second < 60 else 0.002, each=5, start=EFFECT)
    assert loss(requests(-seed - 1, 300, 0.002, each=5) + fault).low > 0


def test_loss_interval_narrows_with_a_longer_baseline() -> None:
    def width(seconds: int) -> float:
        series = requests(1, seconds, 0.01, start=EFFECT - seconds) + requests(2, 480, 0.01, start=EFFECT)
        found = loss(series, before=(EFFECT - seconds, EFFECT))
        return found.high - found.low

    assert width(3600) < width(600) < width(150)


def test_loss_counts_requests_that_never_came() -> None:
    found = loss(steady(300) + steady(60, 0, start=EFFECT) + steady(420, start=EFFECT + 60))
    assert found.low <= 3000 <= found.high
    assert found.lost == pytest.approx(3000, abs=1)
    assert "about 3,000 of them never arrived" in found.words
    gone = loss(steady(300) + steady(480, 0, start=EFFECT))
    assert gone.low <= 24_000 <= gone.high
    assert gone.low > 12_000


def test_loss_without_bins_is_only_possible() -> None:
    found = loss(steady(300) + steady(420, start=EFFECT + 60))
    assert found.low <= 0
    assert found.high >= 3000


def test_loss_of_a_cluster_in_the_window_is_not_proven() -> None:
    calm = steady(300) + steady(480, start=EFFECT)
    cluster = tuple(replace(sample, bad=35.0) if sample.start == EFFECT + 200 else sample for sample in calm)
    assert loss(cluster).low <= 0
