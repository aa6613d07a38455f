"""Graphs worth watching: technical KPIs compared with the business KPI."""

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
        (dip(30), Move.TOGETHER, "checkout-latency moved with orders (between "),
        (dip(500), Move.MISSED, "checkout-latency stayed within its bound while orders suffered"),
    ],
)
def test_a_technical_kpi_leads_lags_or_misses(own: Series, move: Move, words: str) -> None:
    found = lead(own, dip(30))
    assert found.move is move
    assert found.words.startswith(words)
    if found.after is not None:
        assert found.low <= found.after <= found.high


def test_technical_kpi_that_moves_alone_is_a_false_alarm() -> None:
    found = lead(dip(30), steady(780))
    assert found.move is Move.CRIED_WOLF
    assert found.words == "checkout-latency left its bound, but orders did not suffer"


def test_graphs_without_any_move_are_quiet() -> None:
    assert lead(steady(780), steady(780)).move is Move.QUIET


@pytest.mark.parametrize("series", [(), steady(400), steady(300) + steady(480, 0, start=EFFECT)])
def test_graph_without_data_is_unknown(series: Series) -> None:
    assert lead(series, dip(30)).move is Move.UNKNOWN
    assert lead(dip(30), series).move is Move.UNKNOWN


def test_graph_close_to_its_bound_is_unknown() -> None:
    found = lead(steady(300) + steady(480, 50, 2.4, start=EFFECT), dip(30))
    assert found.move is Move.UNKNOWN
    assert found.words == "checkout-latency cannot be judged: too close to its bound, or too little traffic"


def test_gauge_that_moves_first_leads() -> None:
    own = gauge(tier="technical")
    found = lead(readings([6] * 302 + [4] * 120 + [6] * 358, own), dip(30), own)
    assert (found.move, found.after) == (Move.LED, -28)


def test_leads_compare_with_the_first_business_kpi_to_suffer() -> None:
    kpis = {"orders": ratio(), "pages": ratio(), "checkout-latency": latency(tier="technical")}
    series = {"orders": dip(60), "pages": dip(20), "checkout-latency": dip(40)}
    (found,) = judged(series, kpis).leads
    assert (found.business, found.move) == ("pages", Move.LAGGED)


def test_leads_without_business_kpi_or_injection_are_empty() -> None:
    technical = {"checkout-latency": latency(tier="technical")}
    assert not judged({"checkout-latency": dip(5)}, technical).leads
    assert not judged({"orders": dip(5)}, at=phases(injected=None, took_effect=None)).leads
