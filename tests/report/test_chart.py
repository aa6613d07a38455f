"""Charts say what the samples say: nothing smoothed away, no gap bridged, no noise painted red."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gameday.events import Sampled
from gameday.records.record import Record
from gameday.report.axis import bad_axis, good_axis, time_axis, zero_axis
from gameday.report.chart import POINTS, chart, out, pooled, thinned
from gameday.steady_state.samples import Sample
from hypothesis import given
from hypothesis import strategies as st

from tests.report.sample import EPOCH, WORKLOAD, broken, held, spread

ORDERS, LATENCY = WORKLOAD.kpis["orders"], WORKLOAD.kpis["checkout-latency"]
CAPACITY, RATE, ERRORS = (WORKLOAD.kpis[name] for name in ("checkout-capacity", "order-rate", "payments-errors"))


def ratio(start: float, total: float, bad: float, length: float = 1.0) -> Sample:
    return Sample(start, length, total, bad, 1 - bad / total if total else None)


def test_shares_are_pooled_never_averaged() -> None:
    found = pooled([ratio(0, 1, 1), ratio(1, 99, 0)], ORDERS)
    assert found
    assert found.value == 0.99


def test_a_ratio_bound_from_above_draws_what_is_bad() -> None:
    found = pooled([ratio(0, 100, 3)], ERRORS)
    assert found
    assert found.value == 0.03
    drawn = chart(held(), "payments-errors")
    assert drawn.limits[0].high == 0.01
    assert drawn.y.low <= 0 < 0.02 <= drawn.y.high


def test_of_a_gauge_the_reading_furthest_out_is_kept() -> None:
    found = pooled([Sample(0, 1, 1, 0, 6.0), Sample(1, 1, 1, 1, 4.0), Sample(2, 1, 1, 0, 6.0)], CAPACITY)
    assert found
    assert found.value == 4.0


def test_a_rate_is_averaged_over_time() -> None:
    found = pooled([Sample(0, 10, 100, 0, 10.0), Sample(10, 30, 60, 0, 2.0)], RATE)
    assert found
    assert found.value == 4.0


def test_no_traffic_draws_nothing() -> None:
    assert pooled([ratio(0, 0, 0)], ORDERS) is None
    assert pooled([], CAPACITY) is None


def test_a_gap_stays_a_gap() -> None:
    bins = thinned((ratio(0, 10, 0), ratio(1, 10, 0), ratio(5, 10, 0)), ORDERS, 0.0, 1.0)
    assert [entry.value if entry else None for entry in bins.entries] == [1.0, 1.0, None, None, None, 1.0]


def test_bins_are_never_finer_than_the_samples() -> None:
    minutes = tuple(ratio(60.0 * at, 500, 1, 60.0) for at in range(10))
    assert thinned(minutes, ORDERS, 0.0, 3.0).step == 60.0


def test_minute_data_stands_where_it_was_measured() -> None:
    # CloudWatch's minutes begin on the clock's minutes, which the injection does not.
    minutes = tuple(ratio(60.0 * at, 500, 1, 60.0) for at in range(10))
    bins = thinned(minutes, ORDERS, 320.0, 3.0)
    assert [bins.middle(index) + 320.0 for index in range(10)] == [60.0 * at + 30.0 for at in range(10)]


@given(st.integers(1, 50), st.sampled_from([0.5, 1.0, 2.0, 7.0]), st.floats(0.0, 60.0))
def test_no_point_mixes_before_and_after_the_injection(least: int, length: float, zero: float) -> None:
    series = tuple(ratio(at * length, 10, 10 if at * length >= zero else 0, length) for at in range(200))
    values = {entry.value for entry in thinned(series, ORDERS, zero, least).entries if entry}
    assert values <= {0.0, 1.0}


@given(st.integers(1, 20_000), st.sampled_from([1.0, 5.0, 60.0]), st.floats(0, 1e6))
def test_chart_draws_at_most_its_points_and_all_traffic(count: int, length: float, zero: float) -> None:
    series = tuple(ratio(zero + at * length, 10, at % 2, length) for at in range(count))
    bins = thinned(series, ORDERS, zero, count * length / POINTS)
    assert len(bins.entries) <= max(POINTS, 1) + 1
    assert sum(entry.total for entry in bins.entries if entry) == 10 * count


def test_a_single_failure_is_no_news_and_an_outage_is() -> None:
    one, many = pooled([ratio(0, 50, 1)], ORDERS), pooled([ratio(0, 50, 20)], ORDERS)
    assert one
    assert many
    assert one.value < 0.99
    assert not out(one, 0.99, None)
    assert out(many, 0.99, None)
    four, six = pooled([Sample(0, 1, 1, 1, 4.0)], CAPACITY), pooled([Sample(0, 1, 1, 0, 6.0)], CAPACITY)
    assert four
    assert six
    assert out(four, 6.0, None)
    assert not out(six, 6.0, None)


def test_red_is_drawn_where_the_fault_hurt_and_only_there() -> None:
    drawn = chart(broken(), "orders")
    painted = [drawn.start + index * drawn.step for first, last in drawn.breaches for index in range(first, last + 1)]
    assert min(painted) >= 0
    assert max(painted) <= 432
    assert len(painted) * drawn.step > 400
    assert chart(held(), "search-latency").breaches == ()


def test_the_bound_of_the_fault_holds_while_it_lasts() -> None:
    assert [limit.low for limit in chart(held(), "orders").limits] == [0.99, 0.95, 0.99]
    assert [limit.low for limit in chart(held(), "checkout-latency").limits] == [0.95, 0.9, 0.95]
    before, after = chart(held(), "checkout-capacity").limits
    assert before.end == 0
    assert after.start > 420


def test_bound_against_the_baseline_is_drawn_around_it() -> None:
    kpi = RATE.model_copy(update={"bound": RATE.bound.model_validate({"within": "5%", "of": "baseline"})})
    workload = WORKLOAD.model_copy(update={"kpis": {**WORKLOAD.kpis, "order-rate": kpi}})
    record = held()
    record = replace(record, plan=record.plan.model_copy(update={"workload": workload}))
    (limit,) = chart(record, "order-rate").limits
    before = [sample.value for sample in record.series["order-rate"] if sample.start < EPOCH]
    mean = sum(value for value in before if value is not None) / len(before)
    assert limit.low == pytest.approx(0.95 * mean, rel=1e-3)
    assert limit.high == pytest.approx(1.05 * mean, rel=1e-3)


def test_recovery_is_marked_with_its_interval() -> None:
    impact, recovered = chart(held(), "orders").marks
    assert (impact.kind, impact.at) == ("impact", 1.0)
    assert (recovered.at, recovered.low, recovered.high) == (23.0, 21.0, 27.0)
    censored = chart(broken(), "orders").marks[-1]
    assert censored.low == censored.at == censored.high
    assert chart(spread(), "orders").marks == ()


def test_a_kpi_without_samples_has_a_chart_without_values() -> None:
    silent = replace(held(), events=tuple(event for event in held().events if not isinstance(event, Sampled)))
    drawn = chart(silent, "orders")
    assert drawn.values == ()


@given(st.floats(-1e6, 1e6).map(lambda at: round(at, 3)), st.floats(0, 1e6))
def test_a_time_axis_has_few_ticks_inside(low: float, span: float) -> None:
    axis = time_axis(low, low + span)
    assert len(axis.ticks) <= 10
    assert all(axis.low <= tick.at <= axis.high for tick in axis.ticks)


@given(st.lists(st.floats(0, 1)))
def test_axis_of_shares_holds_all_and_at_least_two_points(shares: list[float]) -> None:
    for axis in (good_axis(shares), bad_axis(shares)):
        assert all(axis.low <= share <= axis.high for share in shares)
        assert axis.high - axis.low >= 0.02
        assert 2 <= len(axis.ticks) <= 6
        assert len({tick.label for tick in axis.ticks}) == len(axis.ticks)


@given(st.lists(st.floats(-1e9, 1e9)))
def test_an_axis_of_readings_holds_zero_and_all_of_them(values: list[float]) -> None:
    axis = zero_axis(values)
    assert all(axis.low <= value <= axis.high for value in (0.0, *values))
    assert len(axis.ticks) <= 7


def test_chart_keeps_a_gap_as_a_gap() -> None:
    record = with_orders(held(), [ratio(EPOCH + at, 10, 0) for at in (0, 5, 10, 20)])
    assert None in chart(record, "orders").values


def test_chart_names_the_values_out_of_bound() -> None:
    record = with_orders(held(), [ratio(EPOCH - 50 + 5 * at, 50, 30 if at == 2 else 0, 5.0) for at in range(5)])
    assert chart(record, "orders").breaches == ((2, 2),)


def with_orders(record: Record, samples: list[Sample]) -> Record:
    others = tuple(event for event in record.events if not (isinstance(event, Sampled) and event.kpi == "orders"))
    return replace(record, events=(others[0], Sampled(EPOCH, "orders", tuple(samples)), *others[1:]))
