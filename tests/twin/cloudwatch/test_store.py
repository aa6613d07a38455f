"""The twin's CloudWatch: statistics as CloudWatch documents them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gameday.twin.cloudwatch.statistic import parse_statistic
from gameday.twin.cloudwatch.store import MetricStore
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=60)
SHARES = st.integers(1, 9999).map(lambda number: number / 100)


def stored(points, dimensions=None):
    store = MetricStore()
    for at, value in points:
        store.put("Shop", "Orders", dimensions or {}, at, value)
    return store


def read(store, statistic="Sum", period=60, start=0, end=10_000, dimensions=None):
    return store.statistics("Shop", "Orders", dimensions or {}, statistic, period, start, end)


# --- statistics ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statistic", "value"),
    [
        ("Sum", 10.0),
        ("Average", 2.5),
        ("Minimum", 1.0),
        ("Maximum", 4.0),
        ("SampleCount", 4.0),
        ("p50", 2.0),
        ("p75.1", 4.0),
        ("p100", 4.0),
        ("tm75", 2.0),
        ("TM(25%:75%)", 2.5),
        ("TM(1:3)", 2.5),
        ("tc75", 3.0),
        ("TC(2:3)", 1.0),
        ("TC(:3)", 3.0),
        ("TC(3:)", 1.0),
        ("TC(25%:)", 3.0),
        ("PR(:1)", 25.0),
        ("PR(1:3)", 50.0),
        ("PR(4:)", 0.0),
    ],
)
def test_statistic_matches_cloudwatchs_definition(statistic, value):
    assert parse_statistic(statistic)([4.0, 1.0, 3.0, 2.0]) == value


@given(VALUES, SHARES)
def test_percentiles_are_numpys_nearest_rank(values, share):
    assert parse_statistic(f"p{share}")(values) == np.percentile(values, share, method="inverted_cdf")


@given(VALUES, SHARES)
def test_trimmed_mean_averages_up_to_the_percentile(values, share):
    kept = sorted(values)[: math.ceil(round(len(values) * share / 100, 9))]
    assert parse_statistic(f"tm{share}")(values) == pytest.approx(np.mean(kept))
    assert parse_statistic(f"tc{share}")(values) == len(kept)


@given(VALUES, st.integers(0, 1000), st.integers(0, 1000))
def test_counts_exclude_the_lower_and_include_the_upper_bound(values, low, more):
    values += [float(low), float(low + more)]
    within = sum(low < value <= low + more for value in values)
    assert parse_statistic(f"TC({low}:{low + more})")(values) == within
    assert parse_statistic(f"PR({low}:{low + more})")(values) == pytest.approx(100 * within / len(values))


@pytest.mark.parametrize(
    "name", ["", "sum", "p", "p101", "tm200", "PR(:)", "PR(10%:90%)", "TC(1:50%)", "TM(90%:10%)", "p99x", "IQM"]
)
def test_unknown_statistic_error_names_the_known(name):
    with pytest.raises(ValueError, match="is not a statistic: Sum, Average"):
        parse_statistic(name)


# --- the store -------------------------------------------------------------------------------------------------------


def test_periods_are_aligned_and_gaps_stay_gaps():
    store = stored([(59.9, 1), (60, 2), (119.999, 3), (240, 4)])
    assert read(store) == [(0.0, 1.0), (60.0, 5.0), (240.0, 4.0)]
    assert read(store, start=90) == [(60.0, 5.0), (240.0, 4.0)]
    assert read(store, end=60) == [(0.0, 1.0)]
    assert read(store, end=60.5) == [(0.0, 1.0), (60.0, 5.0)]
    assert read(store, period=1, start=60, end=62) == [(60.0, 2.0)]


def test_incomplete_period_is_left_out():
    store = stored([(10, 1), (70, 2)])
    store.complete_until = 119
    assert read(store) == [(0.0, 1.0)]
    store.complete_until = 120
    assert read(store) == [(0.0, 1.0), (60.0, 2.0)]


def test_dimensions_must_match_exactly():
    store = stored([(1, 1)], {"Stage": "live", "Api": "shop"})
    assert read(store, dimensions={"Api": "shop", "Stage": "live"}) == [(0.0, 1.0)]
    assert read(store) == read(store, dimensions={"Api": "shop"}) == []
    assert read(MetricStore()) == []


@given(st.lists(st.tuples(st.integers(0, 400), st.floats(0, 10)), max_size=50), st.sampled_from([1, 5, 10, 60, 120]))
def test_no_value_is_lost_between_periods(points, period):
    store = stored(points)
    assert sum(value for _, value in read(store, "SampleCount", period)) == len(points)
    assert sum(value for _, value in read(store, "Sum", period)) == pytest.approx(sum(value for _, value in points))
