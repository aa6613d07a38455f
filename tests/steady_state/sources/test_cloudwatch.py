from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from gameday.steady_state.clock import TestClock
from gameday.steady_state.kpi.kpi import Kpi
from gameday.steady_state.kpi.source import Reading, SourceContext, Unanswered
from gameday.steady_state.samples import Sample, Series
from gameday.steady_state.sources import Sources, open_sources
from gameday.steady_state.sources.cloudwatch import CloudWatchSource
from gameday.steady_state.sources.metric_data import QUERIES_A_CALL
from pydantic import JsonValue

from tests.doubles.scripted import Scripted
from tests.steady_state.streams import gauge, kpi, latency, rate, ratio, reading, steady

Points = dict[float, float]


class Metrics:
    """Answers GetMetricData from points by (metric, statistic), `page` values at a time, and remembers the calls."""

    def __init__(self, points: dict[tuple[str, str], Points], page: int = 10**6) -> None:
        self.points = points
        self.page = page
        self.calls: list[dict[str, Any]] = []
        self.regions: list[str | None] = []
        self.status: dict[tuple[str, str], str] = {}
        self.messages: list[dict[str, str]] = []

    def __call__(self, params: dict[str, Any], region: str | None = None) -> dict[str, Any]:
        self.calls.append(params)
        self.regions.append(region)
        rows = [
            (query["Id"], at, value)
            for query in params["MetricDataQueries"]
            for at, value in self.points.get(self.key(query), {}).items()
            if params["StartTime"] <= at < params["EndTime"]
        ]
        first = int(params.get("NextToken", 0))
        page, more = rows[first : first + self.page], first + self.page < len(rows)
        results = [
            {
                "Id": query["Id"],
                "Timestamps": [at for name, at, _ in page if name == query["Id"]],
                "Values": [value for name, _, value in page if name == query["Id"]],
                "StatusCode": self.status.get(self.key(query), "PartialData" if more else "Complete"),
            }
            for query in params["MetricDataQueries"]
        ]
        return {
            "MetricDataResults": results,
            "Messages": self.messages,
            **({"NextToken": str(first + self.page)} if more else {}),
        }

    @staticmethod
    def key(query: dict[str, Any]) -> tuple[str, str]:
        if "Expression" in query:
            return query["Expression"], ""
        return query["MetricStat"]["Metric"]["MetricName"], query["MetricStat"]["Stat"]


def read(own: Kpi, metrics: Callable[..., Any], start: float = 0, end: float = 1000) -> Series:
    return CloudWatchSource(metrics).read({"it": own}, start, end).samples["it"]


def test_ratio_counts_bad_and_total_of_a_bin() -> None:
    metrics = Metrics({("Failed", "Sum"): {0: 1, 1: 2, 3: 4}, ("Tried", "Sum"): {0: 10, 1: 20, 2: 30}})
    assert read(ratio(), metrics) == (
        Sample(0, 1, 10, 1, 0.9),
        Sample(1, 1, 20, 2, 0.9),
        Sample(2, 1, 30, 0, 1.0),  # missing: zero, where the denominator reported; and nowhere else
    )


def test_bin_without_failures_is_a_gap_by_default() -> None:
    own = kpi(ratio={"bad": reading("Failed"), "total": reading("Tried")}, bound={"at_least": "99%"})
    metrics = Metrics({("Failed", "Sum"): {0: 1}, ("Tried", "Sum"): {0: 10, 1: 20}})
    assert [sample.start for sample in read(own, metrics)] == [0]


def test_no_traffic_is_a_bin_without_value() -> None:
    assert read(ratio(), Metrics({("Tried", "Sum"): {5: 0}})) == (Sample(5, 1, 0, 0, None),)


def test_failures_beyond_requests_are_capped() -> None:
    metrics = Metrics({("Failed", "Sum"): {0: 3}, ("Tried", "Sum"): {0: 2}})
    assert read(ratio(), metrics) == (Sample(0, 1, 2, 2, 0.0),)


