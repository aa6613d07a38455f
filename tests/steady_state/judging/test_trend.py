"""A trend in the baseline is found and named, and noise is not called one."""

from __future__ import annotations

import pytest
from gameday.steady_state.judging.trend import trend_of

from tests.steady_state.streams import gauge, judged, rate, ratio, readings, requests, steady


def test_errors_that_rise_before_the_fault_are_named() -> None:
    series = requests(1, 780, lambda second: 0.002 + 0.016 * second / 1020)
    (note,) = [note for note in judged({"orders": series}).notes if "before the fault" in note]
    assert note.startswith("orders was getting worse before the fault, from about 0.")


def test_a_steady_baseline_has_no_trend() -> None:
    chances = [trend_of(ratio(), requests(seed, 300, 0.002)).chance for seed in range(60)]
    assert sum(chance < 0.05 for chance in chances) <= 8  # 8 of 60 at 1 in 20: once in 60
    assert sum(chance < 0.5 for chance in chances) >= 15


def test_line_of_a_trend_runs_from_first_to_last_share() -> None:
    found = trend_of(ratio(), requests(3, 300, lambda second: 0.01 * second / 300, each=500))
    assert found.first == pytest.approx(0.0, abs=0.001)
    assert found.last == pytest.approx(0.01, abs=0.001)
    assert found.chance < 1e-4


def test_a_rate_that_falls_has_a_trend() -> None:
    falling = tuple(sample for second in range(300) for sample in steady(1, total=60 - second // 10, start=second))
    assert trend_of(rate(), falling).chance < 1e-6


def test_no_trend_is_tested_without_bad_or_of_a_gauge() -> None:
    assert trend_of(ratio(), steady(300)) is None
    assert trend_of(gauge(), readings([6.0] * 300, gauge())) is None
    assert trend_of(ratio(), requests(1, 3, 0.5)) is None
