"""A query of CloudWatch Logs Insights as a KPI: it scans each line once, and failures are gaps."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from gameday.aws.account import AnyCall
from gameday.aws.client import open_account
from gameday.aws.source_calls import calls_of_sources
from gameday.change import Call
from gameday.steady_state.clock import TestClock
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import Unanswered
from gameday.steady_state.samples import Sample, Series
from gameday.steady_state.sources.logs import LogsSource, samples
from moto import mock_aws
from pydantic import ValidationError

from tests.doubles.play import REGION
from tests.steady_state.streams import kpi

GROUP = "/shop/checkout"
QUERY = "stats count(*) as total, sum(failed) as bad by bin(1m)"
Numbers = dict[str, float | str]


def logs(query: str = QUERY, **more: Any) -> dict[str, Any]:
    return {"logs": {"group": GROUP, "query": query, **more}}


def orders(**more: Any) -> Kpi:
    return kpi(ratio={"total": logs(**more)}, bound={"at_least": "99%"})


def row(start: float, **numbers: float | str) -> list[dict[str, str]]:
    """A row as GetQueryResults writes it."""
    at = datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%d %H:%M:%S.000")
    return [{"field": "bin(1m)", "value": at}, *({"field": name, "value": str(n)} for name, n in numbers.items())]


class Insights:
    """Answers from counts by the start of their minute, after so many looks; `ends` is a status, or an error."""

    def __init__(self, counts: dict[float, Numbers], looks: int = 0, ends: str | Exception = "Complete") -> None:
        self.counts = counts
        self.looks = self.left = looks
        self.ends = ends
        self.queries: list[tuple[float, float]] = []
        self.operations: list[str] = []

    def __call__(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        self.operations.append(operation)
        if operation == "start_query":
            self.queries.append((params["startTime"], params["endTime"]))
            self.left = self.looks
            return {"queryId": "q"}
        assert params == {"queryId": "q"}
        self.left -= 1
        if self.left >= 0:
            return {"status": "Running", "results": []}
        if isinstance(self.ends, Exception):
            raise self.ends
        start, end = self.queries[-1]
        # Both edges are inclusive, so that the bin after the last begins to show.
        rows = [row(at, **numbers) for at, numbers in self.counts.items() if start <= at <= end]
        return {"status": self.ends, "results": rows if self.ends == "Complete" else []}


class Seen:
    """A source on a virtual clock, which is looked at every second."""

    def __init__(self, own: Kpi, insights: Insights, start: float = 600.0) -> None:
        self.own, self.clock, self.remarks = own, TestClock(start), list[str]()
        self.source = LogsSource({"it": own}, self.clock, insights)

    def until(self, end: float) -> Series:
        while self.clock.now() < end:
            self.clock.sleep(1)
            self.source.look("it")
        reading = self.source.read({"it": self.own}, 0, end)
        self.remarks += reading.remarks
        return reading.samples["it"]


COUNTS: dict[float, Numbers] = {60.0 * n: {"total": 100 + n, "bad": n - 10} for n in range(10, 20)}


def test_bin_is_queried_once_past_its_watermark() -> None:
    insights = Insights(COUNTS)
    seen = Seen(orders(), insights)
    assert seen.until(719) == ()
    assert seen.until(890) == (
        Sample(600, 60, 110, 0, 1.0),
        Sample(660, 60, 111, 1, 1 - 1 / 111),
        Sample(720, 60, 112, 2, 1 - 2 / 112),
    )
    assert insights.queries == [(600, 660), (660, 720), (720, 780)]
    assert seen.remarks == []


def test_late_sets_the_watermark() -> None:
    own, insights = orders(late="3m"), Insights(COUNTS)
    seen = Seen(own, insights)
    assert seen.until(839) == ()
    assert [sample.start for sample in seen.until(845)] == [600]
    assert own.source.lag == 190
    assert kpi(gauge={"alarm": "x"}, bound={"at_most": 0}).source.lag == 0


def test_query_is_polled_every_two_seconds() -> None:
    insights = Insights(COUNTS, looks=3)
    assert len(Seen(orders(), insights).until(728)) == 1
    assert insights.operations == ["start_query", *["get_query_results"] * 4]


@pytest.mark.parametrize(
    ("insights", "why"),
    [
        (Insights(COUNTS, looks=10**6), "its query was not done in 30s"),
        (Insights(COUNTS, ends="Failed"), "its query ended as Failed"),
        (Insights(COUNTS, ends="Timeout"), "its query ended as Timeout"),
        (Insights(COUNTS, ends=ValueError("not yours")), "not yours"),
    ],
    ids=["too slow", "failed", "timeout", "error"],
)
def test_failed_query_is_stopped_and_a_gap_with_one_remark(insights: Insights, why: str) -> None:
    seen = Seen(orders(), insights)
    assert seen.until(890) == ()
    assert seen.remarks == [f"it has a gap: log group {GROUP}: {why}"]
    ended = isinstance(insights.ends, str) and insights.looks == 0
    assert insights.operations.count("start_query") == 3
    assert insights.operations.count("stop_query") == (0 if ended else 3)


def test_next_query_repeats_three_minutes_of_failures() -> None:
    insights = Insights(COUNTS, ends="Failed")
    seen = Seen(orders(), insights)
    assert seen.until(800) == ()
    insights.ends = "Complete"
    assert [sample.start for sample in seen.until(890)] == [600, 660, 720]
    late = Seen(orders(), insights := Insights(COUNTS, ends="Failed"))
    assert late.until(1000) == ()
    insights.ends = "Complete"
    assert [sample.start for sample in late.until(1050)] == [780, 840, 900]


def test_minute_without_lines_is_a_gap() -> None:
    seen = Seen(orders(), Insights({at: numbers for at, numbers in COUNTS.items() if at != 660}))
    assert [sample.start for sample in seen.until(890)] == [600, 720]
    assert seen.remarks == [f"it has a gap: log group {GROUP}: a bin has no row with its numbers"]


GAUGE = kpi(gauge=logs("stats pct(took, 99) as value by bin(1m)"), bound={"at_most": 2})
RATE = kpi(rate=logs("filter @message like /ORDER/ | stats count(*) as total by bin(1m)"), bound={"at_least": "1/s"})


@pytest.mark.parametrize(
    ("own", "cells", "sample"),
    [
        (orders(), {"total": 50, "bad": 5}, Sample(60, 60, 50, 5, 0.9)),
        (orders(), {"bad": 0, "total": 0}, Sample(60, 60, 0, 0, None)),
        (orders(), {"total": 3, "bad": 7}, Sample(60, 60, 3, 3, 0.0)),
        (GAUGE, {"value": 2.5}, Sample(60, 60, 1, 1, 2.5)),
        (RATE, {"total": 120}, Sample(60, 60, 120, 0, 2.0)),
        (orders(), {"total": 50}, None),
        (GAUGE, {"value": ""}, None),
        (GAUGE, {"value": "NaN"}, None),
    ],
)
def test_a_row_is_a_bin(own: Kpi, cells: Numbers, sample: Sample | None) -> None:
    assert samples(own, [row(60, **cells)], 1, 2) == ((sample,) if sample else ())


def test_samples_ignore_rows_outside_the_bins() -> None:
    cells: Numbers = {"total": 1, "bad": 0}
    unbinned = [{"field": "total", "value": "1"}, {"field": "bad", "value": "0"}]
    rows = [row(120, **cells), row(60, **cells), row(90, **cells), row(0, **cells), row(180, **cells), unbinned]
    assert [sample.start for sample in samples(orders(), rows, 1, 3)] == [60, 120]


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("stats count(*) as total, sum(x) as bad by bin(5m)", "must end in `stats … by bin(1m)`"),
        ("stats count(*) as total, sum(x) as bad by bin(1m), host", "must end in `stats … by bin(1m)`"),
        ("stats count(*) as total, sum(x) as bad by bin(1m) | limit 5", "must end in `stats … by bin(1m)`"),
        ("fields @message", "must end in `stats … by bin(1m)`"),
        ("stats count(*) as total, sum(x) as bad by bin(1M)", "must end in `stats … by bin(1m)`"),
        ("stats count(*) as total by bin(1m)", "names none of its stats `as bad`"),
        ("fields x as bad | stats count(*) as total by bin(1m)", "names none of its stats `as bad`"),
    ],
)
def test_query_without_matching_bins_is_invalid(query: str, why: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(why)):
        orders(query=query)


def test_ratio_with_two_queries_is_invalid() -> None:
    with pytest.raises(ValidationError, match="write it under `total` alone"):
        kpi(ratio={"bad": logs(), "total": logs()}, bound={"at_least": "99%"})


@pytest.mark.parametrize("query", ["STATS sum(x) AS bad, count(*) AS total BY bin( 60s )\n", f"filter a | {QUERY}"])
def test_query_with_matching_bins_is_valid(query: str) -> None:
    assert orders(query=query).source.name == "logs"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        aws = open_account(workers=1)
        make = Call(service="logs", operation="create_log_group", params={"logGroupName": GROUP})
        aws.allowing(AnyCall()).call(make, REGION)
        yield aws


def test_queries_need_only_read_calls(account: Any) -> None:
    own, clock, call = {"it": orders()}, TestClock(600), calls_of_sources(account, REGION)
    source = LogsSource(own, clock, lambda operation, params: call(f"logs.{operation}", params))
    clock.sleep(130)
    source.look("it")
    # moto finds lines, and counts none: no bin.
    remarks = source.read(own, 0, 1000).remarks
    assert remarks == (f"it has a gap: log group {GROUP}: a bin has no row with its numbers",)
    with pytest.raises(Unanswered, match="ResourceNotFoundException"):
        call("logs.start_query", {"logGroupName": "/other", "queryString": QUERY, "startTime": 0, "endTime": 60})