@pytest.mark.parametrize(
    ("rank", "count", "slow"), [(100, 40, 0), (0, 40, 40), (97.5, 40, 1), (66.6667, 3, 1), (99.9, 7, 0)]
)
def test_latency_counts_requests_over_the_limit(rank: float, count: float, slow: float) -> None:
    metrics = Metrics({("Seconds", "PR(:0.3)"): {0: rank}, ("Seconds", "SampleCount"): {0: count}})
    assert read(latency(), metrics) == (Sample(0, 1, count, slow, 1 - slow / count),)


@pytest.mark.parametrize(
    ("unit", "limit", "statistic"),
    [
        ("s", "300ms", "PR(:0.3)"),
        ("ms", "300ms", "PR(:300)"),
        ("s", "2s", "PR(:2)"),
        ("ms", "10s", "PR(:10000)"),
        ("s", "100s", "PR(:100)"),
    ],
)
def test_latency_query_uses_the_metrics_unit(unit: str, limit: str, statistic: str) -> None:
    metrics = Metrics({})
    read(kpi(latency=reading("Seconds", unit=unit), bound={"p95": limit}), metrics)
    assert {Metrics.key(query)[1] for query in metrics.calls[0]["MetricDataQueries"]} == {statistic, "SampleCount"}


def test_latency_is_counted_over_other_limits_too() -> None:
    points = {"PR(:0.3)": 50.0, "PR(:0.5)": 75.0, "PR(:2)": 100.0, "SampleCount": 40.0}
    metrics = Metrics({("Seconds", statistic): {0: value} for statistic, value in points.items()})
    assert read(latency(limits=["500ms", "2s"]), metrics)[0] == Sample(0, 1, 40, 20, 0.5, ((0.5, 10), (2.0, 0)))


def test_a_gauge_is_in_or_out_of_its_range() -> None:
    metrics = Metrics({("Healthy", "Minimum"): {0: 6, 1: 5}})
    assert read(gauge(), metrics) == (Sample(0, 1, 1, 0, 6), Sample(1, 1, 1, 1, 5))


def test_a_rate_is_events_per_second() -> None:
    own = Kpi.model_validate(
        {"tier": "business", "rate": {"cloudwatch": "Shop/Orders", "period": "1m"}, "bound": {"at_least": "1/s"}}
    )
    assert read(own, Metrics({("Orders", "Sum"): {60: 120}})) == (Sample(60, 60, 120, 0, 2),)


def test_rate_per_offered_counts_what_is_missing() -> None:
    own = kpi(rate=reading("Orders", missing="zero"), per=reading("Tried"), bound={"within": "5%", "of": "baseline"})
    metrics = Metrics({("Orders", "Sum"): {0: 40, 1: 60}, ("Tried", "Sum"): {0: 50, 1: 50, 2: 50}})
    assert read(own, metrics) == (Sample(0, 1, 50, 10, 40), Sample(1, 1, 50, 0, 60), Sample(2, 1, 50, 50, 0))


def test_read_returns_whole_bins_alone() -> None:
    own = Kpi.model_validate(
        {"tier": "technical", "gauge": {"cloudwatch": "Shop/Healthy", "period": "1m"}, "bound": {"at_least": 1}}
    )
    metrics = Metrics({("Healthy", "Sum"): {minute * 60: 1 for minute in range(20)}})
    starts = [sample.start for sample in read(own, metrics, start=100, end=370)]
    assert starts == [120, 180, 240, 300]
    assert (metrics.calls[0]["StartTime"], metrics.calls[0]["EndTime"]) == (120, 360)


def test_read_without_complete_bin_makes_no_call() -> None:
    metrics = Metrics({})
    assert read(ratio(), metrics, start=10.2, end=10.9) == ()
    assert metrics.calls == []


def test_late_points_appear_in_the_next_read() -> None:
    metrics = Metrics({("Healthy", "Minimum"): {0: 6}})
    assert [sample.start for sample in read(gauge(), metrics)] == [0]
    metrics.points["Healthy", "Minimum"] |= {0: 5, 1: 6}
    assert [(sample.start, sample.value) for sample in read(gauge(), metrics)] == [(0, 5), (1, 6)]


def test_all_pages_are_read() -> None:
    points = {("Healthy", "Minimum"): {float(second): 6.0 for second in range(25)}}
    metrics = Metrics(points, page=10)
    assert len(read(gauge(), metrics)) == 25
    assert [call.get("NextToken") for call in metrics.calls] == [None, "10", "20"]


