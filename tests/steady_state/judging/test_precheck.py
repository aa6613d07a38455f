from __future__ import annotations

import pytest
from gameday.steady_state.judging.precheck import guard_refusals, own_period, refusals, wait
from gameday.steady_state.kpi.kpi import Bound, Kpi
from gameday.steady_state.samples import Sample, Series

from tests.steady_state.streams import (
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

BEFORE = (0.0, 300.0)


def check(own: Kpi, series: Series) -> tuple[str, ...]:
    return refusals({"orders": own}, {"orders": series}, BEFORE)


@pytest.mark.parametrize(
    ("own", "series"),
    [
        (ratio(), steady(300)),
        (ratio(), steady(300, 50, 0.4)),
        (ratio("100%"), steady(300)),
        (ratio(), steady(270)),  # some gaps
        (latency(), steady(300, 50, 2)),
        (rate(), steady(300, 45)),
        (rate(bound={"within": "5%", "of": "baseline"}), steady(300, 3)),
        (gauge(), readings([6] * 300, gauge())),
        (gauge(), readings([5] * 10 + [6] * 290, gauge())),
    ],
)
def test_refusals_of_steady_kpi_are_empty(own: Kpi, series: Series) -> None:
    assert check(own, series) == ()


@pytest.mark.parametrize(
    ("own", "series", "reason"),
    [
        (ratio(), (), "orders has no data"),
        (ratio(), steady(300, start=1000), "orders has no data"),
        (ratio(), steady(100), "orders has data for only 33% of the baseline"),
        (ratio(), steady(300, 0), "orders is idle: no traffic"),
        (rate(), steady(300, 0), "orders is idle: no traffic"),
        (ratio(), steady(300, 100, 3), "orders is not steady: 97% of 30,000; its bound is at least 99%"),
        (ratio("100%"), steady(300, 100, 1), "orders is not steady: 99% of 30,000; its bound is at least 100%"),
        (
            latency(),
            steady(300, 50, 5),
            "orders is not steady: 90% of 15,000 within 300ms; its bound is p95 of at most 300ms",
        ),
        (rate(), steady(300, 30), "orders is not steady: 30/s; its bound is at least 40/s"),
        (rate(bound={"at_most": "20/s"}), steady(300, 30), "orders is not steady: 30/s; its bound is at most 20/s"),
        (
            ratio(),
            steady(300, 1),
            "orders is not yet proven steady: 100% of 300; its bound is at least 99%; write `baseline: 7m` or more",
        ),
        (
            gauge(),
            readings([5] * 30 + [6] * 270, gauge()),
            "orders is not steady: in range 90% of 300 readings; its bound is at least 6 for 95% of the time",
        ),
        (
            ratio(),
            counts([(50, 0)] * 280 + [(50, 20)] * 5 + [(50, 0)] * 15),
            "orders is not steady: 99.3% of 15,000 in all, but it left its bound of at least 99% for a time",
        ),
    ],
)
def test_refusals_name_the_kpi_and_its_numbers(own: Kpi, series: Series, reason: str) -> None:
    assert check(own, series) == (reason,)


def test_refusals_of_gauge_with_few_readings() -> None:
    own = Kpi.model_validate(
        {"tier": "technical", "gauge": {"cloudwatch": "A/B", "period": "2m"}, "bound": {"at_least": 6}}
    )
    from gameday.steady_state.samples import Sample

    series = (Sample(0, 120, 1, 0, 6), Sample(120, 120, 1, 0, 6))
    assert check(own, series) == ("orders has only 2 readings in the baseline; at least 3 are needed",)


def test_refusals_of_healthy_streams_are_empty() -> None:
    healthy = [check(ratio(), requests(seed, 300, 0.004, each=20)) for seed in range(100)]
    assert healthy == [()] * 100


@pytest.mark.parametrize(
    ("series", "seconds"),
    [
        (steady(300, 50), 0),  # known
        (steady(300, 1), 67),  # log(40) / -log(0.99) = 367 requests without a failure
        (steady(300, 0), 0),  # idle: waiting does not help
        (steady(300, 100, 3), 0),  # sick
    ],
)
def test_wait_returns_the_missing_seconds_of_baseline(series: Series, seconds: int) -> None:
    assert wait({"orders": ratio()}, {"orders": series}, BEFORE) == pytest.approx(seconds, abs=0.5)


def test_guard_refusals_of_guard_that_fires_while_healthy() -> None:
    own, calm, dips = ratio(), steady(300), steady(3000, start=-3600) + steady(5, 50, 20, start=-400)
    tight, wide = {"orders": bound(at_least="99%")}, {"orders": bound(at_least="50%")}

    def why(guard: dict[str, Bound], seen: Series = calm) -> tuple[str, ...]:
        return guard_refusals(guard, {"orders": own}, {"orders": seen}, {"orders": dips}, 1e-4)

    assert why(wide) == ()
    assert why(tight) == (
        "orders would fire its guard without a fault: it left at least 99% for a time in the last 1h5m",
    )
    assert why(wide, ()) == ("orders has no data for its guard",)


def test_refusals_per_offered_load_accept_a_lossy_baseline() -> None:
    own = kpi(rate=reading("Orders"), per=reading("Tried"), bound={"within": "5%", "of": "baseline"})
    assert check(own, steady(300, 50, 5)) == ()


def test_refusals_name_every_unfit_kpi() -> None:
    kpis = {"orders": ratio(), "browse": ratio(), "latency": latency()}
    series = {"orders": steady(300, 10, 5), "browse": steady(300)}
    assert [reason.split()[0] for reason in refusals(kpis, series, BEFORE)] == ["orders", "latency"]


def minutes(starts: range) -> Series:
    return tuple(Sample(float(start), 60.0, 1.0, 0.0, 6.0) for start in starts)


def test_refusals_name_a_period_finer_than_the_metrics() -> None:
    own = kpi(gauge=reading("CPU", period="1m"), bound={"at_least": 6})
    hour, baseline = minutes(range(-3600, 0, 300)), minutes(range(0, 600, 300))
    (reason,) = refusals({"cpu": own}, {"cpu": baseline}, (0.0, 600.0), history={"cpu": hour})
    assert "`period: 5m`" in reason


@pytest.mark.parametrize(
    ("starts", "own"),
    [
        (range(0, 3600, 300), 300),
        (range(0, 3600, 60), None),
        (range(0, 900, 300), None),  # three bins may be chance
        ((0, 120, 3000, 3600), None),  # few requests
        ((0, 60, 300, 600, 900, 1200), None),
    ],
)
def test_own_period_is_seen_in_the_starts(starts: range, own: float | None) -> None:
    assert own_period(minutes(starts), 60.0) == own


def test_guard_with_for_is_not_refused_for_a_short_failover() -> None:
    series = counts([(50.0, 50.0 if 100 <= second < 102 else 0.0) for second in range(300)])
    bounds = [bound(at_least="50%"), bound(at_least="50%", **{"for": "10s"})]
    found = [guard_refusals({"orders": own}, {"orders": ratio()}, {"orders": series}, {}, 1e-4) for own in bounds]
    assert [len(reasons) for reasons in found] == [1, 0]
