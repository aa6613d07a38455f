"""Which graphs are worth watching: technical KPIs beside the business KPI."""

from __future__ import annotations

import pytest
from gameday.steady_state.kpi.claim import LeadJudgement, Move
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.samples import Series

from tests.steady_state.streams import EFFECT, counts, gauge, judged, latency, phases, ratio, readings, steady


def lead(technical: Series, business: Series, own: Kpi | None = None, **claim) -> LeadJudgement:
    kpis = {"orders": ratio(), "checkout-latency": own or latency(tier="technical")}
    series = {"orders": business, "checkout-latency": technical}
    (found,) = judged(series, kpis, during={"orders": None}, **claim).leads
    return found


def dip(begins: int, ends: int = 200) -> Series:
    return steady(300) + counts([(50, 25 if begins <= second < ends else 0) for second in range(480)], EFFECT)


@pytest.mark.parametrize(
    ("own", "move", "words"),
    [
        (dip(5), Move.LED, "checkout-latency moved 25s before orders suffered (between 1"),
        (dip(90), Move.LAGGED, "checkout-latency moved 1m after orders suffered (between 5"),
        (dip(30), Move.TOGETHER, "checkout-latency moved with orders (from "),
        (dip(500), Move.MISSED, "checkout-latency never moved while orders suffered"),
    ],
)
def test_a_technical_kpi_leads_lags_or_misses(own: Series, move: Move, words: str) -> None:
    found = lead(own, dip(30))
    assert found.move is move
    assert found.words.startswith(words)
    if found.after is not None:
        assert found.low <= found.after <= found.high


def test_one_that_moves_alone_cries_wolf() -> None:
    found = lead(dip(30), steady(780))
    assert found.move is Move.CRIED_WOLF
    assert found.words == "checkout-latency cried wolf: it left its bound, and orders did not suffer"


def test_where_nothing_moves_nothing_is_told_of_a_graph() -> None:
    assert lead(steady(780), steady(780)).move is Move.QUIET


@pytest.mark.parametrize("series", [(), steady(400), steady(300) + steady(480, 0, start=EFFECT)])
def test_what_has_no_data_is_unknown(series: Series) -> None:
    assert lead(series, dip(30)).move is Move.UNKNOWN
    assert lead(dip(30), series).move is Move.UNKNOWN


def test_one_close_to_its_bound_did_not_miss_for_certain() -> None:
    found = lead(steady(300) + steady(480, 50, 2.4, start=EFFECT), dip(30))
    assert found.move is Move.UNKNOWN
    assert found.words == "checkout-latency cannot be told: too close to its bound, or too little traffic"


def test_a_gauge_is_worth_watching_too() -> None:
    own = gauge(tier="technical")
    found = lead(readings([6] * 302 + [4] * 120 + [6] * 358, own), dip(30), own)
    assert (found.move, found.after) == (Move.LED, -28)


def test_the_business_kpi_that_suffers_first_is_the_measure() -> None:
    kpis = {"orders": ratio(), "pages": ratio(), "checkout-latency": latency(tier="technical")}
    series = {"orders": dip(60), "pages": dip(20), "checkout-latency": dip(40)}
    (found,) = judged(series, kpis).leads
    assert (found.business, found.move) == ("pages", Move.LAGGED)


def test_without_a_business_kpi_or_an_injection_there_is_nothing_to_lead() -> None:
    technical = {"checkout-latency": latency(tier="technical")}
    assert not judged({"checkout-latency": dip(5)}, technical).leads
    assert not judged({"orders": dip(5)}, at=phases(injected=None, took_effect=None)).leads