def test_one_call_reads_five_hundred_metrics() -> None:
    kpis = {f"k{number}": kpi(gauge=reading(f"M{number}"), bound={"at_least": 1}) for number in range(1201)}
    metrics = Metrics({(f"M{number}", "Sum"): {0: number} for number in range(1201)})
    samples = CloudWatchSource(metrics).read(kpis, 0, 10).samples
    assert [samples[f"k{number}"][0].value for number in range(1201)] == list(range(1201))
    assert [len(call["MetricDataQueries"]) for call in metrics.calls] == [QUERIES_A_CALL, QUERIES_A_CALL, 201]


def test_metric_of_several_kpis_is_queried_once() -> None:
    metrics = Metrics({})
    CloudWatchSource(metrics).read({"a": ratio(), "b": ratio("95%"), "c": gauge()}, 0, 10)
    assert len(metrics.calls) == 1
    assert len(metrics.calls[0]["MetricDataQueries"]) == 3


def test_query_has_cloudwatchs_form() -> None:
    metrics = Metrics({})
    own = kpi(
        gauge={"cloudwatch": "AWS/Lambda/Errors", "dimensions": {"FunctionName": "pay", "A": "b"}, "period": "1m"},
        bound={"at_most": 1},
    )
    read(own, metrics)
    assert metrics.calls[0]["MetricDataQueries"] == [
        {
            "Id": "q0",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": "Errors",
                    "Dimensions": [{"Name": "A", "Value": "b"}, {"Name": "FunctionName", "Value": "pay"}],
                },
                "Period": 60,
                "Stat": "Sum",
            },
            "ReturnData": True,
        }
    ]


def test_parameters_are_valid_in_botocore() -> None:
    from botocore.session import get_session
    from botocore.validate import ParamValidator

    metrics = Metrics({})
    CloudWatchSource(metrics).read({"a": ratio(), "b": latency(), "c": rate()}, 0, 10)
    shape = get_session().get_service_model("cloudwatch").operation_model("GetMetricData").input_shape
    assert not ParamValidator().validate(metrics.calls[0], shape).has_errors()


# Several sources as one ----------------------------------------------------------------------------------------------


def test_sources_read_each_kpi_from_its_source() -> None:
    probe = kpi(ratio={"total": {"http": {"url": "http://localhost/"}}}, bound={"at_least": "99%"})
    both = Sources({"cloudwatch": Scripted({"a": steady(3)}), "http": Scripted({"b": steady(2), "a": steady(9)})})
    samples = both.read({"a": ratio(), "b": probe}, 0, 100).samples
    assert {name: len(series) for name, series in samples.items()} == {"a": 3, "b": 2}


def test_script_is_read_bin_by_bin() -> None:
    source = Scripted({"a": steady(10)})
    assert [sample.start for sample in source.read({"a": ratio()}, 2, 5).samples["a"]] == [2, 3, 4]
    assert source.read({"b": ratio()}, 2, 5) == Reading({"b": ()})


def test_cloudwatch_kpis_start_no_thread() -> None:
    import threading

    metrics = Metrics({("Tried", "Sum"): {0: 1, 1: 1, 2: 1}})

    def call(operation: str, params: Mapping[str, JsonValue], *, paged: bool = False, region: str | None = None) -> Any:
        assert operation == "cloudwatch.get_metric_data"
        return metrics(dict(params))

    before = threading.active_count()
    with open_sources({"a": ratio()}, SourceContext(TestClock(0), call, on_twin=True)) as source:
        assert threading.active_count() == before
        assert len(source.read({"a": ratio()}, 0, 9).samples["a"]) == 3


def test_unanswered_call_is_a_gap_with_one_remark() -> None:
    def deaf(_: dict[str, Any], region: str | None) -> Any:
        del region
        raise Unanswered("not yours")

    source = CloudWatchSource(deaf)
    readings = [source.read({"a": ratio()}, 0, 9) for _ in range(2)]
    assert readings == [Reading({}, ("CloudWatch does not answer for metrics: not yours",)), Reading({})]


