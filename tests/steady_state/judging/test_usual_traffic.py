from __future__ import annotations

import pytest
from gameday.steady_state.judging.usual_traffic import Arrivals, arrivals, missing, quiet, usual_of
from gameday.steady_state.kpi.claim import Verdict
from gameday.steady_state.samples import Series

from tests.steady_state.streams import (
    EFFECT,
    counts,
    gauge,
    judged,
    latency,
    rate,
    ratio,
    readings,
    requests,
    steady,
    within,
)

HELD, UNKNOWN = Verdict.HELD, Verdict.UNKNOWN


def came(during: Series, before: Series = ()) -> Arrivals:
    usual = usual_of(before or steady(300))
    assert usual is not None
    return arrivals(usual, during, EFFECT, EFFECT + 420)


def fault(*parts: tuple[int, float]) -> Series:
    """Make seconds of a fault from pairs of (how many, requests in each)."""
    return counts([(total, 0.0) for seconds, total in parts for _ in range(seconds)], EFFECT)


@pytest.mark.parametrize(
    ("during", "lost", "silent"),
    [
        (fault((420, 50)), False, 0),
        (fault((420, 10)), True, 336),
        (fault((420, 0)), True, 420),
        (fault((60, 50), (70, 0), (290, 50)), True, 70),
        (fault((60, 50), (20, 0), (340, 50)), False, 20),
    ],
)
def test_arrivals_of_a_fault_name_lost_requests(during: Series, lost: bool, silent: float) -> None:
    found = came(during)
    assert (found.are_lost, found.silent) == (lost, pytest.approx(silent))


def test_arrivals_that_drift_as_before_are_usual() -> None:
    falling = counts([(60 - second * 0.03, 0.0) for second in range(720)])
    assert not came(falling[300:], falling[:300]).are_lost
    assert came(fault((420, 20)), falling[:300]).are_lost


def test_arrivals_below_half_are_lost_on_any_trend() -> None:
    falling = counts([(60 - second * 0.15, 0.0) for second in range(300)])
    assert came(fault((420, 6)), falling).are_lost


def test_silence_of_rare_traffic_is_usual() -> None:
    rare = counts([(float(second % 20 == 0), 0.0) for second in range(720)])
    assert came(rare[300:], rare[:300]).silent == 0
    assert came(rare[300:400], rare[:300]).silent == pytest.approx(320, abs=20)


def test_missing_leaves_out_the_rest_of_a_bin_at_an_edge() -> None:
    bins = steady(10, start=0.5)
    assert missing(bins, 0, 11) == []
    assert missing(bins, 0, 12) == [(10.5, 12)]
    assert quiet((*bins[:3], *bins[5:]), 0.5, 10.5) == [(3.5, 5.5)]


# In a verdict -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [ratio(), latency(bound={"p99": "300ms"})], ids=["ratio", "latency"])
@pytest.mark.parametrize(
    "during",
    [fault((480, 10)), fault((60, 50), (300, 0), (120, 50)), fault((60, 50), (20, 0), (400, 50)), fault((480, 0))],
    ids=["80% fewer", "an outage", "20s", "nothing"],
)
def test_verdict_with_lost_traffic_is_unknown(own, during: Series) -> None:
    found = judged({"orders": steady(300) + during}, {"orders": own})
    assert found.verdict is UNKNOWN
    assert any(word in found.sentence for word in ("never arrived", "no request for"))


@pytest.mark.parametrize("gap", [10, 70])
def test_verdict_with_a_gap_longer_than_the_bound_allows(gap: int) -> None:
    series = steady(360) + steady(420 - gap, start=360.0 + gap)
    assert judged({"orders": series}).verdict is UNKNOWN
    assert judged({"orders": steady(780)}).verdict is HELD


def test_gap_of_a_gauge_or_a_rate_counts_as_the_worst() -> None:
    own = gauge()
    assert judged({"orders": readings([6] * 780, own)}, {"orders": own}).verdict is HELD
    holey = readings([6] * 360, own) + readings([6] * 380, own, 400)
    assert judged({"orders": holey}, {"orders": own}).verdict is UNKNOWN
    events = steady(360) + steady(360, start=420)
    assert judged({"orders": events}, {"orders": rate(bound={"at_least": "20/s"})}).verdict is HELD
    assert judged({"orders": events}, {"orders": rate(bound={"at_least": "45/s"})}).verdict is UNKNOWN


def test_recovery_that_lost_traffic_hides_is_unknown() -> None:
    series = steady(300) + fault((60, 50), (200, 0), (220, 50))
    found = judged({"orders": series}, during={"orders": None}, recovery=within(240))
    assert found.recovery[0].verdict is UNKNOWN
    assert found.verdict is UNKNOWN


def test_module_with_lost_traffic_is_not_contained() -> None:
    kpis = {"orders": ratio(), "pages": ratio(module="catalog")}
    series = {"orders": steady(780), "pages": steady(300) + fault((480, 10))}
    found = judged(series, kpis, margin=0.01, contained=("catalog",))
    assert found.modules[0].verdict is UNKNOWN
    assert "never arrived" in found.modules[0].words


def test_held_sentence_names_the_usual_traffic() -> None:
    more = judged({"orders": steady(300) + fault((480, 80))})
    assert (more.verdict, "usually about 21,000" in more.sentence) == (HELD, True)


@pytest.mark.parametrize("seed", range(20))
def test_verdict_of_usual_traffic_is_held(seed: int) -> None:
    assert judged({"orders": requests(seed, 780, 0.001, each=20)}).verdict is HELD
