"""Counts that rise above their earlier level: what is clear, and how rarely chance looks like it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from gameday.steady_state.judging.excess import BURSTIEST, burst, p_value, shows
from hypothesis import given
from hypothesis import strategies as st

ONE_IN_10_000 = 1e-4
NOTHING = [0.0]
counts = st.lists(st.integers(0, 1000).map(float), min_size=1, max_size=12)


def fewest(before: list[float], chance: float = ONE_IN_10_000) -> int:
    """Return the fewest events that show in the first period."""
    return next(count for count in range(10_000) if shows(before, [float(count)], chance))


# values ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("known", "few"), [(10, 5), (5, 6), (2, 10), (1, 15)])
def test_shows_after_silence_needs_few_events(known: int, few: int) -> None:
    assert fewest(NOTHING * known) == few


def test_p_value_is_that_of_the_binomial() -> None:
    assert p_value(NOTHING * 5, [6.0]) == pytest.approx((1 / 6) ** 6)
    assert p_value([0.0] * 4, [0.0, 3.0]) == pytest.approx((2 / 6) ** 3)
    assert p_value([10.0], [10.0]) == 1
    # Six before and nine after, all periods alike and short of three degrees of freedom: counted in tens.
    from scipy.special import betainc

    assert p_value([6.0], [9.0]) == pytest.approx(betainc(0.9, 1.6, 0.5))


def test_shows_nothing_for_the_same_rate_in_a_longer_window() -> None:
    assert not shows([20.0] * 5, [20.0] * 11, 0.5)  # 220 against 100


def test_shows_a_doubled_rate_with_enough_events() -> None:
    assert shows([98.0, 105.0, 100.0, 92.0, 107.0], [150.0, 203.0, 189.0, 206.0, 197.0], ONE_IN_10_000)


def test_shows_a_full_throttle_in_its_first_period() -> None:
    assert shows([28.0, 33.0, 30.0, 25.0, 34.0], [280.0], ONE_IN_10_000)


def test_shows_a_late_excess_when_it_comes() -> None:
    late = [2.0, 1.0, 3.0, 2.0, 2.0, 90.0]
    before = [2.0, 3.0, 1.0, 2.0, 2.0]
    assert not shows(before, late[:-1], ONE_IN_10_000)
    assert shows(before, late, ONE_IN_10_000)


def test_shows_allows_for_earlier_bursts() -> None:
    assert shows([9.0, 11.0, 10.0, 12.0, 8.0], [80.0], ONE_IN_10_000)
    assert not shows([0.0, 50.0, 0.0, 0.0, 0.0], [80.0], ONE_IN_10_000)  # the same rate, in one burst


def test_shows_nothing_without_earlier_periods() -> None:
    assert not shows([], [1e6], ONE_IN_10_000)


def test_burst_of_too_few_periods_is_the_burstiest() -> None:
    assert burst([5.0], [9.0, 8.0, 7.0]) == BURSTIEST
    assert burst([5.0, 5.0], [9.0, 9.0, 9.0]) == 1


# laws -----------------------------------------------------------------------------------------------------------------


@given(counts, counts)
def test_shows_never_turns_true_with_an_empty_period(before: list[float], after: list[float]) -> None:
    silent = [0.0] * len(after)
    assert not shows(before, silent, 0.5)
    if not shows(before, after, ONE_IN_10_000):
        assert not shows(before, [*after, 0.0], ONE_IN_10_000)


@given(counts, counts)
def test_shows_stays_true_with_more_periods(before: list[float], after: list[float]) -> None:
    seen = [shows(before, after[:looks], ONE_IN_10_000) for looks in range(len(after) + 1)]
    assert seen == sorted(seen)


@given(st.integers(0, 200), st.integers(1, 10), st.integers(1, 11))
def test_shows_nothing_at_an_unchanged_rate(rate: int, known: int, periods: int) -> None:
    assert not shows([float(rate)] * known, [float(rate)] * periods, 0.5)


@given(st.integers(1, 10), st.integers(0, 300), st.integers(0, 300))
def test_shows_grows_with_events_in_the_first_period(known: int, count: int, more: int) -> None:
    before = NOTHING * known
    assert shows(before, [float(count)], ONE_IN_10_000) <= shows(before, [float(count + more)], ONE_IN_10_000)


# by simulation --------------------------------------------------------------------------------------------------------

Stream = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def false_signs(stream: Stream, known: int, chance: float, runs: int = 1000) -> float:
    """Return the share of runs in which some look, in eleven periods, finds a sign although nothing changed."""
    drawn = stream(np.random.default_rng(20260101), (runs, known + 11)).astype(float).tolist()
    # A sign stays a sign: the last look finds what any look found.
    return sum(shows(run[:known], run[known:], chance) for run in drawn) / runs


@pytest.mark.parametrize("known", [1, 5, 10])
@pytest.mark.parametrize("rate", [0.05, 0.5, 5.0, 100.0])
def test_shows_in_steady_stream_errs_within_its_chance(rate: float, known: int) -> None:
    def poisson(random: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
        return random.poisson(rate, size)

    assert false_signs(poisson, known, 0.05, runs=400) <= 0.05
    assert false_signs(poisson, known, ONE_IN_10_000, runs=400) == 0


@pytest.mark.parametrize("known", [5, 10])
@pytest.mark.parametrize(("rate", "size"), [(6, 3), (30, 3), (30, 8), (300, 8)])
def test_shows_in_bursty_stream_rarely_errs(rate: float, size: float, known: int) -> None:
    def bursts(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        return random.negative_binomial(rate / (size - 1), 1 / size, shape)

    assert false_signs(bursts, known, ONE_IN_10_000, runs=500) <= 0.002