# What CloudWatch did not read whole ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["InternalError", "PartialData", "Forbidden", ""])
def test_metric_that_is_not_complete_is_a_gap(status: str) -> None:
    metrics = Metrics({("Tried", "Sum"): {0: 3000.0}})
    metrics.status["Failed", "Sum"] = status
    reading = CloudWatchSource(metrics).read({"orders": ratio()}, 0, 9)
    assert reading.samples == {}
    assert status in reading.remarks[0]


def test_gap_of_a_kpi_leaves_the_others() -> None:
    metrics = Metrics({("Tried", "Sum"): {0: 30.0}, ("Healthy", "Minimum"): {0: 6.0}})
    metrics.status["Failed", "Sum"] = "InternalError"
    reading = CloudWatchSource(metrics).read({"orders": ratio(), "healthy": gauge()}, 0, 9)
    assert list(reading.samples) == ["healthy"]


def test_message_about_the_whole_call_makes_gaps() -> None:
    metrics = Metrics({("Tried", "Sum"): {0: 30.0}})
    metrics.messages = [{"Code": "MaxMetricsExceeded", "Value": "Maximum number of allowed metrics exceeded"}]
    reading = CloudWatchSource(metrics).read({"orders": ratio()}, 0, 9)
    assert reading.samples == {}
    assert "Maximum number" in reading.remarks[0]


def test_query_without_a_result_is_a_gap() -> None:
    def answer(params: dict[str, Any], region: str | None) -> dict[str, Any]:
        del params, region
        return {"MetricDataResults": []}

    assert CloudWatchSource(answer).read({"orders": ratio()}, 0, 9).samples == {}


def test_page_that_repeats_its_token_ends_the_reading() -> None:
    def answer(params: dict[str, Any], region: str | None) -> dict[str, Any]:
        del region
        results = [
            {"Id": query["Id"], "Timestamps": [], "Values": [], "StatusCode": "InternalError"}
            for query in params["MetricDataQueries"]
        ]
        return {"MetricDataResults": results, "NextToken": "again"}

    assert CloudWatchSource(answer).read({"orders": ratio()}, 0, 9).samples == {}


# Several metrics, other regions and accounts -------------------------------------------------------------------------


def test_list_of_metrics_is_summed() -> None:
    bad = {"cloudwatch": ["Shop/Elb", "Shop/Target"], "period": "1s", "missing": "zero"}
    own = kpi(ratio={"bad": bad, "total": reading("Tried")}, bound={"at_least": "99%"})
    metrics = Metrics(
        {("Elb", "Sum"): {0: 1, 1: 2}, ("Target", "Sum"): {1: 3}, ("Tried", "Sum"): {0: 10, 1: 10, 2: 10}}
    )
    assert [sample.bad for sample in read(own, metrics)] == [1, 5, 0]


def test_sum_has_a_gap_where_a_metric_has_none() -> None:
    own = kpi(gauge={"cloudwatch": ["Shop/A", "Shop/B"], "period": "1s"}, bound={"at_least": 1})
    metrics = Metrics({("A", "Sum"): {0: 1, 1: 2}, ("B", "Sum"): {1: 3}})
    assert [(sample.start, sample.value) for sample in read(own, metrics)] == [(1, 5)]


def test_metric_of_a_sum_that_is_forbidden_makes_a_gap() -> None:
    bad = {"cloudwatch": ["Shop/Elb", "Shop/Target"], "period": "1s", "missing": "zero"}
    own = kpi(ratio={"bad": bad, "total": reading("Tried")}, bound={"at_least": "99%"})
    metrics = Metrics({("Elb", "Sum"): {0: 1}, ("Tried", "Sum"): {0: 10}})
    metrics.status["Target", "Sum"] = "Forbidden"
    assert CloudWatchSource(metrics).read({"it": own}, 0, 9).samples == {}


