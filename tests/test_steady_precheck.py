from __future__ import annotations

import pytest

from steady_state.kpi import Kpi
from steady_state.precheck import refusals
from steady_state.samples import Series
from tests.steady_streams import counts, gauge, kpi, latency, rate, ratio, reading, readings, requests, steady

BEFORE = (0.0, 300.0)


def check(own: Kpi, series: Series) -> tuple[str, ...]:
    return refusals({"orders": own}, {"orders": series}, BEFORE)


@pytest.mark.parametrize(
    ("own", "series"),
    [
        (ratio(), steady(300)),
        (ratio(), steady(300, 50, 0.4)),
        (ratio(), steady(300, 1)),  # too little to prove the bound, which is no reason to refuse
        (ratio("100%"), steady(300)),
        (ratio(), steady(270)),  # some gaps
        (latency(), steady(300, 50, 2)),
        (rate(), steady(300, 45)),
        (rate(bound={"within": "5%", "of": "baseline"}), steady(300, 3)),
        (gauge(), readings([6] * 300, gauge())),
        (gauge(), readings([5] * 10 + [6] * 290, gauge())),
    ],
)
def test_a_steady_kpi_is_no_reason_to_refuse(own: Kpi, series: Series) -> None:
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
def test_what_cannot_be_judged_or_is_not_steady_is_refused_with_the_numbers(
    own: Kpi, series: Series, reason: str
) -> None:
    assert check(own, series) == (reason,)


def test_a_gauge_read_too_rarely_is_refused() -> None:
    own = Kpi.model_validate(
        {"tier": "technical", "gauge": {"cloudwatch": "A/B", "period": "2m"}, "bound": {"at_least": 6}}
    )
    from steady_state.samples import Sample

    series = (Sample(0, 120, 1, 0, 6), Sample(120, 120, 1, 0, 6))
    assert check(own, series) == ("orders has too few readings in the baseline: 2; 3 are the least",)


def test_the_check_does_not_cry_wolf() -> None:
    healthy = [check(ratio(), requests(seed, 300, 0.005, each=20)) for seed in range(100)]
    assert healthy == [()] * 100


def test_offered_load_that_stays_unanswered_leaves_the_baseline_its_own_measure() -> None:
    own = kpi(rate=reading("Orders"), per=reading("Tried"), bound={"within": "5%", "of": "baseline"})
    assert check(own, steady(300, 50, 5)) == ()


def test_every_kpi_that_is_not_fit_is_named() -> None:
    kpis = {"orders": ratio(), "browse": ratio(), "latency": latency()}
    series = {"orders": steady(300, 10, 5), "browse": steady(300)}
    assert [reason.split()[0] for reason in refusals(kpis, series, BEFORE)] == ["orders", "latency"]
