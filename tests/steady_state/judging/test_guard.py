from __future__ import annotations

from dataclasses import replace

import pytest
from gameday.steady_state.judging.baseline import HIDDEN, caution
from gameday.steady_state.judging.edges import Edge
from gameday.steady_state.judging.guard import SHORTEST_BLINDNESS, Fired, Guard
from gameday.steady_state.kpi.kpi import Bound, Kpi, watched
from gameday.steady_state.samples import Series

from tests.steady_state.streams import (
    EFFECT,
    bound,
    counts,
    gauge,
    kpi,
    latency,
    rate,
    ratio,
    reading,
    readings,
    requests,
    steady,
)

HEALTHY = steady(300)


def guard(before: Series = HEALTHY, own: Kpi | None = None, at: Bound | None = None, **more) -> Guard:
    own = own or ratio()
    return Guard({"orders": at or own.bound}, {"orders": own}, {"orders": before}, 1e-4, EFFECT, 600, **more)


def play(watching: Guard, series: Series, name: str = "orders") -> Fired | None:
    return next((fired for sample in series if (fired := watching.feed(name, (sample,)))), None)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("healthy", [0.0, 0.002, 0.005])
def test_guard_half_failing_aborts_within_two_seconds(seed: int, healthy: float) -> None:
    fired = play(guard(requests(seed, 300, healthy)), requests(seed + 99, 60, 0.5, start=EFFECT))
    assert fired is not None
    assert fired.at - EFFECT <= 2


@pytest.mark.parametrize("seed", range(10))
def test_guard_late_failure_aborts_nearly_as_soon(seed: int) -> None:
    late = requests(seed, 400, lambda second: 0.5 if second >= 300 else 0.002, start=EFFECT)
    fired = play(guard(requests(seed, 300, 0.002)), late)
    assert fired is not None
    assert 0 < fired.at - EFFECT - 300 <= 4


def test_guard_healthy_stream_does_not_abort() -> None:
    fired = [
        play(guard(requests(-1 - seed, 120, 0.004, each=20)), requests(seed, 300, 0.004, each=20, start=EFFECT))
        for seed in range(60)
    ]
    assert fired == [None] * 60


def test_guard_outage_after_short_baseline_aborts_at_once() -> None:
    fired = play(guard(requests(1, 60, 0.005)), requests(2, 60, 0.5, start=EFFECT))
    assert fired is not None
    assert fired.at - EFFECT <= 2


def test_guard_burst_unseen_in_baseline_does_not_abort() -> None:
    stormy = requests(3, 120, lambda second: 0.035 if 40 <= second < 60 else 0.003, start=EFFECT)
    assert play(guard(requests(1, 300, 0.004)), stormy) is None


def test_guard_batch_decides_like_bin_by_bin() -> None:
    late = requests(5, 400, lambda second: 0.5 if second >= 300 else 0.002, start=EFFECT)
    before = requests(4, 300, 0.002)
    assert guard(before).feed("orders", late) == play(guard(before), late)


def test_guard_stream_at_its_bound_does_not_abort() -> None:
    at_bound = [play(guard(), requests(seed, 600, 0.01, each=20, start=EFFECT)) for seed in range(40)]
    assert at_bound == [None] * 40


def test_guard_bursts_seen_in_baseline_do_not_abort() -> None:
    def bursts(second: int) -> float:
        return 0.05 if second % 60 < 5 else 0.002

    fired = [
        play(guard(requests(seed, 600, bursts)), requests(seed + 9, 600, bursts, start=EFFECT)) for seed in range(5)
    ]
    assert fired == [None] * 5


def test_guard_reason_names_value_and_bound() -> None:
    fired = play(guard(at=bound(at_least="50%")), steady(10, 50, 45, start=EFFECT))
    assert fired == Fired(EFFECT + 1, "orders", "orders is at 10% of 50 in 1s; the guard's bound is at least 50%")


@pytest.mark.parametrize("series", [(), steady(300, 0, 0, EFFECT), steady(300, 1, 0, EFFECT), counts([(1, 1)], EFFECT)])
def test_guard_without_enough_traffic_does_not_abort(series: Series) -> None:
    assert play(guard(), series) is None


def test_guard_ignores_early_and_repeated_bins() -> None:
    outage = steady(1, 2, 2, EFFECT + 5)
    guarding = guard(at=bound(at_least="50%"))
    assert play(guarding, steady(int(EFFECT), 50, 50)) is None
    for _ in range(50):
        assert guarding.feed("orders", outage) is None
    assert guarding.feed("another", outage) is None