def test_expressions_of_one_call_name_their_own_metrics() -> None:
    def written(first: str) -> Kpi:
        of = {"cloudwatch": [first, "Shop/B"], "expression": "m1 / m2 * 100", "period": "1s"}
        return kpi(gauge=of, bound={"at_least": 1})

    metrics = Metrics({("q0m1 / q0m2 * 100", ""): {0: 50.0}, ("q1m1 / q1m2 * 100", ""): {0: 20.0}})
    reading = CloudWatchSource(metrics).read({"a": written("Shop/A"), "c": written("Shop/C")}, 0, 9)
    assert [reading.samples[name][0].value for name in ("a", "c")] == [50, 20]
    assert [query["Id"] for query in metrics.calls[0]["MetricDataQueries"]] == [
        "q0m1",
        "q0m2",
        "q0",
        "q1m1",
        "q1m2",
        "q1",
    ]


def test_kpis_are_read_in_their_regions_and_accounts() -> None:
    metrics = Metrics({("Healthy", "Sum"): {0: 6}, ("Requests", "Sum"): {0: 9}})
    there = kpi(
        gauge={"cloudwatch": "AWS/CloudFront/Requests", "period": "1s", "region": "us-east-1", "account": "1" * 12},
        bound={"at_least": 1},
    )
    here = kpi(gauge=reading("Healthy"), bound={"at_least": 1})
    samples = CloudWatchSource(metrics).read({"here": here, "there": there}, 0, 9).samples
    assert (samples["here"][0].value, samples["there"][0].value) == (6, 9)
    assert metrics.regions == [None, "us-east-1"]
    assert [call["MetricDataQueries"][0].get("AccountId") for call in metrics.calls] == [None, "1" * 12]


@pytest.mark.parametrize(
    ("written", "namespace", "metric"),
    [
        ("/aws/sagemaker/Endpoints/CPUUtilization", "/aws/sagemaker/Endpoints", "CPUUtilization"),
        ("CWAgent/Bytes Sent per second", "CWAgent", "Bytes Sent per second"),
        (
            {"namespace": "CWAgent", "metric": "Network Interface Bytes Sent/sec"},
            "CWAgent",
            "Network Interface Bytes Sent/sec",
        ),
    ],
)
def test_names_of_any_legal_form_are_asked_whole(written: Any, namespace: str, metric: str) -> None:
    own = kpi(gauge={"cloudwatch": written}, bound={"at_least": 1})
    metrics = Metrics({})
    read(own, metrics)
    asked = metrics.calls[0]["MetricDataQueries"][0]["MetricStat"]["Metric"]
    assert (asked["Namespace"], asked["MetricName"]) == (namespace, metric)
    again = Kpi.model_validate_json(own.model_dump_json(by_alias=True, exclude_defaults=True))
    assert again == own


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ({"cloudwatch": "CWAgent/Network Interface Bytes Sent/sec"}, "namespace: …, metric: …"),
        ({"cloudwatch": ":Odd/Metric"}, "Namespace/MetricName"),
        ({"cloudwatch": "AWS/X/Y", "statistic": "p99"}, "`latency`"),
        ({"cloudwatch": ["A/b", "A/c"], "statistic": "Average"}, "expression"),
        ({"cloudwatch": ["A/b", "A/c"], "expression": "m1 / m3"}, "m3"),
        ({"cloudwatch": ["A/b", "A/c"], "expression": "m1 * 2"}, "m2"),
        ({"cloudwatch": ["A/b"], "expression": "SEARCH('x') + m1"}, "SEARCH"),
    ],
)
def test_metric_that_cannot_be_read_is_a_mistake(written: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        kpi(gauge=written, bound={"at_least": 1})


def test_latency_reads_one_metric() -> None:
    with pytest.raises(ValueError, match="latency reads one metric"):
        kpi(latency={"cloudwatch": ["A/b", "A/c"]}, bound={"p95": "300ms"})


def test_sum_over_two_load_balancers_has_own_dimensions() -> None:
    two = [{"namespace": "AWS/ELB", "metric": "5XX", "dimensions": {"LoadBalancer": name}} for name in ("a", "b")]
    own = kpi(gauge={"cloudwatch": two, "dimensions": {"LoadBalancer": "none"}}, bound={"at_least": 1})
    metrics = Metrics({})
    read(own, metrics)
    asked = [query["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for query in metrics.calls[0]["MetricDataQueries"]]
    assert asked == ["a", "b"]
    assert Kpi.model_validate_json(own.model_dump_json(by_alias=True)) == own