def test_guard_gauge_out_of_range_aborts_within_ten_readings() -> None:
    own = gauge()
    healthy = readings([6] * 300, own)
    assert play(guard(healthy, own, bound(at_least=2)), readings([1], own, EFFECT)) is None
    assert play(guard(healthy, own, bound(at_least=2)), readings([3] * 300, own, EFFECT)) is None
    fired = play(guard(healthy, own, bound(at_least=2)), readings([1] * 20, own, EFFECT))
    assert fired is not None
    assert fired.at - EFFECT <= 10


@pytest.mark.parametrize(
    ("own", "falls"),
    [
        (rate(bound={"at_least": "40/s"}), 10),
        (rate(bound={"at_most": "60/s"}), 200),
        (rate(bound={"within": "20%", "of": "baseline"}), 0),
        (rate(bound={"within": "20%", "of": "baseline"}), 200),
    ],
)
def test_guard_rate_out_of_bound_aborts(own: Kpi, falls: float) -> None:
    assert play(guard(own=own), steady(600, 50, start=EFFECT)) is None
    fired = play(guard(own=own), steady(60, falls, start=EFFECT))
    assert fired is not None
    assert fired.at - EFFECT <= 3


def test_guard_missing_orders_per_offered_load_abort() -> None:
    own = kpi(rate=reading("Orders"), per=reading("Tried"), bound={"within": "5%", "of": "baseline"})
    assert play(guard(own=own), steady(600, 50, 0, start=EFFECT)) is None
    assert play(guard(own=own), steady(60, 50, 25, start=EFFECT)) is not None


def test_guard_counts_slow_requests_over_its_own_limit() -> None:
    at = bound(p90="2s")
    own = watched({"orders": latency()}, {"orders": at})["orders"]
    slow = tuple(replace(sample, over=((2.0, 30.0),)) for sample in steady(10, 50, 50, EFFECT))
    fine = tuple(replace(sample, over=((2.0, 1.0),)) for sample in steady(600, 50, 50, EFFECT))
    assert play(guard((), own, at), fine) is None
    fired = play(guard((), own, at), slow)
    assert fired is not None
    assert "40% of 50 within 2s" in fired.about


def test_guard_several_kpis_share_a_budget() -> None:
    kpis = {"orders": ratio(), "browse": ratio()}
    before = {"orders": steady(300), "browse": steady(300)}
    guarding = Guard({name: kpis[name].bound for name in kpis}, kpis, before, 1e-4, EFFECT, 600)
    for second in range(60):
        assert guarding.feed("browse", steady(1, 50, 0, EFFECT + second)) is None
        fired = guarding.feed("orders", steady(1, 50, 25, EFFECT + second))
        if fired:
            break
    assert fired is not None
    assert fired.kpi == "orders"
    assert second <= 2


def test_guard_second_healthy_kpi_raises_the_threshold() -> None:
    failing = steady(60, 50, 1.5, EFFECT)
    alone = play(guard(), failing)
    kpis = {"orders": ratio(), "browse": ratio()}
    together = Guard({name: kpis[name].bound for name in kpis}, kpis, {}, 1e-4, EFFECT, 600)
    fired = play(together, failing)
    assert alone is not None
    assert fired is not None
    assert fired.at > alone.at


def test_guard_without_kpis_never_fires() -> None:
    guarding = Guard({}, {}, {}, 1e-4, EFFECT, 600)
    assert guarding.feed("orders", steady(9, 50, 50, EFFECT)) is None
    assert guarding.blind(EFFECT + 1e6) is None


def test_guard_bound_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="the bound of a ratio must be one of"):
        guard(at=bound(p95="1s"))


def test_guard_long_silence_aborts() -> None:
    guarding = guard(blind_after=5)
    assert guarding.blind(EFFECT + 5) is None
    play(guarding, steady(10, start=EFFECT))
    assert guarding.blind(EFFECT + 15) is None
    fired = guarding.blind(EFFECT + 16)
    assert fired == Fired(EFFECT + 16, "orders", "orders has sent no data for 6s; the longest gap allowed is 5s")


def test_guard_silence_default_is_two_bins_and_lag() -> None:
    minutes = ratio()
    slow = Kpi.model_validate(
        {"tier": "business", "bound": {"at_least": 1}, "gauge": {"cloudwatch": "A/B", "period": "1m"}}
    )
    assert guard(own=minutes).blind(EFFECT + SHORTEST_BLINDNESS) is None
    assert guard(own=minutes).blind(EFFECT + SHORTEST_BLINDNESS + 1) is not None
    assert guard((), slow, lags={"orders": 60}).blind(EFFECT + 180) is None
    assert guard((), slow, lags={"orders": 60}).blind(EFFECT + 181) is not None


def test_caution_after_an_hour_without_bursts_is_halved() -> None:
    edge = Edge("share", 0.01)

    def cautious(hours: float) -> float:
        return caution(edge, tuple((float(second), 1.0, 199.0) for second in range(0, int(hours * 3600), 4)))

    assert cautious(0.25) > cautious(0.5) > cautious(1) == pytest.approx(cautious(24), rel=1e-6)
    assert cautious(24) == pytest.approx(1 + 1500 * HIDDEN / 2 / 99, rel=0.01)


def test_guard_scores_a_corrected_bin_again() -> None:
    own = rate(bound={"at_least": "25/s"})
    watching = guard(steady(300), own)
    first = counts([(22, 0)] * 30, EFFECT)  # too few, until the rest arrives
    whole = counts([(50, 0)] * 30, EFFECT)
    for early, late in zip(first, whole, strict=True):
        assert watching.feed("orders", (early,)) is None
        assert watching.feed("orders", (late,)) is None
    assert watching.blind(EFFECT + 30) is None


def test_guard_fires_by_a_bin_that_was_corrected() -> None:
    watching = guard()
    healthy = steady(20, start=EFFECT)
    assert play(watching, healthy) is None
    worse = tuple(replace(sample, bad=40.0, value=0.2) for sample in healthy[:10])
    fired = watching.feed("orders", worse)
    assert fired is not None
    assert fired.at <= EFFECT + 10


def test_guard_scores_the_same_bin_once() -> None:
    once, again = guard(requests(1, 300, 0.005)), guard(requests(1, 300, 0.005))
    stream = requests(2, 60, 0.3, start=EFFECT)
    assert play(once, stream) == next(
        (fired for number in range(60) if (fired := again.feed("orders", stream[: number + 1]))), None
    )


# Zero traffic, and breaches that must last ---------------------------------------------------------------------------


def blinded(watching: Guard, series: Series) -> Fired | None:
    for sample in series:
        if fired := watching.feed("orders", (sample,)) or watching.blind(sample.end):
            return fired
    return None


def test_guard_zero_traffic_aborts_as_silence_does() -> None:
    fired = blinded(guard(), steady(60, start=EFFECT) + steady(60, 0, start=EFFECT + 60))
    assert fired is not None
    assert fired.at - EFFECT - 60 == SHORTEST_BLINDNESS + 1
    assert "no request" in fired.about


def test_guard_zero_traffic_that_is_usual_does_not_abort() -> None:
    rare = counts([(float(second % 20 == 0), 0.0) for second in range(300)])
    assert blinded(guard(rare), steady(60, 0, start=EFFECT)) is None


LASTING = bound(at_least="50%", **{"for": "10s"})


@pytest.mark.parametrize(("outage", "fires"), [(2, False), (5, False), (10, True), (30, True)])
@pytest.mark.parametrize("second", range(0, 60, 7))
def test_guard_with_for_fires_only_if_it_lasts(outage: int, fires: bool, second: int) -> None:
    down = counts([(50.0, 50.0 if second <= at < second + outage else 0.0) for at in range(120)], EFFECT)
    fired = play(guard(at=LASTING), down)
    assert (fired is not None) is fires
    if fired:
        assert 8 <= fired.at - EFFECT - second <= 10


def test_guard_with_for_fires_by_late_bins() -> None:
    down = counts([(50.0, 40.0)] * 30, EFFECT)
    watching = guard(at=LASTING)
    assert play(watching, tuple(replace(sample, bad=0.0) for sample in down)) is None
    assert watching.feed("orders", down) is not None


def test_guard_with_a_coarse_period_waits_for_two_bins() -> None:
    own = kpi(
        ratio={"bad": reading("Failed", period="60s", missing="zero"), "total": reading("Tried", period="60s")},
        bound={"at_least": "99%"},
    )
    minutes = tuple(replace(sample, start=sample.start * 60, length=60.0) for sample in counts([(3000, 0)] * 5))
    down = tuple(replace(minutes[0], start=EFFECT + 60.0 * index, bad=3000.0) for index in range(3))
    fired = play(guard(minutes, own, bound(at_least="50%", **{"for": "2m"})), down)
    assert fired is not None
    assert fired.at == EFFECT + 120
